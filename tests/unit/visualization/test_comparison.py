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


def numbers_of(seed=0, *, n_units=12, n_repeats=3, scale=1.0, noise=0.2, measure="response"):
    """Numbers of a sweep whose units differ much, and whose repeats differ a little."""
    rng = np.random.default_rng(seed)
    levels = rng.normal(10, 5, n_units)
    return [
        Number(
            f"unit {unit}",
            condition,
            repeat,
            measure,
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


def without_effect(measure, *, n_units=12, value=0.0):
    """Numbers that are the same for all units under all conditions, as of a detector on noise."""
    return [
        Number(f"unit {unit}", condition, None, measure, value)
        for condition in CONDITIONS
        for unit in range(n_units)
    ]


def test_a_measure_in_which_nothing_differs_is_tested_and_says_so():
    table = Table(without_effect("objects.detection_rate"), seed=1)
    found = table.comparisons("objects.detection_rate")
    assert [one.condition for one in found] == list(CONDITIONS[1:])
    for one in found:
        assert (one.change, one.low, one.high, one.q_value) == (0, 0, 0, 1)
        assert (one.test.n_pairs, one.test.n_untied, one.test.p_value) == (12, 0, 1)
    (area,) = table.areas()
    assert (area.test.difference, area.test.p_value, area.q_value) == (0, 1, 1)
    assert area.test.n_pairs == 12


@pytest.mark.parametrize(
    "measure",
    [
        *("looks.within_intact", "alike.centered.random.a", "alike.uncentered.within_random.mean"),
        *("objects.n_images", "realized_strength"),
    ],
)
def test_what_is_the_same_by_design_is_not_tested(measure):
    # Not even where it differs in the last bits.
    table = Table(numbers_of(measure=measure, scale=0.0, noise=1e-15), seed=1)
    assert table.comparisons(measure) == []
    assert table.areas() == []


def test_a_metric_may_have_any_name():
    assert Table(without_effect("random.score"), seed=1).comparisons("random.score")


def test_what_is_known_of_no_unit_is_not_tested():
    table = Table(without_effect("looks.across", value=np.nan), seed=1)
    assert table.comparisons("looks.across") == []
    assert table.areas() == []


def test_area_between_the_signs_is_that_of_trapezoids():
    (area,) = Table(numbers_of(measure="reached_activation"), seed=1).areas()
    # Curves of 0, 0, 1 and 0, -2, -4 over 0, 0.5, 1, by the trapezoidal rule.
    expected = (0 + 0.5) / 2 - (-1 - 3) / 2
    assert area.test.difference == pytest.approx(expected, abs=0.1)
    assert area.q_value < 0.01


def test_no_area_where_the_signs_have_other_strengths():
    numbers = [one for one in numbers_of() if one.condition != Condition("negative", 0.5)]
    assert Table(numbers, seed=1).areas() == []


def numbers_judged_by(n_judges):
    """Numbers of measures that are shown and, per judge and in mean, of some that are not."""
    main = [
        "reached_activation",
        "spectra.low_share",
        "spectra.slope",
        "alike.centered.across.mean",
    ]
    others = [
        f"alike.centered.{kind}.{judge}"
        for kind in ("across", "within")
        for judge in (*(f"net{index}" for index in range(n_judges)), "mean")
    ]
    numbers = []
    for index, measure in enumerate(dict.fromkeys([*main, *others])):
        rng = np.random.default_rng(index if measure in main else [index, n_judges])
        scale = {"reached_activation": 1.0, "spectra.slope": 0.1}.get(measure, 0.0)
        numbers.extend(
            Number(str(unit), one, None, measure, scale * EFFECT[one] + 0.3 * rng.normal())
            for one in CONDITIONS
            for unit in range(10)
        )
    return main, numbers


def test_q_of_areas_is_corrected_over_what_is_shown_whatever_else_was_measured():
    q_values = {}
    for n_judges in (1, 2, 5):
        main, numbers = numbers_judged_by(n_judges)
        areas = {one.measure: one for one in Table(numbers, seed=1).areas()}
        assert set(areas) == {one.measure for one in numbers}
        expected = adjust_fdr([areas[measure].test.p_value for measure in main])
        q_values[n_judges] = [areas[measure].q_value for measure in main]
        assert q_values[n_judges] == pytest.approx(expected)
        for measure in set(areas) - set(main):
            assert np.isnan(areas[measure].q_value)
            assert 0 < areas[measure].test.p_value <= 1
    assert q_values[1] == q_values[2] == q_values[5]
    assert q_values[1][0] < 0.01


def test_areas_of_measures_without_an_effect_are_found_no_more_often_than_they_may_be():
    rng = np.random.default_rng(0)
    measures = ("reached_activation", "spectra.slope", "spectra.low_share", "alike.across.mean")
    n_found = 0
    for seed in range(400):
        # Measures of the same images go together; those of single judges are copies of the mean.
        shared = rng.normal(size=(len(CONDITIONS), 8))
        numbers = [
            Number(str(unit), condition, None, measure, float(shared[row, unit] + rng.normal()))
            for measure in (*measures, *(f"alike.across.net{index}" for index in range(3)))
            for row, condition in enumerate(CONDITIONS)
            for unit in range(8)
        ]
        n_found += any(one.q_value < 0.05 for one in Table(numbers, seed).areas())
    # At most 5 % of 400, and three standard deviations.
    assert n_found <= 20 + 3 * np.sqrt(400 * 0.05 * 0.95)


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


def test_a_network_without_any_effect_counts_as_one():
    scales = {"a": 1.0, "b": 2.0, "c": 3.0, "tanh": 0.0}
    measure = "objects.detection_rate"
    studies = {
        name: study_of(
            [
                *numbers_of(index, measure="reached_activation"),
                *(numbers_of(index, scale=scale, measure=measure) if scale else []),
                *([] if scale else without_effect(measure)),
            ]
        )
        for index, (name, scale) in enumerate(scales.items())
    }
    pooled = pool_networks(studies, seed=0)
    found = {one.condition: one for one in pooled if one.measure == measure}
    assert set(found) == set(CONDITIONS) - {INTACT}
    strong = found[Condition("positive", 1.0)]
    assert list(strong.changes.values()) == pytest.approx([-4, -8, -12, 0], abs=0.4)
    assert strong.changes["tanh"] == 0
    assert strong.pooled.mean == pytest.approx(-6, abs=0.2)
    assert strong.pooled.n_groups == (4, 48)
    traits = {name: {"rectified": scale} for name, scale in scales.items()}
    correlated = [one for one in correlate_traits(pooled, traits, 0) if one.measure == measure]
    rho = {one.condition: one.correlation for one in correlated}
    assert rho[Condition("positive", 1.0)].n_pairs == 4
    assert rho[Condition("positive", 1.0)].coefficient == pytest.approx(-1)


def test_a_network_of_which_a_measure_is_not_known_is_left_out_there_alone():
    unknown = without_effect("looks.across", value=np.nan)
    studies = {
        f"net {index}": study_of(
            [
                *numbers_of(index, measure="reached_activation"),
                *(unknown if index == 2 else numbers_of(index, measure="looks.across")),
            ]
        )
        for index in range(4)
    }
    pooled = pool_networks(studies, seed=0)
    n_networks = {one.measure: one.pooled.n_groups[0] for one in pooled}
    assert n_networks == {"reached_activation": 4, "looks.across": 3}
    (one,) = (one for one in pooled if (one.measure, one.condition) == ("looks.across", REMOVED[0]))
    assert np.isnan(one.changes["net 2"])
    traits = {name: {"robustness": index} for index, name in enumerate(studies)}
    # Three are too few to correlate.
    found = correlate_traits(pooled, traits, seed=0)
    assert {one.measure for one in found} == {"reached_activation"}
    assert {one.correlation.n_pairs for one in found} == {4}


def test_networks_are_enough_to_correlate_where_both_trait_and_change_are_known():
    unknown = without_effect("looks.across", value=np.nan)
    studies = {
        f"net {index}": study_of(
            unknown if index == 2 else numbers_of(index, measure="looks.across")
        )
        for index in range(6)
    }
    pooled = pool_networks(studies, seed=0)
    for n_known, n_pairs in ((4, set()), (5, {4})):
        traits = {name: {"robustness": int(name[-1])} for name in list(studies)[:n_known]}
        found = correlate_traits(pooled, traits, seed=0)
        assert {one.correlation.n_pairs for one in found} == n_pairs


def test_what_a_single_network_knows_is_not_pooled():
    studies = {
        name: study_of(without_effect("looks.across", value=value))
        for name, value in (("a", 1.0), ("b", np.nan))
    }
    assert pool_networks(studies, seed=0) == []


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
