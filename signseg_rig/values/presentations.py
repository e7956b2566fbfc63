"""What is planned to be shown, and what was."""

from __future__ import annotations

from dataclasses import dataclass

from signseg_rig.values.stimuli import Origin


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


@dataclass(frozen=True, slots=True)
class PlannedStimulus:
    """A stimulus of a block as it stands in the run record.

    Parameters
    ----------
    id : str
        Unique within the run.
    origin, thread, generation, index, generator, label
        As in `Stimulus`.
    content_sha256, pixels_sha256 : str
        Hash of the code, or of the pixels where there is no code; and of the pixels.
    """

    id: str
    origin: Origin
    thread: str
    generation: int
    index: int
    generator: str | None
    label: str
    content_sha256: str
    pixels_sha256: str


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
    """

    block: int
    attempt: int
    stimuli: tuple[PlannedStimulus, ...]
    presentations: tuple[Presentation, ...]


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
    """

    presentation_id: str
    pixels_sha256: str
    onset_s: float
    offset_s: float
    n_frames: int
    n_dropped_frames: int
