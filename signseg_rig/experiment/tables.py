"""The experiment file: one TOML table per part of the rig, and its units in the names."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from signseg_rig.settings import Conflict, InputPath, OutDir, PluginChoice, PluginGroup, Settings

# As long as an image may be shown.
WindowTime = Annotated[float, Field(ge=-60, le=60)]
GrayLevel = Annotated[int, Field(ge=0, le=255)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=80)]

DisplayChoice = Annotated[PluginChoice, PluginGroup("displays")]
GeneratorChoice = Annotated[PluginChoice, PluginGroup("generators")]
ProtocolChoice = Annotated[PluginChoice, PluginGroup("protocols")]
ResponseSourceChoice = Annotated[PluginChoice, PluginGroup("response_sources")]


def is_loopback(address: str) -> bool:
    """Return whether a ``tcp://host:port`` address stays on this machine."""
    host = urlsplit(address).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _tcp_address(address: str) -> str:
    parts = urlsplit(address)
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme != "tcp" or not parts.hostname or not port or parts.path:
        raise ValueError('should look like "tcp://127.0.0.1:5580"')
    if parts.hostname == "*":
        raise ValueError(
            'should be the control computer\'s address, such as "tcp://192.168.1.10:5580": the '
            'display connects to it, and cannot connect to "*"'
        )
    return address


class RunSettings(Settings):
    """Name, seed and place of a run.

    `starts_display` starts the display process on this machine together with the run, on a
    virtual screen where there is none; at a rig with a stimulus computer it is false.
    """

    name: Name
    seed: int = Field(default=0, ge=0, lt=2**63)
    out_dir: OutDir = Path("runs")
    starts_display: bool = True


class WireSettings(Settings):
    """The connection between the loop, which binds, and the display, which connects."""

    address: Annotated[str, AfterValidator(_tcp_address)] = "tcp://127.0.0.1:5580"
    keys_dir: InputPath | None = None
    allow_insecure: bool = False
    heartbeat_interval_s: float = Field(default=0.5, gt=0, le=10)
    heartbeat_timeout_s: float = Field(default=5.0, gt=0, le=120)
    connect_timeout_s: float = Field(default=120.0, gt=0, le=86400)
    preload_timeout_s: float = Field(default=30.0, gt=0, le=600)

    def conflicts(self) -> Iterator[Conflict]:
        """Yield an address without protection, and a timeout of no more than a heartbeat."""
        if not (is_loopback(self.address) or self.keys_dir or self.allow_insecure):
            yield Conflict(
                f"{self.address} is reachable from other machines and has no keys. Make them with "
                "'signseg-rig keys DIR' and set keys_dir, or set allow_insecure = true on a "
                "network that only the rig is on",
                (("address",), ("keys_dir",), ("allow_insecure",)),
            )
        if self.heartbeat_timeout_s < 2 * self.heartbeat_interval_s:
            yield Conflict(
                f"heartbeat_timeout_s ({self.heartbeat_timeout_s}) should be at least twice "
                f"heartbeat_interval_s ({self.heartbeat_interval_s})",
                (("heartbeat_interval_s",), ("heartbeat_timeout_s",)),
            )


class MonitorSettings(Settings):
    """A calibrated monitor, seen from the animal."""

    width_px: int = Field(default=1280, ge=64, le=16384)
    height_px: int = Field(default=720, ge=64, le=16384)
    width_cm: float = Field(default=53.0, ge=0.1, le=1000)
    distance_cm: float = Field(default=57.0, ge=0.1, le=1000)
    refresh_rate_hz: float = Field(default=60.0, ge=10, le=1000)
    gamma: float | None = Field(default=None, gt=0, le=5)
    calibrated_on: str | None = None
    screen: int = Field(default=0, ge=0, le=16)
    is_full_screen: bool = True

    def px(self, size_deg: float) -> float:
        """Convert degrees of visual angle at the centre of the screen to pixels."""
        size_cm = 2 * self.distance_cm * math.tan(math.radians(size_deg) / 2)
        return size_cm * self.width_px / self.width_cm

    def deg(self, size_px: float) -> float:
        """Convert pixels at the centre of the screen to degrees of visual angle."""
        size_cm = size_px * self.width_cm / self.width_px
        return math.degrees(2 * math.atan(size_cm / 2 / self.distance_cm))

    def frames(self, duration_ms: float) -> int:
        """Convert a duration to whole frames, at least one."""
        return max(1, round(duration_ms * 1e-3 * self.refresh_rate_hz))


class SyncPatchSettings(Settings):
    """The square for a photodiode: white while an image is shown, else black."""

    corner: Literal["none", "top_left", "top_right", "bottom_left", "bottom_right"] = "bottom_left"
    size_px: int = Field(default=40, ge=2, le=1000)


class FixationSettings(Settings):
    """The fixation spot."""

    is_shown: bool = True
    diameter_deg: float = Field(default=0.2, gt=0, le=5)
    color_rgb: tuple[GrayLevel, GrayLevel, GrayLevel] = (255, 0, 0)
    position_deg: tuple[float, float] = (0.0, 0.0)


class StimulusSettings(Settings):
    """Where and for how long images are shown.

    `size_deg` is left out to show each pixel of an image on one pixel of the screen.
    """

    on_ms: float = Field(default=100.0, gt=0, le=60000)
    off_ms: float = Field(default=100.0, gt=0, le=60000)
    size_deg: float | None = Field(default=None, gt=0, le=180)
    position_deg: tuple[float, float] = (0.0, 0.0)
    background_gray: GrayLevel = 128
    sync_patch: SyncPatchSettings = SyncPatchSettings()
    fixation: FixationSettings = FixationSettings()


class WindowSettings(Settings):
    """Response windows relative to the onset, half-open: [start, end)."""

    evoked_s: tuple[WindowTime, WindowTime] = (0.050, 0.200)
    baseline_s: tuple[WindowTime, WindowTime] = (0.0, 0.045)

    def conflicts(self) -> Iterator[Conflict]:
        """Yield each window that ends before it starts."""
        for name, (start, end) in (("evoked_s", self.evoked_s), ("baseline_s", self.baseline_s)):
            if not end > start:
                message = f"{name} should end after it starts; got {start} to {end}"
                yield Conflict(message, ((name,),))

    @property
    def span_s(self) -> tuple[float, float]:
        """The stretch around an onset that both windows need."""
        return (
            min(self.evoked_s[0], self.baseline_s[0]),
            max(self.evoked_s[1], self.baseline_s[1]),
        )


class SyncSettings(Settings):
    """Which changes on the recording system's sync lines mark the onset of an image.

    `line` is the photodiode's or the marker's, by the recording system's own name; left out, it is
    the first line that it has. `hold_off_ms` leaves out edges that follow another so soon: for
    screens that strobe. With `code_bits` the display's marker puts a number of so many bits on the
    recording system's port with each image, which comes back as words on `code_line` (any line
    where left out): no edge is taken for another image's then.
    """

    line: str | None = Field(default=None, min_length=1, max_length=200)
    polarity: Literal["rising", "falling"] = "rising"
    hold_off_ms: float = Field(default=0.0, ge=0, le=60_000)
    code_bits: int | None = Field(default=None, ge=7, le=16)
    code_line: str | None = Field(default=None, min_length=1, max_length=200)

    @property
    def code_mask(self) -> int:
        """The bits of a word that are the code."""
        return (1 << (self.code_bits or 16)) - 1


class ElectrodeSettings(Settings):
    """One electrode or channel, and where it lies."""

    name: str = Field(min_length=1, max_length=200)
    area: str = ""
    hemisphere: Literal["", "left", "right"] = ""
    depth_mm: float | None = None
    position_mm: tuple[float, float, float] | None = None
    impedance_kohm: float | None = Field(default=None, ge=0)


class SubjectSettings(Settings):
    """Whom the experiment is done with."""

    id: Name
    species: str = ""
    sex: Literal["", "female", "male", "unknown"] = ""
    age: str = ""
    weight_kg: float | None = Field(default=None, gt=0)
    description: str = ""


class LabSettings(Settings):
    """Who does the experiment, where, and with which electrodes."""

    experimenter: tuple[str, ...] = ()
    institution: str = ""
    laboratory: str = ""
    session_id: str = ""
    electrodes: tuple[ElectrodeSettings, ...] = ()

    def conflicts(self) -> Iterator[Conflict]:
        """Yield each electrode that is named again."""
        names = [electrode.name for electrode in self.electrodes]
        for number, name in enumerate(names):
            if name in names[:number]:
                message = f"electrodes should have names of their own; {name!r} is there twice"
                yield Conflict(message, (("electrodes", number, "name"),))


class InvalidTrialSettings(Settings):
    """What happens to presentations that are invalid.

    They are repeated up to `max_attempts` times in all and then dropped (``"repeat"``), dropped at
    once (``"drop"``), or end the run with an error (``"abort"``).
    """

    policy: Literal["repeat", "drop", "abort"] = "repeat"
    max_attempts: int = Field(default=3, ge=1, le=100)
    reject_dropped_frames: bool = True
    response_timeout_s: float = Field(default=10.0, gt=0, le=3600)


SafeguardAction = Literal["stop", "pause", "warn"]


class SafeguardSettings(Settings):
    """What happens where the data say that something is wrong at the rig.

    The run stops and can be resumed (``"stop"``), pauses until somebody lets it go on
    (``"pause"``; where nobody can, without a terminal, it stops), or goes on (``"warn"``). Each is
    told at once and recorded.

    `silent_recording`: no unit fires over a block, which cannot be chance.
    `no_valid_presentation`: nothing in a pass through a block is valid. `many_invalid`: a larger
    share of presentations than `max_invalid_share` is invalid when first shown.
    `wrong_duration`: images were shown for another number of frames than ordered.
    """

    silent_recording: SafeguardAction = "pause"
    no_valid_presentation: SafeguardAction = "pause"
    many_invalid: SafeguardAction = "warn"
    max_invalid_share: float = Field(default=0.5, ge=0, le=1)
    wrong_duration: SafeguardAction = "warn"


class Experiment(Settings):
    """Everything about an experiment, read from one TOML file."""

    version: Literal[1] = 1
    run: RunSettings
    wire: WireSettings = WireSettings()
    display: DisplayChoice
    monitor: MonitorSettings = MonitorSettings()
    stimulus: StimulusSettings = StimulusSettings()
    windows: WindowSettings = WindowSettings()
    sync: SyncSettings = SyncSettings()
    subject: SubjectSettings | None = None
    lab: LabSettings = LabSettings()
    invalid_trials: InvalidTrialSettings = InvalidTrialSettings()
    safeguards: SafeguardSettings = SafeguardSettings()
    response_source: ResponseSourceChoice
    generators: dict[Name, GeneratorChoice] = Field(default_factory=dict)
    protocol: ProtocolChoice

    def setup_sha256(self) -> str:
        """Hash what the loop and the display must agree on: the screen, and what is always on it.

        Where, how large and for how long images are shown the loop says with each of them.
        """
        always = {"background_gray", "sync_patch", "fixation"}
        tables = self.model_dump(
            mode="json", include={"display": True, "monitor": True, "stimulus": always}
        )
        return hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()

    def to_toml_table(self) -> dict[str, Any]:
        """Return the experiment as a TOML document with every default spelled out."""
        return self.model_dump(mode="json", exclude_none=True)
