"""One evolution: asks its optimizer for stimuli, and tells it their scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from signseg_protocols.history import History
from signseg_protocols.scores import Score
from signseg_rig.interfaces import Optimizer
from signseg_rig.types import FloatArray, ResponseBatch, Stimulus, Told


class EvolutionThread:
    """One of several evolutions that are interleaved in the same blocks.

    Parameters
    ----------
    name : str
    generator : str
        Name of the generator that renders its codes.
    score : Score
    optimizer : Optimizer
        New; it belongs to this thread alone.

    Attributes
    ----------
    history : History
        What was scored so far.
    """

    def __init__(self, name: str, *, generator: str, score: Score, optimizer: Optimizer) -> None:
        self.name = name
        self.history = History()
        self._generator = generator
        self._score = score
        self._optimizer = optimizer
        self._codes: FloatArray = np.empty((0, optimizer.n_dims))

    def ask(self) -> tuple[Stimulus, ...]:
        """Propose the stimuli of the next generation."""
        # A copy: an optimizer may go on working in the array that it gave away.
        self._codes = np.array(self._optimizer.ask())
        generation = len(self.history.evolved)
        return tuple(
            Stimulus("evolved", self.name, generation, index, self._generator, code)
            for index, code in enumerate(self._codes)
        )

    def tell(self, stimuli: Sequence[Stimulus], responses: ResponseBatch) -> Told:
        """Learn from the block that showed the stimuli of the last `ask`.

        Parameters
        ----------
        stimuli : sequence of Stimulus
            All of the block; those of other threads are left alone.
        responses : ResponseBatch

        Returns
        -------
        told : Told
            NaN for stimuli without a valid presentation, which the optimizer is not told about.
        """
        scores = self._score.of(responses, len(stimuli))
        is_own = np.array(
            [item.origin == "evolved" and item.thread == self.name for item in stimuli]
        )
        is_reference = np.array([item.origin == "reference" for item in stimuli])
        own = scores[is_own]
        is_scored = np.isfinite(own)
        if is_scored.any():
            self._optimizer.tell(self._codes[is_scored], own[is_scored])
        told = Told(self.name, len(self.history.evolved), own, scores[is_reference])
        self.history.add(own, told.reference_scores)
        return told
