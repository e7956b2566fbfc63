"""Yoked controls: whether it was the search that made a thread rise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from signseg_protocols.estimates import Estimate, difference
from signseg_protocols.rises import ALPHA
from signseg_rig.stats import permutation_test
from signseg_rig.values import FloatArray

ControlKind = Literal["shuffled_scores"]
SUFFIX = "-control"
# A thread has to rise above its control by this many times what the control wandered by.
N_WANDERS = 2.0
N_WANDER_BLOCKS = 5

THE_SEARCH_DID_IT = "the search did it"


def control_name(thread: str) -> str:
    """Return the name of the control of a thread."""
    return thread + SUFFIX


@dataclass(frozen=True, slots=True)
class Lead:
    """How a thread's lead over its control grew.

    Parameters
    ----------
    change : Estimate, in units of the score
        Rise of the thread less rise of its control.
    wander : float, in units of the score
        By how much the control's mean over five blocks differed at most between any two moments.
    p_value : float
        One-sided, of a lead that did not grow.
    """

    change: Estimate
    wander: float
    p_value: float

    @property
    def verdict(self) -> str:
        """Say whether the search did it."""
        if self.p_value > ALPHA:
            return "not shown: its lead over the control did not grow"
        if self.change.value <= N_WANDERS * self.wander:
            return (
                f"not shown: its lead over the control grew by {self.change.value:.3g}, and the "
                f"control alone wandered by {self.wander:.3g}"
            )
        return THE_SEARCH_DID_IT


def measure_lead(
    thread: FloatArray,
    control: FloatArray,
    *,
    n_tested: int,
    rng: np.random.Generator,
) -> Lead:
    """Test whether a thread rose by more than its yoked control.

    Parameters
    ----------
    thread, control : (n_blocks,) float arrays, finite
        Mean scores of the same blocks.
    n_tested : int, > 1
        First and last blocks that are compared.
    rng : numpy.random.Generator
        Of the permutation test.

    Returns
    -------
    lead : Lead

    Notes
    -----
    The control is proposed by the same optimizer from scores that were shuffled among the images
    of a generation: its images come about as the thread's do, but for what the scores say. Both
    are shown in the same blocks, so that drift which adds to all scores cancels, and gain makes no
    lead where there is none.

    A permutation test of block means tells whether the lead grew. That is not enough: without
    information the mean of either wanders, as the optimizer's mean code does, and two such walks
    part. So the lead has to grow by twice the largest difference of the control's own moving mean
    (over 5 blocks) besides. Measured in 60 pairs of CMA-ES that were both fed shuffled scores (100
    dimensions, 40 codes, 30 generations, 10 blocks tested, Poisson spikes): the permutation test
    alone parts 37 %, and 1.7 % are called the search's doing; of 20 searches beside their controls
    90 % are. In 3,000 pairs of random walks, whose steps from block to block are 0, 0.1, 0.3, 1 and
    3 times as large as the noise of a block's mean, it is 0.0, 0.0, 0.6, 3.2 and 3.5 % in place of
    6, 10, 26, 38 and 40 % (20 blocks, 6 tested: 0.1 to 6.5 %).
    """
    lead = thread - control
    early, late = lead[:n_tested], lead[-n_tested:]
    window = np.full(min(N_WANDER_BLOCKS, n_tested), 1.0)
    moving = np.convolve(control, window / window.size, mode="valid")
    return Lead(
        change=difference(early, late),
        wander=float(np.ptp(moving)),
        p_value=permutation_test(early, late, rng=rng).p_value,
    )
