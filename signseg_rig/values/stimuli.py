"""What a protocol wants shown, and what its optimizers were told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from signseg_rig.values.arrays import FloatArray, ImageArray
from signseg_rig.values.hashes import array_sha256

Origin = Literal["evolved", "reference"]


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
