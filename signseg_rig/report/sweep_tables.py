"""The tables behind the figures of sweeps, as they are written and as other programs get them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from signseg_rig.stats import MIN_VALUES, smallest_correlation_p
from signseg_rig.sweeps import (
    Condition,
    Contrast,
    ContrastOverNetworks,
    SweepStudy,
    TraitCorrelation,
)

CONDITION = ("sign", "strength", "control")
NAN = float("nan")
AGAINST = tuple(f"against_{name}" for name in CONDITION)
# low and high stand behind what they are the bounds of, and are named after it.
DIFFERENCE = ("difference", "difference_low", "difference_high")
# Over which tests, and how many, a q-value is corrected; and what may be made of it.
FAMILY = ("p_value", "q_value", "smallest_p", "family", "n_in_family", "note")
# Whether features took both signs, so that those of weights mean nothing, and this was known.
ANYWAY = "signed_features_anyway"


class Rows(NamedTuple):
    """A table: its columns, and a cell for each in every row."""

    columns: tuple[str, ...]
    rows: list[tuple[object, ...]]


def number_rows(study: SweepStudy) -> Rows:
    """Return every number of a sweep, with the convention by which neuron models were ablated."""
    settings = study.settings
    return Rows(
        ("unit", *CONDITION, "convention", "repeat", "measure", "value", ANYWAY),
        [
            (
                *(one.unit, *_cells(one.condition), settings.convention or ""),
                *("" if one.repeat is None else one.repeat, one.measure, one.value),
                settings.signed_features_anyway,
            )
            for one in study.numbers
        ],
    )


def tested_rows(study: SweepStudy) -> Rows:
    """Return what was compared with what, and the tests of it."""
    return Rows(
        (
            *("measure", *CONDITION, *AGAINST, "compared", "place", "mean", "mean_against"),
            *(*DIFFERENCE, "n_units", "rank_biserial", *FAMILY, ANYWAY),
        ),
        [
            (
                *(one.measure, *_contrast_cells(one.contrast), one.place),
                *(one.mean, one.mean_against, one.difference, *one.test.difference_band),
                *(one.test.n_pairs, one.test.rank_biserial, one.p_value, one.q_value),
                *(NAN if one.untested else one.test.smallest_p, one.family, one.n_in_family),
                *(one.note, study.settings.signed_features_anyway),
            )
            for one in study.comparisons
        ],
    )


def change_rows(pooled: Sequence[ContrastOverNetworks]) -> Rows:
    """Return the mean difference in each sweep of what was compared."""
    return Rows(
        ("sweep", "measure", *CONDITION, *AGAINST, "compared", "difference", "unit"),
        [
            (name, one.measure, *_contrast_cells(one.contrast), difference, one.unit)
            for one in pooled
            for name, difference in one.differences.items()
        ],
    )


def pooled_rows(pooled: Sequence[ContrastOverNetworks]) -> Rows:
    """Return the difference over networks of what was compared."""
    return Rows(
        (
            *("measure", *CONDITION, *AGAINST, "compared", "n_sweeps", "n_units"),
            *(*DIFFERENCE, "unit", "note"),
        ),
        [
            (
                *(one.measure, *_contrast_cells(one.contrast), *one.pooled.n_groups),
                *(one.pooled.mean, one.pooled.low, one.pooled.high, one.unit, interval_note(one)),
            )
            for one in pooled
        ],
    )


def interval_note(one: ContrastOverNetworks) -> str:
    """Say why there is no interval; empty where there is one."""
    if np.isfinite(one.pooled.low):
        return ""
    n_networks = one.pooled.n_groups[0]
    if n_networks < MIN_VALUES:
        return f"no interval: {n_networks} networks, and {MIN_VALUES} are the fewest"
    return "no interval: more than half of the differences are one and the same"


def correlation_rows(correlations: Sequence[TraitCorrelation]) -> Rows:
    """Return the correlations of changes with traits of the networks."""
    return Rows(
        (
            *("trait", "measure", *CONDITION, "n_sweeps"),
            *("spearman", "spearman_low", "spearman_high", *FAMILY),
        ),
        [
            (
                *(one.trait, one.measure, *_cells(one.condition), one.correlation.n_pairs),
                *(one.correlation.coefficient, one.correlation.low, one.correlation.high),
                *(one.correlation.p_value, one.q_value),
                smallest_correlation_p(one.correlation.n_pairs),
                f"conditions of {one.measure} with {one.trait}",
                *(one.n_in_family, one.note),
            )
            for one in correlations
        ],
    )


def _cells(condition: Condition) -> tuple[str, float, str]:
    return condition.sign, condition.strength, condition.control


def _contrast_cells(contrast: Contrast) -> tuple[object, ...]:
    if contrast.is_mean:
        stretch: tuple[object, ...] = ("positive", NAN, "", "negative", NAN, "")
        return *stretch, contrast.words
    return *_cells(contrast.condition), *_cells(contrast.against), contrast.words
