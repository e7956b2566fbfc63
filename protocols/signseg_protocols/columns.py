"""The table of an evolution's result: which columns there are, and what they say in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

from signseg_protocols.controls import N_WANDERS, Lead
from signseg_protocols.estimates import Estimate
from signseg_protocols.finals import Final
from signseg_protocols.rises import ALPHA, MAX_GAIN, Rise

Cell = str | float
Cells = dict[str, Cell]

HEADINGS = {
    "thread": "thread",
    "verdict": "are late images better than early ones?",
    "search": "did the search do it?",
    "n_generations": "generations",
    "n_blocks_tested": "first and last blocks compared, each",
    "first_block": "mean score of the first block",
    "early_blocks": "mean score of the early blocks",
    "late_blocks": "mean score of the late blocks",
    "change": "late less early",
    "change_low": "late less early, 95 % interval from",
    "change_high": "late less early, 95 % interval to",
    "early_references": "references, early blocks",
    "late_references": "references, late blocks",
    "change_less_sum": "late less early, less what the references changed by",
    "change_less_sum_low": "less the references' change, 95 % interval from",
    "change_less_sum_high": "less the references' change, 95 % interval to",
    "ratio_less_gain": "late over early, over the same ratio of the references",
    "ratio_less_gain_low": "over the references' ratio, 95 % interval from",
    "ratio_less_gain_high": "over the references' ratio, 95 % interval to",
    "p_raw": "p, should only the references drift",
    "p_sum": "p, should drift add to all scores",
    "p_gain": "p, should drift multiply all scores",
    "p_value": "p, the largest of the three",
    "lead": "lead over the control, late less early",
    "lead_low": "lead over the control, 95 % interval from",
    "lead_high": "lead over the control, 95 % interval to",
    "control_wander": "what the control's own mean wandered by",
    "p_search": "p of the lead",
    "best_generation": "best image: its generation",
    "best_when_chosen": "best image: score it was chosen by (too high, as it is a maximum)",
    "best_final": "best image: mean of the final showings",
    "best_final_low": "best image, final showings: 95 % interval from",
    "best_final_high": "best image, final showings: 95 % interval to",
    "first_best_final": "best image of the first generation: mean of the final showings",
    "first_best_final_low": "the same, 95 % interval from",
    "first_best_final_high": "the same, 95 % interval to",
    "references_final": "references: mean of the final showings",
}


def rise_cells(rise: Rise) -> Cells:
    """Return the cells of a rise, by column."""
    return {
        "early_blocks": rise.early,
        "late_blocks": rise.late,
        "early_references": rise.early_references,
        "late_references": rise.late_references,
        **_spread("change", rise.change),
        **_spread("change_less_sum", rise.change_less_sum),
        **_spread("ratio_less_gain", rise.ratio_less_gain),
        "p_raw": rise.p_raw,
        "p_sum": rise.p_sum,
        "p_gain": rise.p_gain,
        "p_value": rise.p_value,
    }


def lead_cells(lead: Lead) -> Cells:
    """Return the cells of a comparison with a control, by column."""
    return {
        "search": lead.verdict,
        **_spread("lead", lead.change),
        "control_wander": lead.wander,
        "p_search": lead.p_value,
    }


def final_cells(final: Final) -> Cells:
    """Return the cells of the final showings, by column."""
    return {
        **_spread("best_final", final.best),
        **_spread("first_best_final", final.first_best),
        "references_final": final.references.value,
    }


def as_table(
    rows: Sequence[Cells],
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[tuple[Cell, ...], ...]]:
    """Arrange cells in columns; a column that no row has is left out.

    Returns
    -------
    columns : tuple of str
    headings : tuple of str
        The columns in words.
    rows : tuple of tuples
        NaN where a row lacks what others have.
    """
    columns = tuple(name for name in HEADINGS if any(name in row for row in rows))
    cells = tuple(tuple(row.get(name, math.nan) for name in columns) for row in rows)
    return columns, tuple(HEADINGS[name] for name in columns), cells


def notes(columns: Sequence[str]) -> tuple[str, ...]:
    """Explain the columns: tests, their sides and level, intervals, and what was selected."""
    said = [_TESTS, _INTERVALS, _SEARCH if "search" in columns else _NO_CONTROL]
    return (*said, _FINAL) if "best_final" in columns else tuple(said)


_TESTS = (
    "Early and late blocks are the first and the last of the run that have scores. A thread rose "
    f"where three tests say so, each one-sided, with p of at most {ALPHA:g}: permutation tests of "
    "block means, as they are and less those of the references, and Welch's t test of late evolved "
    "times early references against early evolved times late references. They stand for three ways "
    "in which drift may act: on the references alone, as a sum, and as a gain. Nobody knows which "
    "it is, so that a rise has to stand against all three. References that hardly respond show no "
    "gain; then the third test asks whether late images score more than "
    f"{MAX_GAIN:g} times as much as early ones, as no gain is taken to change by more."
)
_INTERVALS = "Intervals are Welch's, of block means; nineteen of twenty hold the true value."
_NO_CONTROL = (
    "That late images are better than early ones does not say that the search found them: a search "
    'without information wanders too. A thread with control = "shuffled_scores" tells.'
)
_SEARCH = (
    "The search did it where the lead of a thread over its control (the same optimizer, its scores "
    f"shuffled) grew, with p of at most {ALPHA:g} in a one-sided permutation test of block means, "
    f"and by more than {N_WANDERS:g} times what the control's own mean wandered by."
)
_FINAL = (
    "The best image was chosen by its score during the run. That score is too high, by the noise "
    "that helped to make it the best. The final showings came after the choice and entered none: "
    "their means are unbiased."
)


def _spread(name: str, estimate: Estimate) -> Cells:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
