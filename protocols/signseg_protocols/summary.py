"""What an evolution concludes: whether each thread rose, tested on its last blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from signseg_protocols.history import History
from signseg_rig.stats import permutation_test
from signseg_rig.types import FloatArray, IntArray, ProtocolResult, Told

ALPHA = 0.05
# 3 blocks against 3 reach p = 1/20 at best; fewer cannot tell.
MIN_TESTED_BLOCKS = 3

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
        the late blocks, and of the references in these; the one-sided p-value; and whether the
        thread rose, "yes", "no" or "too short". A success where all did.

    Notes
    -----
    A thread rose where its drift-corrected mean over the last k blocks lies above that over the
    first k, with p <= 0.05 in a permutation test on block means (`signseg_rig.stats`). Blocks
    without a valid stimulus, evolved or reference, are passed over. The best block is never asked
    for: the maximum of noise rises too. Where the run may end on a plateau, which is a moment
    without improvement, the test errs to the cautious side: 1,500 simulated runs without any rise
    were called a rise in 1.5 % with such an end, and in 4.5 % with a fixed length.
    """
    rows = tuple(_row(name, history, n_tested, rng(name)) for name, history in histories.items())
    return ProtocolResult(
        is_success=all(row[-1] == "yes" for row in rows), columns=COLUMNS, rows=rows, told=told
    )


def _row(
    name: str, history: History, n_tested: int, rng: np.random.Generator
) -> tuple[str | float, ...]:
    corrected = history.corrected_means()
    evolved, references = history.evolved_means(), history.reference_means()
    tested = np.flatnonzero(np.isfinite(corrected))
    k = min(n_tested, tested.size // 2)
    early, late = tested[:k], tested[tested.size - k :]
    p_value, rose = float("nan"), "too short"
    if k >= MIN_TESTED_BLOCKS:
        test = permutation_test(corrected[early], corrected[late], rng=rng)
        p_value = test.p_value
        rose = "yes" if test.difference > 0 and p_value <= ALPHA else "no"
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


def _mean_of(values: FloatArray, blocks: IntArray) -> float:
    return float(values[blocks].mean()) if blocks.size else float("nan")
