"""What a fit prints of its neurons: the columns that matter, within 80 characters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

    from signseg_rig.values import FloatArray

# Of the columns that are printed, and how they are headed.
HEADINGS = {
    "unit": "unit",
    "n_trials": "trials",
    "gate": "gate",
    "n_components": "comp.",
    "reliability": "relia-\nbility",
    "ceiling_r": "ceil-\ning r",
    "train_r": "train\nr",
    "test_r": "test\nr",
    "test_r2": "test\nR2",
    "normalized_ev": "norm.\nEV",
    "p_value": "p",
    "q_value": "q",
}
PROBABILITIES = ("p_value", "q_value")


def fit_table(columns: Mapping[str, Sequence[object]], quality: Mapping[str, FloatArray]) -> Table:
    """Return the table of fitted neurons, with a last line of medians.

    Where all is known it just fits 80 characters; long names of units are broken over lines,
    numbers never are. The report's neurons.csv has all columns and digits.

    Parameters
    ----------
    columns : mapping of str to sequence
        A cell per unit; columns without a heading, and those of which nothing is known, such as
        p-values without shuffles, are left out.
    quality : mapping of str to (n_units,) float array
        The measures whose medians are told.
    """
    import numpy as np
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    shown = {
        name: columns[name]
        for name in HEADINGS
        if name in columns and not all(map(is_unknown, columns[name]))
    }
    table = Table(box=SIMPLE_HEAD, show_footer=True, padding=0, show_edge=False)
    for name in shown:
        is_number = name in quality or name == "n_components"
        middle = _cell(name, float(np.nanmedian(quality[name]))) if name in quality else ""
        table.add_column(
            HEADINGS[name],
            "median" if name == "unit" else middle,
            justify="right" if is_number else "left",
            overflow="fold",
            no_wrap=name != "unit",
        )
    for row in zip(*shown.values(), strict=True):
        table.add_row(*map(_cell, shown, row))
    return table


def is_unknown(cell: object) -> bool:
    """Whether a cell is a number that is not known."""
    return isinstance(cell, float) and math.isnan(cell)


def _cell(name: str, value: object) -> str:
    if isinstance(value, float):
        digits = ".2g" if name in PROBABILITIES else ".2f"
        return "" if math.isnan(value) else f"{value:{digits}}"
    return str(value)
