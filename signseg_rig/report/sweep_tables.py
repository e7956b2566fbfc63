"""The tables behind the figures of sweeps, as they are written and as other programs get them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from signseg_rig.visualization import (
    AreaBetween,
    Comparison,
    Condition,
    ConditionOverNetworks,
    Number,
    TraitCorrelation,
    is_main,
)

CONDITION = ("sign", "strength", "control")
TESTED = ("n_units", "difference", "p_value", "q_value", "rank_biserial")
# Over which tests, and how many, a q-value is corrected.
FAMILY = ("family", "n_in_family")


class Rows(NamedTuple):
    """A table: its columns, and a cell for each in every row."""

    columns: tuple[str, ...]
    rows: list[tuple[object, ...]]


def number_rows(numbers: Sequence[Number], convention: str | None) -> Rows:
    """Give every number of a sweep, with the convention by which neuron models were ablated."""
    return Rows(
        ("unit", *CONDITION, "convention", "repeat", "measure", "value"),
        [
            (
                *(one.unit, *_cells(one.condition), convention or ""),
                *("" if one.repeat is None else one.repeat, one.measure, one.value),
            )
            for one in numbers
        ],
    )


def tested_rows(comparisons: Sequence[Comparison]) -> Rows:
    """Give the tests of conditions against the intact units."""
    families = Counter(one.measure for one in comparisons if np.isfinite(one.test.p_value))
    return Rows(
        ("measure", *CONDITION, "mean", "low", "high", *TESTED, *FAMILY),
        [
            (
                *(one.measure, *_cells(one.condition)),
                *(one.mean, one.low, one.high, one.test.n_pairs, one.change),
                *(one.test.p_value, one.q_value, one.test.rank_biserial),
                *(f"conditions of {one.measure}", families[one.measure]),
            )
            for one in comparisons
        ],
    )


def area_rows(areas: Sequence[AreaBetween]) -> Rows:
    """Give the areas between the curves of the signs."""
    n_main = sum(bool(np.isfinite(one.q_value)) for one in areas)
    return Rows(
        ("measure", *TESTED, *FAMILY),
        [
            (
                *(one.measure, one.test.n_pairs, one.test.difference, one.test.p_value),
                *(one.q_value, one.test.rank_biserial),
                *(("main measures", n_main) if is_main(one.measure) else (None, None)),
            )
            for one in areas
        ],
    )


def change_rows(pooled: Sequence[ConditionOverNetworks]) -> Rows:
    """Give the change that each condition makes in each sweep."""
    return Rows(
        ("sweep", "measure", *CONDITION, "change"),
        [
            (name, one.measure, *_cells(one.condition), change)
            for one in pooled
            for name, change in one.changes.items()
        ],
    )


def pooled_rows(pooled: Sequence[ConditionOverNetworks]) -> Rows:
    """Give the change that each condition makes over networks."""
    return Rows(
        ("measure", *CONDITION, "n_sweeps", "n_units", "n_values", "change", "low", "high"),
        [
            (
                *(one.measure, *_cells(one.condition), *one.pooled.n_groups, one.pooled.n_values),
                *(one.pooled.mean, one.pooled.low, one.pooled.high),
            )
            for one in pooled
        ],
    )


def correlation_rows(correlations: Sequence[TraitCorrelation]) -> Rows:
    """Give the correlations of changes with traits of the networks."""
    families = Counter((one.measure, one.trait) for one in correlations if np.isfinite(one.q_value))
    return Rows(
        (
            *("trait", "measure", *CONDITION, "n_sweeps", "spearman", "low", "high", "p", "q"),
            *FAMILY,
        ),
        [
            (
                *(one.trait, one.measure, *_cells(one.condition), one.correlation.n_pairs),
                *(one.correlation.coefficient, one.correlation.low, one.correlation.high),
                *(one.correlation.p_value, one.q_value),
                f"conditions of {one.measure} with {one.trait}",
                families[one.measure, one.trait],
            )
            for one in correlations
        ],
    )


def _cells(condition: Condition) -> tuple[str, float, str]:
    return condition.sign, condition.strength, condition.control
