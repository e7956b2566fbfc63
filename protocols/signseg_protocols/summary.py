"""What an evolution concludes: whether each thread rose, and whether the search did it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from signseg_protocols.columns import Cells, as_table, final_cells, lead_cells, notes, rise_cells
from signseg_protocols.controls import measure_lead
from signseg_protocols.finals import Final
from signseg_protocols.history import History
from signseg_protocols.rises import measure_rise
from signseg_protocols.verdicts import ROSE, too_few_blocks, verdict_of
from signseg_rig.values import IntArray, ProtocolResult

# 3 blocks against 3 reach p = 1/20 at best; fewer cannot tell.
MIN_TESTED_BLOCKS = 3
MIN_BLOCKS = 2 * MIN_TESTED_BLOCKS

MakeRng = Callable[..., np.random.Generator]


def summarize(
    histories: Mapping[str, History],
    *,
    n_tested: int,
    rng: MakeRng,
    controls: Mapping[str, str] | None = None,
    finals: Mapping[str, Final] | None = None,
) -> ProtocolResult:
    """Test for each thread whether its late blocks score higher than its early ones.

    Parameters
    ----------
    histories : mapping of thread to History
    n_tested : int
        Blocks on either side; at most a third of the run, but three where there are six.
    rng : callable
        ``rng(thread)`` gives the random stream of a thread's tests.
    controls : mapping of thread to str, optional
        The yoked control of a thread.
    finals : mapping of thread to Final, optional
        What the final showings say.

    Returns
    -------
    result : ProtocolResult
        A row for each thread, in units of its score; `signseg_protocols.columns` says what the
        columns are. A success where all rose that are no controls.

    Notes
    -----
    How a rise is tested: `signseg_protocols.rises`; what is said of it: `verdicts`; whether the
    search did it: `controls`. References are compared with themselves (`History`), blocks without
    a valid stimulus, evolved or reference, are passed over. The best block is never asked for: the
    maximum of noise rises too. Where the run may end on a plateau, which is a moment without
    improvement, the tests err to the cautious side.

    Measured in 300 simulated runs of each kind (30 blocks, 40 evolved images and 10 references of
    one showing, Poisson spikes, 10 blocks tested; ``python -m signseg_protocols.error_rates``).
    Where evolved images never change, "rose" is said of: no response beside references of 30 Hz
    that fade by exp(-+0.3) 5.3 %; suppressed neurons 0 to 2.0 %; 15 Hz beside references of 5 Hz
    with a growing gain 6.7 %; 30 Hz beside 1 Hz 1.0 %; references that habituate 1.7 to 3.0 %;
    references of their own kind, or of a third of the rate, with a gain or a sum that drifts by
    exp(+-0), exp(+-0.1), exp(+-0.3), exp(+-0.6) 0 to 3.3 %; a gain that walks at random or jumps
    by up to exp(0.7), and counts of three times the variance of Poisson's, 0 to 3.0 %.

    A rise from 15 Hz to twice that is found in 84 %, with the gain drifting by exp(+-0.1) in 85 %,
    where it grows by exp(+-0.3) in 81 %, with a sum that drifts by 4.5 Hz either way in 76 %, where
    the baseline is 0 in place of 5 Hz in 99.7 % (a baseline counted in 45 ms makes half of the
    noise); where the gain walks by 0.3 and counts have twice the variance of Poisson's in 58 %; one
    from 1 to 30 Hz beside references of 1 Hz in 90 %. Where the gain fades by exp(-+0.3), scores
    of a neuron whose response doubles rise by a tenth only, which cannot be told from references
    that fade alone: 22 % are found, and of 71 % it is said that it cannot be told. A control tells
    there.

    Of CMA-ES that was fed shuffled scores, 13 % of 60 runs rose: its mean code wanders, and late
    images may truly be better than early ones without the search having found them.
    """
    controls, finals = controls or {}, finals or {}
    rows = [
        {"thread": name}
        | _row(history, n_tested, rng(name))
        | _search(name, histories, controls, n_tested, rng)
        | (_final(history, finals[name]) if name in finals else {})
        for name, history in histories.items()
    ]
    columns, headings, cells = as_table(rows)
    return ProtocolResult(
        is_success=all(
            row["verdict"] == ROSE for row in rows if row["thread"] not in controls.values()
        ),
        columns=columns,
        rows=cells,
        headings=headings,
        notes=notes(columns),
    )


def _row(history: History, n_tested: int, rng: np.random.Generator) -> Cells:
    evolved, references = history.evolved_means(), history.reference_means()
    scored = np.flatnonzero(np.isfinite(history.corrected_means()))
    early, late = _sides(scored, n_tested)
    cells: Cells = {
        "n_generations": evolved.size,
        "n_blocks_tested": early.size,
        "first_block": float(evolved[0]),
    }
    if not early.size:
        return cells | {"verdict": too_few_blocks(scored.size, MIN_BLOCKS)}
    rise = measure_rise(evolved[early], evolved[late], references[early], references[late], rng=rng)
    return cells | {"verdict": verdict_of(rise)} | rise_cells(rise)


def _search(
    name: str,
    histories: Mapping[str, History],
    controls: Mapping[str, str],
    n_tested: int,
    rng: MakeRng,
) -> Cells:
    if not controls:
        return {}
    for thread, its_control in controls.items():
        if name == its_control:
            return {"search": f"(the control of {thread})"}
    if name not in controls:
        return {"search": "cannot tell: the thread has no control"}
    own, its = (histories[one].evolved_means() for one in (name, controls[name]))
    scored = np.flatnonzero(np.isfinite(own) & np.isfinite(its))
    early, _late = _sides(scored, n_tested)
    if not early.size:
        return {"search": too_few_blocks(scored.size, MIN_BLOCKS)}
    return lead_cells(
        measure_lead(own[scored], its[scored], n_tested=early.size, rng=rng(name, "control"))
    )


def _final(history: History, final: Final) -> Cells:
    tops = [float(np.nanmax(scores, initial=-np.inf)) for scores in history.evolved]
    best = int(np.argmax(tops))
    chosen: Cells = {"best_generation": best, "best_when_chosen": tops[best]}
    return (chosen if np.isfinite(tops[best]) else {}) | final_cells(final)


def _sides(scored: IntArray, n_tested: int) -> tuple[IntArray, IntArray]:
    """Choose the first and the last blocks of those with scores; none where they are too few."""
    if scored.size < MIN_BLOCKS:
        return scored[:0], scored[:0]
    k = min(n_tested, max(scored.size // 3, MIN_TESTED_BLOCKS))
    return scored[:k], scored[scored.size - k :]
