"""Frozen values that travel between the layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from signseg_rig.array_hashes import array_sha256 as array_sha256  # noqa: PLC0414 - offered here

FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.integer[Any]]
BoolArray = npt.NDArray[np.bool_]
ImageArray = npt.NDArray[np.uint8]

Origin = Literal["evolved", "reference"]


class InvalidReason(StrEnum):
    """Why a presentation's responses may not be used."""

    NOT_SHOWN = "not shown"
    DROPPED_FRAME = "dropped frame"
    NO_SYNC_EDGE = "no sync edge"
    AMBIGUOUS_ALIGNMENT = "ambiguous alignment"
    STREAM_GAP = "stream gap"
    WINDOW_INCOMPLETE = "window incomplete"
    FIXATION_BROKEN = "fixation broken"
    SHOWN_TOO_SHORT = "shown too short"
    SHOWN_TOO_LONG = "shown too long"
    RECORDING_SILENT = "recording silent"


@dataclass(frozen=True, slots=True, eq=False)
class Stimulus:
    """One image: either the code of a generator, rendered when it is needed, or pixels.

    Parameters
    ----------
    origin : {"evolved", "reference"}
        Whether an optimizer proposed it.
    thread : str
        The evolution it belongs to; for references the name of their set.
    generation, index : int
        Count of the thread's ask/tell, from 0, or -1 for references; and position in that.
    generator : str or None
        Name of the generator that renders `code`.
    code : (n_dims,) float array or None
    image : (height, width, 3) uint8 array or None
    label : str
        For people: a file name, say.
    """

    origin: Origin
    thread: str
    generation: int
    index: int
    generator: str | None = None
    code: FloatArray | None = None
    image: ImageArray | None = None
    label: str = ""

    def __post_init__(self) -> None:
        if (self.code is None) == (self.image is None):
            raise ValueError(
                f"Stimulus {self.index} of thread {self.thread!r} needs either a code or an image; "
                f"it has {'neither' if self.code is None else 'both'}."
            )
        if (self.code is None) != (self.generator is None):
            raise ValueError(
                f"Stimulus {self.index} of thread {self.thread!r} needs the name of the generator "
                f"that renders its code; got generator={self.generator!r}."
            )

    def content_sha256(self) -> str:
        """Hash what defines the image: the code where there is one, else the pixels."""
        content = self.code if self.code is not None else self.image
        assert content is not None
        return array_sha256(content)


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What an optimizer was told about one generation.

    Parameters
    ----------
    thread : str
    generation : int
    scores : (n_codes,) float array
        Higher is better; NaN where no valid presentation gave one, and nothing was told.
    reference_scores : (n_references,) float array
        The same score of the reference images of the same block.
    """

    thread: str
    generation: int
    scores: FloatArray
    reference_scores: FloatArray = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True, slots=True, eq=False)
class StimulusBatch:
    """What a protocol wants shown in one block.

    Parameters
    ----------
    stimuli : tuple of Stimulus
    n_showings : int
        How often each stimulus is shown in the block.
    told : tuple of Told
        What the optimizers were told since the batch before, for the record.
    """

    stimuli: tuple[Stimulus, ...]
    n_showings: int = 1
    told: tuple[Told, ...] = ()

    def __post_init__(self) -> None:
        if not self.stimuli:
            raise ValueError("A stimulus batch holds no stimuli; a block needs at least one.")
        if self.n_showings < 1:
            raise ValueError(f"A block shows each stimulus at least once; got {self.n_showings}.")


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


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """By how much the recording system's clock is ahead of the display's.

    Parameters
    ----------
    value_s, at_display_s : float, in seconds
        The offset, and when it held, on the display's clock: clocks drift.
    """

    value_s: float
    at_display_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A stretch of a recording system's data, on its own clock.

    Parameters
    ----------
    edges_s : (n_edges,) float array, in seconds
        Rising edges of the sync line, sorted.
    spikes_s : tuple of (n_spikes,) float arrays, in seconds
        Sorted spike times, one array per unit.
    complete_until_s : float, in seconds
        The device's own clock has passed this moment: a window that ends later is incomplete.
    gaps_s : tuple of (start, end), in seconds
        Stretches in which data were lost.
    invalid : mapping of presentation id to reason
        What the recording system itself knows to be invalid, such as broken fixation.
    """

    edges_s: FloatArray
    spikes_s: tuple[FloatArray, ...]
    complete_until_s: float
    gaps_s: tuple[tuple[float, float], ...] = ()
    invalid: Mapping[str, InvalidReason] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class ResponseBatch:
    """The responses to one block, one row per presentation.

    Parameters
    ----------
    presentation_ids : tuple of str
    stimulus_index : (n_presentations,) int array
        Position of the stimulus in the batch that was shown.
    evoked_hz, baseline_hz : (n_presentations, n_units) float arrays, in spikes per second
        NaN where the presentation is invalid and nothing could be counted.
    reasons : tuple of (InvalidReason or None)
        None where the presentation is valid.
    unit_names : tuple of str
    """

    presentation_ids: tuple[str, ...]
    stimulus_index: IntArray
    evoked_hz: FloatArray
    baseline_hz: FloatArray
    reasons: tuple[InvalidReason | None, ...]
    unit_names: tuple[str, ...]

    def __post_init__(self) -> None:
        n = len(self.presentation_ids)
        expected = (n, len(self.unit_names))
        if self.evoked_hz.shape != expected or self.baseline_hz.shape != expected:
            raise ValueError(
                f"Responses to {n} presentations of {len(self.unit_names)} units need rates of "
                f"shape {expected}; got evoked {self.evoked_hz.shape} and baseline "
                f"{self.baseline_hz.shape}."
            )
        if self.stimulus_index.shape != (n,) or len(self.reasons) != n:
            raise ValueError(
                f"Responses to {n} presentations need {n} stimulus indices and {n} reasons; got "
                f"{self.stimulus_index.shape[0]} and {len(self.reasons)}."
            )

    @property
    def is_valid(self) -> BoolArray:
        """(n_presentations,) bool array: which presentations may be used."""
        return np.array([reason is None for reason in self.reasons], dtype=bool)

    def stimulus_means(self, n_stimuli: int, *, subtract_baseline: bool) -> FloatArray:
        """Average the valid presentations of each stimulus.

        Parameters
        ----------
        n_stimuli : int
            Size of the batch that was shown.
        subtract_baseline : bool
            Whether the baseline rate is taken off, presentation by presentation.

        Returns
        -------
        rate_hz : (n_stimuli, n_units) float array, in spikes per second
            NaN where a stimulus has no valid presentation.
        """
        rates = self.evoked_hz - self.baseline_hz if subtract_baseline else self.evoked_hz
        valid = self.is_valid
        means = np.full((n_stimuli, len(self.unit_names)), np.nan)
        for index in np.unique(self.stimulus_index[valid]):
            means[index] = rates[valid & (self.stimulus_index == index)].mean(axis=0)
        return means


@dataclass(frozen=True, slots=True, eq=False)
class ProtocolResult:
    """What a protocol concludes.

    Parameters
    ----------
    is_success : bool
        Whether the protocol's own criterion was met.
    columns, headings : tuple of str
        Names of the summary's columns, and the same in words; without words the names are shown.
    rows : tuple of tuples
        The summary, one row per thread or unit.
    told : tuple of Told
        What the optimizers were told since the last batch.
    notes : tuple of str
        How the summary was made: tests, their sides and level, what was selected.
    """

    is_success: bool
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float, ...], ...]
    told: tuple[Told, ...] = ()
    headings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


RunEnd = Literal["ending", "stopped", "finished", "failed"]
RunState = Literal["waiting", "running", "paused", "replaying"] | RunEnd


@dataclass(frozen=True, slots=True)
class RunStatus:
    """The state of a run at one moment, for progress displays.

    Parameters
    ----------
    state : str
        "ending" where the protocol has its result, and "finished" where that is recorded.
    block, n_blocks : int
        Blocks finished, and expected in all (0 where the protocol cannot tell).
    n_shown, n_planned, n_invalid : int
        Presentations of this block shown so far, all of this block, and invalid ones of the run.
    scores : mapping of thread to (best, mean), in units of the score
        Of the latest generation that was told.
    message, alarm : str
        What the run is waiting for, and what is wrong with its latest data, in words.
    """

    state: RunState = "waiting"
    block: int = 0
    n_blocks: int = 0
    n_shown: int = 0
    n_planned: int = 0
    n_invalid: int = 0
    scores: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    message: str = ""
    alarm: str = ""
