"""What a protocol wants shown, and what its optimizers were told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from signseg_rig.values.arrays import FloatArray, ImageArray
from signseg_rig.values.hashes import array_sha256

# The roles of the shipped protocols; another protocol may use other words.
EVOLVED = "evolved"
REFERENCE = "reference"

Provenance = Mapping[str, str | int | float | bool]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where on the screen an image is shown, and how large.

    Parameters
    ----------
    position_deg : (right, up), in degrees of visual angle
        Of the image's centre from the centre of the screen.
    size_deg : float or None, in degrees of visual angle
        Width of the image; None shows each of its pixels on one pixel of the screen.
    """

    position_deg: tuple[float, float] = (0.0, 0.0)
    size_deg: float | None = None

    def __post_init__(self) -> None:
        sizes = () if self.size_deg is None else (self.size_deg,)
        if not all(map(math.isfinite, (*self.position_deg, *sizes))) or min(sizes, default=1) <= 0:
            raise ValueError(
                f"An image is placed at a finite position and has a size above 0 degrees; got "
                f"{self.position_deg} and {self.size_deg}."
            )


@dataclass(frozen=True, slots=True, eq=False)
class Stimulus:
    """One image: either the code of a generator, rendered when it is needed, or pixels.

    Parameters
    ----------
    role : str
        What it is shown for, such as "evolved" where an optimizer proposed it, or "reference".
        Responses are averaged and compared by it.
    thread : str
        The evolution it belongs to; for other images the name of their set.
    generation, index : int
        Count of the thread's ask/tell, from 0, or -1 where none proposed it; and position in that.
    generator : str or None
        Name of the generator that renders `code`.
    code : (n_dims,) float array or None
    image : (height, width, 3) uint8 array or None
    label : str
        For people: a file name, say.
    placement : Placement or None
        None shows it where the experiment file says.
    provenance : mapping of str to str, int, float or bool
        What made it, in the words of the protocol: such as the file that it was read from, or the
        condition of the readout that it was evolved for. It is recorded, and changes nothing.
    """

    role: str
    thread: str
    generation: int
    index: int
    generator: str | None = None
    code: FloatArray | None = None
    image: ImageArray | None = None
    label: str = ""
    placement: Placement | None = None
    provenance: Provenance = field(default_factory=dict)

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


@dataclass(frozen=True, slots=True)
class Durations:
    """For how long an image is shown.

    Parameters
    ----------
    on_ms, off_ms : float, > 0, in milliseconds
        Of the image, and of the background after it.
    """

    on_ms: float
    off_ms: float

    def __post_init__(self) -> None:
        if not (0 < self.on_ms < math.inf and 0 < self.off_ms < math.inf):
            raise ValueError(
                "An image and the background after it are shown for more than 0 ms each; got "
                f"{self.on_ms} and {self.off_ms}."
            )


@dataclass(frozen=True, slots=True, eq=False)
class StimulusBatch:
    """What a protocol wants shown in one block.

    Parameters
    ----------
    stimuli : tuple of Stimulus
    n_showings : int
        How often each stimulus is shown in the block.
    durations : Durations or None
        None shows each for as long as the experiment file says.
    """

    stimuli: tuple[Stimulus, ...]
    n_showings: int = 1
    durations: Durations | None = None

    def __post_init__(self) -> None:
        if not self.stimuli:
            raise ValueError("A stimulus batch holds no stimuli; a block needs at least one.")
        if self.n_showings < 1:
            raise ValueError(f"A block shows each stimulus at least once; got {self.n_showings}.")
