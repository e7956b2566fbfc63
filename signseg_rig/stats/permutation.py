"""One-sided permutation test of whether late blocks lie above early ones."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from signseg_rig.values import BoolArray, FloatArray

# Not scipy.stats.permutation_test, which takes a hundred times as long to enumerate (1.7 s for 10
# blocks against 10) and six times to draw. Its tolerance is a share of the difference, so that of
# values with ties, such as multiples of 0.1 near 1,000, rounding often decides which ones count.
# 10 blocks against 10 are still enumerated (184,756 ways, 0.1 s).
MAX_ENUMERATED = 200_000


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """The outcome of a permutation test.

    Parameters
    ----------
    difference : float
        Mean of the late blocks minus mean of the early ones.
    p_value : float
        Share of the permutations in which the difference is at least as large.
    n_permutations : int
        How many were looked at, the observed one included.
    is_exact : bool
        Whether these were all there are, or a random sample of them.
    """

    difference: float
    p_value: float
    n_permutations: int
    is_exact: bool


def permutation_test(
    early: npt.ArrayLike,
    late: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    n_resamples: int = 9_999,
) -> PermutationTest:
    """Test whether the mean of late blocks is larger than the mean of early ones.

    Parameters
    ----------
    early, late : (n_early,) and (n_late,) float array-likes, finite
        One value per block: the mean score of its evolved stimuli, less the drift that the
        reference stimuli of the same block show.
    rng : numpy.random.Generator
        Draws permutations where there are too many to enumerate.
    n_resamples : int, > 0
        How many are drawn then.

    Returns
    -------
    test : PermutationTest

    Raises
    ------
    ValueError
        A side is empty, or a value is not finite.

    Notes
    -----
    The null hypothesis: the values of the blocks are exchangeable, so that which of them came
    early and which late is arbitrary. Under it the p-value is exact, whatever the distribution of
    the values. Which blocks are compared must be fixed beforehand: choosing the best block, or
    the end where the curve happens to be high, invalidates the test.

    A block is the unit of exchange, not a presentation. What moves the rate of a whole block
    (arousal, the electrode, adaptation) is shared by its presentations, and the images of one
    generation come from one distribution; presentations exchanged singly would count this shared
    variation as if it were many independent observations and find effects where there are none.

    What is assumed of the values: drift has been taken off them with the references of their
    blocks, and what is left over is independent from block to block, for blocks that resemble their
    neighbours are not exchangeable. Measured with five blocks a side at the ends of 30, 600 runs
    each: of independent values .05 have p <= .05; where a block keeps .3, .5 or .8 of the one
    before it .11, .17 and .27 have. Drift that the references do not follow is not controlled. The
    conclusion is about this run, namely
    that its late images drive the neuron more than its early ones did; whether another run of the
    optimizer would do so too takes several runs to tell.

    The smallest p-value that k blocks a side can give is ``1 / comb(2 * k, k)``: 0.05 for 3,
    0.004 for 5. Beyond `MAX_ENUMERATED` ways, p is ``(b + 1) / (n_resamples + 1)`` with b the
    number of drawn permutations that reach the observed difference (Phipson & Smyth 2010): an
    unbiased share could be 0, which no permutation test can justify.

    Examples
    --------
    >>> permutation_test([1, 2, 3], [4, 5, 6], rng=np.random.default_rng(0)).p_value
    0.05
    """
    before, after = _checked(early, "early"), _checked(late, "late")
    pooled = np.concatenate([after, before])
    n_ways = math.comb(pooled.size, after.size)
    if is_exact := n_ways <= MAX_ENUMERATED:
        n_reaching = int(_reaches(pooled, after.size, _every_choice(pooled.size, after.size)).sum())
        n_permutations = n_ways
    else:
        drawn = _random_choices(pooled.size, after.size, n_resamples, rng)
        n_reaching = int(_reaches(pooled, after.size, drawn).sum()) + 1
        n_permutations = n_resamples + 1
    return PermutationTest(
        difference=float(after.mean() - before.mean()),
        p_value=n_reaching / n_permutations,
        n_permutations=n_permutations,
        is_exact=is_exact,
    )


def _checked(values: npt.ArrayLike, side: str) -> FloatArray:
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or array.size == 0 or not np.isfinite(array).all():
        raise ValueError(
            f"The {side} blocks of a permutation test need a flat list of at least one finite "
            f"value; got {values!r}. Leave out blocks without a value."
        )
    return array


def _reaches(pooled: FloatArray, n_late: int, choices: npt.NDArray[np.intp]) -> BoolArray:
    """Return in which permutations the late side is at least as large as observed."""
    # The total is fixed, so the sum of one side orders permutations as the difference does.
    sums = pooled[choices].sum(axis=1)
    # Equal differences may differ in their last bits, by the order of summation.
    tolerance = 100 * np.finfo(float).eps * pooled.size * np.abs(pooled).max()
    return np.asarray(sums >= pooled[:n_late].sum() - tolerance)


@lru_cache(maxsize=2)
def _every_choice(n_values: int, n_chosen: int) -> npt.NDArray[np.intp]:
    """List all choices; kept, as most of a test's time went into this."""
    choices = itertools.combinations(range(n_values), n_chosen)
    flat = np.fromiter(itertools.chain.from_iterable(choices), dtype=np.intp)
    flat.setflags(write=False)
    return flat.reshape(-1, n_chosen)


def _random_choices(
    n_values: int, n_chosen: int, n_draws: int, rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    orders = np.broadcast_to(np.arange(n_values), (n_draws, n_values))
    return rng.permuted(orders, axis=1)[:, :n_chosen]
