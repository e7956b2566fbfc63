"""Final showings: the best images once more, many times, when nothing is selected any longer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from signseg_protocols.estimates import UNKNOWN, Estimate, mean_of
from signseg_protocols.threads import Candidate, EvolutionThread
from signseg_rig.values import REFERENCE, FloatArray, ResponseBatch, Stimulus


@dataclass(frozen=True, slots=True)
class Final:
    """What the final showings say of a thread.

    Parameters
    ----------
    best, first_best, references : Estimate, in units of the score
        Of the best image of the run, of the best one of its first generation, and of all
        references.
    """

    best: Estimate
    first_best: Estimate
    references: Estimate


NO_FINAL = Final(UNKNOWN, UNKNOWN, UNKNOWN)


def final_stimuli(
    threads: Iterable[EvolutionThread], references: Sequence[Stimulus]
) -> tuple[Stimulus, ...]:
    """List what is shown in the end: the best of each run and of its first generation, references.

    Each image is in it once, also where the best one is of the first generation.
    """
    best = [
        thread.stimulus(candidate)
        for thread in threads
        for candidate in dict.fromkeys((thread.first_best, thread.best))
        if candidate is not None
    ]
    return (*best, *references)


def measure_final(
    thread: EvolutionThread, stimuli: Sequence[Stimulus], responses: ResponseBatch
) -> Final:
    """Estimate the scores of the best images from their final showings alone.

    Parameters
    ----------
    thread : EvolutionThread
    stimuli : sequence of Stimulus
        As `final_stimuli` lists them.
    responses : ResponseBatch

    Returns
    -------
    final : Final
        Unbiased: which images are shown was decided before. The interval of the references is that
        of their own means, one value an image.
    """
    scores = thread.score.of_presentations(responses)
    shown = responses.stimulus_index

    def showings(position: int) -> FloatArray:
        own: FloatArray = scores[(shown == position) & np.isfinite(scores)]
        return own

    def of(candidate: Candidate | None) -> Estimate:
        if candidate is None:
            return UNKNOWN
        key = (thread.name, candidate.generation, candidate.index)
        places = [(one.thread, one.generation, one.index) for one in stimuli]
        return mean_of(showings(places.index(key)))

    means = [
        showings(position).mean()
        for position, one in enumerate(stimuli)
        if one.role == REFERENCE and showings(position).size
    ]
    return Final(of(thread.best), of(thread.first_best), mean_of(np.array(means)))
