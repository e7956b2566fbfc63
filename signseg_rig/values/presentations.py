"""What is planned to be shown, and what was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from signseg_rig.values.stimuli import Durations, Placement


@dataclass(frozen=True, slots=True)
class Presentation:
    """One showing of one stimulus, as planned.

    Parameters
    ----------
    id : str
        Unique within the run, and the same whenever the run is replayed.
    stimulus_index : int
        Position in the batch.
    pixels_sha256 : str
        Hash of the pixels to be shown.
    attempt : int
        0, or how often it had to be repeated because it was invalid.
    """

    id: str
    stimulus_index: int
    pixels_sha256: str
    attempt: int = 0


class View(NamedTuple):
    """An image at a place on the screen.

    Parameters
    ----------
    pixels_sha256 : str
    placement : Placement
    """

    pixels_sha256: str
    placement: Placement


class Order(NamedTuple):
    """What a display is ordered to show.

    Parameters
    ----------
    presentation_id : str
    view : View
    code : int or None
        The word for the marker to put on the recording system's port meanwhile.
    """

    presentation_id: str
    view: View
    code: int | None = None


@dataclass(frozen=True, slots=True)
class PlannedStimulus:
    """A stimulus of a block as it stands in the run record.

    Parameters
    ----------
    id : str
        Unique within the run.
    role, thread, generation, index, generator, label
        As in `Stimulus`.
    content_sha256, pixels_sha256 : str
        Hash of the code, or of the pixels where there is no code; and of the pixels.
    placement : Placement or None
        Where it is shown; None in records that do not say so.
    provenance : mapping
        As in `Stimulus`.
    """

    id: str
    role: str
    thread: str
    generation: int
    index: int
    generator: str | None
    label: str
    content_sha256: str
    pixels_sha256: str
    placement: Placement | None = None
    provenance: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PassPlan:
    """One pass through a block: what is going to be shown, in this order.

    Attempt 0 shows every stimulus; attempt n shows again what was invalid in attempt n - 1.

    Parameters
    ----------
    block, attempt : int
        Both count from 0.
    stimuli : tuple of PlannedStimulus
        All stimuli of the block.
    presentations : tuple of Presentation
        In the order in which they are shown.
    durations : Durations or None
        For how long each is shown; None in records that do not say so.
    """

    block: int
    attempt: int
    stimuli: tuple[PlannedStimulus, ...]
    presentations: tuple[Presentation, ...]
    durations: Durations | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What the display reports about one presentation.

    Parameters
    ----------
    presentation_id : str
    pixels_sha256 : str
        Hash of the pixels that were on the screen.
    onset_s, offset_s : float, in seconds
        Flip times on the display's clock.
    n_frames : int
        Frames for which the image was shown.
    n_dropped_frames : int
        Frames that came later than one and a half frame periods, between onset and offset.
    code : int or None
        The word that the marker put on the recording system's port at the onset.
    """

    presentation_id: str
    pixels_sha256: str
    onset_s: float
    offset_s: float
    n_frames: int
    n_dropped_frames: int
    code: int | None = None


@dataclass(frozen=True, slots=True)
class BrokenOff:
    """What the display reports about a presentation that was ended early, or never begun.

    Parameters
    ----------
    presentation_id : str
    reason : str
        Such as "fixation broken".
    onset_s, offset_s : float or None, in seconds
        On the display's clock; None where the image was not on the screen at all.
    """

    presentation_id: str
    reason: str
    onset_s: float | None = None
    offset_s: float | None = None
