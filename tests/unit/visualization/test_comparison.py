"""Conditions of a sweep and of several, on numbers whose truth is known."""

import itertools

import numpy as np
import pytest
from scipy import stats

from signseg_rig.stats import adjust_fdr
from signseg_rig.visualization import (
    Condition,
    Number,
    SweepStudy,
    Table,
    correlate_traits,
    pool_networks,
)

STRENGTHS = (0.5, 1.0)
INTACT = Condition()
REMOVED = [Condition(*one) for one in itertools.product(("positive", "negative"), STRENGTHS)]
CONTROL = Condition("positive", 0.5, "number")
CONDITIONS = (INTACT, *REMOVED, CONTROL)
# What each condition truly changes.
EFFECT = {
    INTACT: 0.0,
    Condition("positive", 0.5): -2.0,
    Condition("positive", 1.0): -4.0,
    Condition("negative", 0.5): 0.0,
    Condition("negative", 1.0): 1.0,
    CONTROL: 0.0,
}


def numbers_of(seed=0, *, n_units=12, n_repeats=3, scale=1.0, noise=0.2):
    """Numbers of a sweep whose units differ much, and whose repeats differ a little."""
    rng = np.random.default_rng(seed)
    levels = rng.normal(10, 5, n_units)
    return [
        Number(
            f"unit {unit}",
            condition,
            repeat,
            "response",
            float(levels[unit] + scale * EFFECT[condition] + noise * rng.normal()),
        )
        for condition in CONDITIONS
        for unit in range(n_units)
        for repeat in range(n_repeats)
    ]


def study_of(numbers):
    table = Table(numbers, seed=1)
    return SweepStudy(
        images=None,
        network={},
        numbers=numbers,
        described={},
        table=table,
        comparisons=[one for measure in table.measures for one in table.comparisons(measure)],
        areas=table.areas(),
    )


def test_changes_are_those_that_were_planted():
    numbers = numbers_of()
    found = {one.condition: one for one in Table(numbers, seed=1).comparisons("response")}
    assert set(found) == set(CONDITIONS) - {INTACT}
    for condition, one in found.items():
        assert one.change == pytest.approx(EFFECT[condition], abs=0.2)
        assert one.low < one.change < one.high
        assert one.test.n_pairs == 12
    assert all(found[one].q_value < 0.01 for one in REMOVED if EFFECT[one])
    assert found[Condition("negative", 0.5)].q_value > 0.05
    assert found[CONTROL].q_value > 0.05


def test_tests_are_wilcoxons_of_units_and_corrected_together():
    numbers = numbers_of(noise=3.0)
    table = Table(numbers, seed=1)

    def of_units(condition):
        return [
            np.mean(
                [one.value for one in numbers if (one.unit, one.condition) == (unit, condition)]
            )
            for unit in table.units
        ]

    expected = [
        stats.wilcoxon(of_units(one), of_units(INTACT), method="exact").pvalue
        for one in CONDITIONS[1:]
    ]
    found = table.comparisons("response")
    assert [one.test.p_value for one in found] == pytest.approx(expected)
    assert [one.q_value for one in found] == pytest.approx(adjust_fdr(expected))
    assert [one.mean for one in found] == pytest.approx(
        [np.mean(of_units(one.condition)) for one in found]
    )


def test_missing_results_leave_a_unit_or_a_repeat_out():
    numbers = [
        one
        for one in numbers_of()
        if not (one.unit == "unit 3" and one.condition == REMOVED[1])
        and not (one.unit == "unit 4" and one.repeat == 1)
    ]
    found = {one.condition: one for one in Table(numbers, seed=1).comparisons("response")}
    assert found[REMOVED[1]].test.n_pairs == 11
    assert found[REMOVED[0]].test.n_pairs == 12
    assert found[REMOVED[1]].change == pytest.approx(-4, abs=0.2)


def test_a_measure_that_is_always_the_same_is_not_tested():
    table = Table(numbers_of(noise=0.0, scale=0.0), seed=1)
    assert table.comparisons("response") == []
    assert table.areas() == []


def test_area_between_the_signs_is_that_of_trapezoids():
    (area,) = Table(numbers_of(), seed=1).areas()
    # Curves of 0, 0, 1 and 0, -2, -4 over 0, 0.5, 1, by the trapezoidal rule.
    expected = (0 + 0.5) / 2 - (-1 - 3) / 2
    assert area.test.difference == pytest.approx(expected, abs=0.1)
    assert area.q_value < 0.01


def test_no_area_where_the_signs_have_other_strengths():
    numbers = [one for one in numbers_of() if one.condition != Condition("negative", 0.5)]
    assert Table(numbers, seed=1).areas() == []


def test_networks_are_pooled_and_weighted_alike():
    studies = {
        f"net {index}": study_of(numbers_of(index, n_units=4 + 2 * index, scale=scale))
        for index, scale in enumerate((1.0, 2.0, 3.0))
    }
    pooled = {one.condition: one for one in pool_networks(studies, seed=0)}
    assert set(pooled) == set(CONDITIONS) - {INTACT}
    strong = pooled[Condition("positive", 1.0)]
    assert list(strong.changes.values()) == pytest.approx([-4, -8, -12], abs=0.4)
    assert strong.pooled.mean == pytest.approx(-8, abs=0.2)
    assert strong.pooled.n_groups == (3, 4 + 6 + 8)
    # The networks differ: with three of them the band is nearly as wide as they are apart.
    assert strong.pooled.low < -10
    assert strong.pooled.high > -6


def test_only_what_all_sweeps_have_is_pooled():
    fewer = [one for one in numbers_of(1) if one.condition != CONTROL]
    studies = {"a": study_of(numbers_of()), "b": study_of(fewer)}
    assert CONTROL not in {one.condition for one in pool_networks(studies, seed=0)}
    other = [Number(one.unit, one.condition, one.repeat, "x", one.value) for one in fewer]
    assert pool_networks({"a": study_of(numbers_of()), "b": study_of(other)}, seed=0) == []


def test_traits_are_correlated_with_changes():
    scales = (1.0, 3.0, 2.0, 5.0, 4.0)
    studies = {
        f"net {index}": study_of(numbers_of(index, scale=scale))
        for index, scale in enumerate(scales)
    }
    traits = {name: {"robustness": scale} for name, scale in zip(studies, scales, strict=True)}
    traits["net 0"]["rare"] = 1.0
    found = correlate_traits(pool_networks(studies, seed=0), traits, seed=0)
    assert {one.trait for one in found} == {"robustness"}
    rho = {one.condition: one.correlation for one in found}
    assert rho[Condition("positive", 1.0)].coefficient == pytest.approx(-1)
    assert rho[Condition("negative", 1.0)].coefficient == pytest.approx(1)
    assert rho[Condition("positive", 1.0)].p_value == pytest.approx(2 / 120)
    assert [one.q_value for one in found] == pytest.approx(
        adjust_fdr([one.correlation.p_value for one in found])
    )


def test_three_networks_are_too_few_to_correlate():
    studies = {f"net {index}": study_of(numbers_of(index)) for index in range(3)}
    traits = {name: {"robustness": index} for index, name in enumerate(studies)}
    assert correlate_traits(pool_networks(studies, seed=0), traits, seed=0) == []
