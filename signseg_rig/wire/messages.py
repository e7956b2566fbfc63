"""What the loop and the display say to each other: one frozen model per message kind."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from signseg_rig.settings import Sha256

WIRE_VERSION = 4

ShortText = Annotated[str, Field(max_length=2000)]
Identifier = Annotated[str, Field(min_length=1, max_length=120)]
Count = Annotated[int, Field(ge=0, lt=2**53)]
MAX_SIDE_PX = 16_384
SidePx = Annotated[int, Field(ge=1, le=MAX_SIDE_PX)]
Degrees = Annotated[float, Field(ge=-180, le=180)]
Code = Annotated[int, Field(ge=0, lt=2**16)]
Seconds = Annotated[float, Field(allow_inf_nan=False)]

MAX_PRESENTATIONS = 100_000
# What a display says is small: MAX_BYTES_TO_LOOP holds the largest of it. JSON takes up to twelve
# bytes for a character.
MAX_NOTES = 20
MAX_NOTE_LENGTH = 400
MAX_MISSING = 1000
MAX_BYTES_TO_LOOP = 128 * 2**10


class Body(BaseModel):
    """The content of a message; `kind` names it on the wire."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    kind: ClassVar[str]


class Hello(Body):
    """The display introduces itself, and repeats it until it is welcome.

    `launch_id` is what the loop called this display where it started it, else empty. `visit` counts
    how often the display has had to seek a loop: a hello that is said again is of the same visit.
    `clock_s` is what the display's clock said at `at_utc`, ISO 8601.
    """

    kind = "hello"
    display_id: Identifier
    launch_id: Annotated[str, Field(max_length=120)]
    visit: Count
    name: ShortText
    plugin: Identifier
    refresh_rate_hz: Annotated[float, Field(gt=0, le=10_000)]
    width_px: Annotated[int, Field(gt=0, le=100_000)]
    height_px: Annotated[int, Field(gt=0, le=100_000)]
    width_deg: Annotated[float, Field(gt=0, le=360)]
    height_deg: Annotated[float, Field(gt=0, le=360)]
    is_software_paced: bool
    setup_sha256: Sha256
    notes: Annotated[
        list[Annotated[str, Field(max_length=MAX_NOTE_LENGTH)]], Field(max_length=MAX_NOTES)
    ]
    clock_s: Seconds
    at_utc: Identifier


class Welcome(Body):
    """The loop takes this display for its run."""

    kind = "welcome"
    heartbeat_timeout_s: Annotated[float, Field(gt=0, le=3600)]


class Rejected(Body):
    """The loop does not take this display, and says why."""

    kind = "rejected"
    cause: Literal["busy", "version", "setup"]
    message: ShortText


class Reintroduce(Body):
    """The loop does not know the sender: it should say hello again."""

    kind = "reintroduce"


class Ping(Body):
    """Heartbeat of the loop, with its clock."""

    kind = "ping"
    loop_s: Seconds


class Pong(Body):
    """Heartbeat of the display: the ping's time, and its own clock on receiving and sending."""

    kind = "pong"
    loop_s: Seconds
    received_s: Seconds
    sent_s: Seconds


class Place(BaseModel):
    """Where an image is shown, and how large; see `Placement`."""

    model_config = Body.model_config
    position_deg: Annotated[list[Degrees], Field(min_length=2, max_length=2)]
    size_deg: Annotated[float, Field(gt=0, le=360)] | None


class Image(Body):
    """One image at a place; its pixels are the payload, and the payload's hash is its key."""

    kind = "image"
    place: Place


class PlacedKey(BaseModel):
    """An image at a place, by the hash of its pixels."""

    model_config = Body.model_config
    key: Sha256
    place: Place


class Preload(Body):
    """The images that the display should hold from now on; it forgets all others."""

    kind = "preload"
    number: Count
    views: Annotated[list[PlacedKey], Field(max_length=MAX_PRESENTATIONS)]


class Preloaded(Body):
    """Answer to `Preload`: the places in its list of what the display does not have.

    Of very many the first.
    """

    kind = "preloaded"
    number: Count
    missing: Annotated[list[Count], Field(max_length=MAX_MISSING)]


class ShowItem(BaseModel):
    """One presentation of a pass."""

    model_config = Body.model_config
    id: Identifier
    view: PlacedKey
    code: Code | None


class Show(Body):
    """Show these images, one after the other, each for so many frames."""

    kind = "show"
    number: Count
    items: Annotated[list[ShowItem], Field(min_length=1, max_length=MAX_PRESENTATIONS)]
    on_frames: Annotated[int, Field(ge=1, le=1_000_000)]
    off_frames: Annotated[int, Field(ge=1, le=1_000_000)]


class ShownReport(Body):
    """One presentation has been shown."""

    kind = "shown"
    number: Count
    id: Identifier
    key: Sha256
    onset_s: Seconds
    offset_s: Seconds
    n_frames: Count
    n_dropped_frames: Count
    code: Code | None


class Aborted(Body):
    """One presentation was ended early, or could not be begun."""

    kind = "aborted"
    number: Count
    id: Identifier
    reason: Identifier
    onset_s: Seconds | None
    offset_s: Seconds | None


class ShowDone(Body):
    """Nothing more of `Show` will be shown, either because it ended or because of `Halt`."""

    kind = "show_done"
    number: Count
    n_shown: Count


class Halt(Body):
    """Finish the presentation that is on the screen, and show no further one."""

    kind = "halt"


class KeyPressed(Body):
    """A key was pressed in the display's window."""

    kind = "key"
    name: Identifier


class Trouble(Body):
    """The display cannot do what it was told."""

    kind = "trouble"
    message: ShortText


class Goodbye(Body):
    """The sender leaves in good order."""

    kind = "goodbye"
    reason: ShortText


BODIES: dict[str, type[Body]] = {body.kind: body for body in Body.__subclasses__()}


class PayloadHeader(BaseModel):
    """What the payload is, so that it can be checked before anything is made of it."""

    model_config = Body.model_config
    dtype: Literal["uint8"]
    shape: Annotated[list[SidePx], Field(min_length=3, max_length=3)]
    sha256: Sha256


class Header(BaseModel):
    """The first frame of every message."""

    model_config = Body.model_config
    v: int
    kind: Annotated[str, Field(max_length=40)]
    run: Annotated[str, Field(max_length=200)]
    session: Annotated[str, Field(max_length=64)]
    seq: Count
    body: dict[str, Any]
    payload: PayloadHeader | None = None
