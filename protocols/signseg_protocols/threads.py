"""One evolution: asks its optimizer for stimuli, and tells it their scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from signseg_protocols.history import History
from signseg_protocols.scores import Score
from signseg_rig.interfaces import Optimizer
from signseg_rig.values import EVOLVED, REFERENCE, FloatArray, ResponseBatch, Stimulus, Told


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """An image of a thread, and what it scored in its own block.

    Parameters
    ----------
    generation, index : int
    code : (n_dims,) float array
    score : float
    """

    generation: int
    index: int
    code: FloatArray
    score: float


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
    shuffler : numpy.random.Generator, optional
        Of a yoked control: shuffles the scores of each generation before the optimizer is told.

    Attributes
    ----------
    history : History
        What was scored so far.
    best, first_best : Candidate or None
        The image with the highest score of all, and of the first generation that has scores; the
        earlier one of equals. The maximum of noisy scores is higher than what the image is worth:
        `signseg_protocols.finals` shows these again.
    """

    def __init__(
        self,
        name: str,
        *,
        generator: str,
        score: Score,
        optimizer: Optimizer,
        shuffler: np.random.Generator | None = None,
    ) -> None:
        self.name = name
        self.score = score
        self.history = History()
        self.best: Candidate | None = None
        self.first_best: Candidate | None = None
        self._generator = generator
        self._optimizer = optimizer
        self._shuffler = shuffler
        self._codes: FloatArray = np.empty((0, optimizer.n_dims))

    def ask(self) -> tuple[Stimulus, ...]:
        """Propose the stimuli of the next generation."""
        # A copy: an optimizer may go on working in the array that it gave away.
        self._codes = np.array(self._optimizer.ask())
        generation = len(self.history.evolved)
        return tuple(
            Stimulus(EVOLVED, self.name, generation, index, self._generator, code)
            for index, code in enumerate(self._codes)
        )

    def stimulus(self, candidate: Candidate) -> Stimulus:
        """Return the stimulus that a candidate was shown as."""
        place = (candidate.generation, candidate.index)
        return Stimulus(EVOLVED, self.name, *place, self._generator, candidate.code)

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
            Of a yoked control the scores of the images, before they are shuffled.
        """
        scores = self.score.of(responses, len(stimuli))
        is_own = np.array([item.role == EVOLVED and item.thread == self.name for item in stimuli])
        is_reference = np.array([item.role == REFERENCE for item in stimuli])
        own = scores[is_own]
        is_scored = np.isfinite(own)
        if is_scored.any():
            self._remember(own)
            learnt = own[is_scored]
            if self._shuffler is not None:
                learnt = self._shuffler.permutation(learnt)
            self._optimizer.tell(self._codes[is_scored], learnt)
        told = Told(self.name, len(self.history.evolved), own, scores[is_reference])
        self.history.add(own, told.reference_scores)
        return told

    def _remember(self, scores: FloatArray) -> None:
        index = int(np.nanargmax(scores))
        top = Candidate(
            len(self.history.evolved), index, self._codes[index].copy(), float(scores[index])
        )
        self.first_best = self.first_best or top
        if self.best is None or top.score > self.best.score:
            self.best = top
