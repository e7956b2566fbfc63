"""What an evolution concludes: whether each thread rose, tested on its last blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from signseg_protocols.history import History
from signseg_rig.stats import permutation_test
from signseg_rig.types import FloatArray, IntArray, ProtocolResult, Told

ALPHA = 0.05
# 3 blocks against 3 reach p = 1/20 at best; fewer cannot tell.
MIN_TESTED_BLOCKS = 3
# References below this many standard errors, or this score, show no gain.
N_ERRORS = 3.0
MIN_REFERENCE = 1e-9

COLUMNS = (
    "thread",
    "n_generations",
    "first_block",
    "early_blocks",
    "late_blocks",
    "early_references",
    "late_references",
    "n_blocks_tested",
    "p_value",
    "rose",
)


def summarize(
    histories: Mapping[str, History],
    *,
    n_tested: int,
    rng: Callable[[str], np.random.Generator],
    told: tuple[Told, ...],
) -> ProtocolResult:
    """Test for each thread whether its late blocks score higher than its early ones.

    Parameters
    ----------
    histories : mapping of thread to History
    n_tested : int
        Blocks on either side; fewer where the run is shorter than twice that.
    rng : callable
        ``rng(thread)`` gives the random stream of a thread's test.
    told : tuple of Told
        Of the last generation.

    Returns
    -------
    result : ProtocolResult
        A row for each thread, in units of its score: means of the first block, of the early and
        the late blocks, and of the references in these, as if all had been valid (each is compared
        with itself, see `History.reference_means`); the one-sided p-value, the larger of
        those against additive and against multiplicative drift; and whether the thread rose,
        "yes", "no" or "too short". A success where all did.

    Notes
    -----
    A thread rose where its drift-corrected mean over the last k blocks lies above that over the
    first k, with p <= 0.05 in a permutation test on block means (`signseg_rig.stats`). Blocks
    without a valid stimulus, evolved or reference, are passed over. The best block is never asked
    for: the maximum of noise rises too. Where the run may end on a plateau, which is a moment
    without improvement, the test errs to the cautious side.

    Nobody knows whether drift adds to rates or multiplies them, so the rise has to stand with
    either taken off, and p is the larger of the two. Additive drift moves evolved and reference
    images alike; multiplicative drift (gain) moves the evolved ones more, by the ratio of the two
    means over the early blocks, before the rise. Gain on top of a constant, as where a baseline
    that does not drift is subtracted, lies between the two. What is assumed: the references follow
    the drift of the evolved images, both means are above 0, that of the references by three of its
    standard errors (else only additive drift is taken off: references that hardly respond cannot
    show a gain), and what is left is independent from block to block.

    Measured in 300 simulated runs without any rise for each amount of drift (30 blocks, 16 evolved
    images at 3 times the rate of 6 references, spikes of `signseg_simulators`): with gain drifting
    by exp(+-0), exp(+-0.1), exp(+-0.3) and exp(+-0.6), 2, 4, 4 and 4 % were called a rise; against
    additive drift alone it would be 6, 13, 36 and 40 %. What this costs: the references' noise
    counts as often as the evolved images' rate exceeds theirs. A rise to 1.5 times the rate was
    found in 74 % without drift and in 55 % with exp(+-0.3), one to twice the rate in 90 % with
    exp(+-0.3); more references find more.
    """
    rows = tuple(_row(name, history, n_tested, rng(name)) for name, history in histories.items())
    return ProtocolResult(
        is_success=all(row[-1] == "yes" for row in rows), columns=COLUMNS, rows=rows, told=told
    )


def _row(
    name: str, history: History, n_tested: int, rng: np.random.Generator
) -> tuple[str | float, ...]:
    evolved, references = history.evolved_means(), history.reference_means()
    tested = np.flatnonzero(np.isfinite(history.corrected_means()))
    k = min(n_tested, tested.size // 2)
    early, late = tested[:k], tested[tested.size - k :]
    p_value, rose = float("nan"), "too short"
    if k >= MIN_TESTED_BLOCKS:
        tests = [
            permutation_test(corrected[early], corrected[late], rng=rng)
            for share in _shares_of_drift(evolved[early], references[early])
            for corrected in [history.corrected_means(share)]
        ]
        p_value = max(test.p_value for test in tests)
        is_up = all(test.difference > 0 for test in tests)
        rose = "yes" if is_up and p_value <= ALPHA else "no"
    return (
        name,
        evolved.size,
        float(evolved[0]),
        _mean_of(evolved, early),
        _mean_of(evolved, late),
        _mean_of(references, early),
        _mean_of(references, late),
        k,
        p_value,
        rose,
    )


def _shares_of_drift(evolved: FloatArray, references: FloatArray) -> tuple[float, ...]:
    """Say how much evolved images drift where references drift by 1: by a sum, by a product."""
    means = float(evolved.mean()), float(references.mean())
    # A mean that noise alone could give would make the ratio anything, and hide every rise.
    noise = float(references.std(ddof=1)) / math.sqrt(references.size)
    shows_gain = means[0] > 0 and means[1] > max(N_ERRORS * noise, MIN_REFERENCE)
    return (1.0, means[0] / means[1]) if shows_gain else (1.0,)


def _mean_of(values: FloatArray, blocks: IntArray) -> float:
    return float(values[blocks].mean()) if blocks.size else float("nan")
