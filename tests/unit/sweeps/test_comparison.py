"""Conditions of a sweep and of several, on numbers whose truth is known."""

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from signseg_rig.stats import adjust_fdr
from signseg_rig.sweeps import (
    Condition,
    Contrast,
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
CHANGES = [Contrast(one) for one in CONDITIONS[1:]]
STRONG = Contrast(Condition("positive", 1.0))
# What each condition truly changes.
EFFECT = {
    INTACT: 0.0,
    Condition("positive", 0.5): -2.0,
    Condition("positive", 1.0): -4.0,
    Condition("negative", 0.5): 0.0,
    Condition("negative", 1.0): 1.0,
    CONTROL: 0.0,
}


# Units have more positive weights than negative ones, some twice as many.
TOTALS = {"positive": 3.0, "negative": 1.5}
N_OF_SIGN = {"positive": 40, "negative": 25}


def removed_of(n_units=12):
    """Numbers of what the ablations removed: twice the units' number over the first one's."""
    return [
        Number(f"unit {unit}", condition, 0, measure, share * total[condition.sign] * (1 + unit))
        for measure, total in (("removed_magnitude", TOTALS), ("n_removed", N_OF_SIGN))
        for condition in (INTACT, *REMOVED)
        for share in [condition.strength]
        for unit in range(n_units)
        if condition != INTACT
    ] + [
        Number(f"unit {unit}", INTACT, 0, measure, 0.0)
        for measure in ("removed_magnitude", "n_removed")
        for unit in range(n_units)
    ]


def numbers_of(seed=0, *, n_units=12, n_repeats=3, scale=1.0, noise=0.2, measure="response"):
    """Numbers of a sweep whose units differ much, and whose repeats differ a little."""
    rng = np.random.default_rng(seed)
    levels = rng.normal(10, 5, n_units)
    return [*removed_of(n_units)] + [
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


def study_of(numbers, *, neurons=None):
    table = Table(numbers)
    return SweepStudy(
        images=SimpleNamespace(settings=SimpleNamespace(neurons=neurons)),
        network={},
        numbers=numbers,
        described={},
        table=table,
        comparisons=[one for measure in table.measures for one in table.comparisons(measure)],
    )


def compared(numbers, measure="response"):
    return {one.contrast: one for one in Table(numbers).comparisons(measure)}


def of_units(numbers, condition, measure="response"):
    """Means over repeats, the plain way."""
    units = dict.fromkeys(one.unit for one in numbers)
    return np.array(
        [
            np.mean(
                [
                    one.value
                    for one in numbers
                    if (one.unit, one.condition, one.measure) == (unit, condition, measure)
                ]
            )
            for unit in units
        ]
    )


def test_changes_are_those_that_were_planted():
    found = compared(numbers_of())
    for contrast in CHANGES:
        one, effect = found[contrast], EFFECT[contrast.condition]
        low, high = one.test.difference_band
        assert one.difference == pytest.approx(effect, abs=0.2)
        assert low < one.difference < high
        assert one.test.n_pairs == 12
        assert (one.q_value < 0.01) == bool(effect)


def test_tests_are_wilcoxons_of_units_and_corrected_with_those_of_their_question():
    numbers = numbers_of(noise=3.0)
    found = compared(numbers)
    expected = {
        one: stats.wilcoxon(
            of_units(numbers, one.condition), of_units(numbers, one.against), method="exact"
        ).pvalue
        for one in [*CHANGES, Contrast(Condition("positive", 0.5), CONTROL)]
    }
    for one, p_value in expected.items():
        assert found[one].p_value == pytest.approx(p_value)
        assert found[one].mean == pytest.approx(of_units(numbers, one.condition).mean())
        assert found[one].mean_against == pytest.approx(of_units(numbers, one.against).mean())
    q_values = adjust_fdr([expected[one] for one in CHANGES])
    assert [found[one].q_value for one in CHANGES] == pytest.approx(q_values)
    assert {found[one].n_in_family for one in CHANGES} == {5}
    families = {one.contrast.question: (one.family, one.n_in_family) for one in found.values()}
    assert families == {
        "intact": ("response against intact", 5),
        "control": ("response against matched random weights", 1),
        "signs": ("response positive against negative", 6),
    }


def test_an_ablation_is_tested_against_its_matched_control_and_not_only_against_intact():
    """Both may differ from intact, or one by a hair and not the other: neither is a comparison."""
    numbers = numbers_of()
    # All ablations and controls do the same, whatever weights they remove.
    lowered = [
        Number(
            *(one.unit, one.condition, one.repeat, one.measure),
            one.value - EFFECT[one.condition] - 3,
        )
        if one.condition not in (INTACT, Condition("negative", 0.5)) and one.measure == "response"
        else one
        for one in numbers
    ]
    found = compared(lowered)
    ablation = Condition("positive", 0.5)
    assert found[Contrast(ablation)].q_value < 0.01
    assert found[Contrast(CONTROL)].q_value < 0.01
    assert found[Contrast(ablation, CONTROL)].q_value > 0.05
    # And where weights of the sign do more than random ones.
    assert compared(numbers)[Contrast(ablation, CONTROL)].q_value < 0.01


def test_a_unit_counts_with_the_mean_over_draws_of_its_control():
    numbers = numbers_of(n_repeats=2)
    more = [
        Number(one.unit, CONTROL, repeat, one.measure, one.value + 10 * repeat)
        for one in numbers
        if one.condition == CONTROL and one.repeat == 0
        for repeat in (2, 3)
    ]
    contrast = Contrast(Condition("positive", 0.5), CONTROL)
    found = compared([*numbers, *more])[contrast]
    expected = of_units(numbers, contrast.condition) - of_units([*numbers, *more], CONTROL)
    assert found.difference == pytest.approx(expected.mean())


def curve_value(numbers, unit, sign, at, place):
    """Look for the strengths around a place and weight what was measured there, by hand."""
    removed = {"magnitude": "removed_magnitude", "number": "n_removed"}[at]
    points = []
    for strength in (0.0, *STRENGTHS):
        condition = Condition(sign, strength) if strength else INTACT
        own = [one for one in numbers if (one.unit, one.condition) == (unit, condition)]
        x = next(one.value for one in own if one.measure == removed)
        points.append((x, np.mean([one.value for one in own if one.measure == "response"])))
    for (x, y), (next_x, next_y) in itertools.pairwise(points):
        if x <= place <= next_x:
            return y + (next_y - y) * (place - x) / (next_x - x)
    return np.nan


@pytest.mark.parametrize(("at", "totals"), [("magnitude", TOTALS), ("number", N_OF_SIGN)])
def test_signs_are_compared_where_as_much_was_removed_of_both(at, totals):
    numbers = numbers_of(n_units=6, noise=1.0)
    found = compared(numbers)
    places = [strength * min(totals.values()) for strength in STRENGTHS]
    units = [f"unit {unit}" for unit in range(6)]
    for strength, place in zip(STRENGTHS, places, strict=True):
        one = found[Contrast(Condition("positive", strength), Condition("negative", strength), at)]
        expected = [
            curve_value(numbers, name, "positive", at, place * (1 + unit))
            - curve_value(numbers, name, "negative", at, place * (1 + unit))
            for unit, name in enumerate(units)
        ]
        assert one.difference == pytest.approx(np.mean(expected))
        assert one.p_value == pytest.approx(stats.wilcoxon(expected, method="exact").pvalue)
        assert one.place == pytest.approx(place * np.arange(1, 7).mean())
    # Over all places that both reach: the mean over a fine grid.
    ends = Condition("positive", 1.0), Condition("negative", 1.0)
    grid = (np.arange(400) + 0.5) / 400 * min(totals.values())
    expected = [
        np.mean(
            [
                curve_value(numbers, name, "positive", at, place * (1 + unit))
                - curve_value(numbers, name, "negative", at, place * (1 + unit))
                for place in grid
            ]
        )
        for unit, name in enumerate(units)
    ]
    assert found[Contrast(*ends, at, True)].difference == pytest.approx(np.mean(expected), abs=1e-3)


def test_signs_that_do_the_same_per_weight_do_not_differ_although_their_strengths_do():
    """At one strength twice as much is removed of the one as of the other, and does twice that."""
    rng = np.random.default_rng(0)
    numbers = [
        *removed_of(),
        *(
            Number(f"unit {unit}", one, None, "response", 5 - share * total + noise)
            for one in (INTACT, *REMOVED)
            for share, total in [(one.strength, TOTALS.get(one.sign, 0))]
            for unit in range(12)
            for noise in [0.02 * rng.normal()]
        ),
    ]
    found = compared(numbers)
    positive, negative = (found[Contrast(Condition(sign, 1.0))] for sign in TOTALS)
    assert positive.difference == pytest.approx(2 * negative.difference, abs=0.1)
    at_equal = [one for one in found.values() if one.contrast.at == "magnitude"]
    assert len(at_equal) == 3
    assert all(abs(one.difference) < 0.05 for one in at_equal)


@pytest.mark.parametrize("change", ["nothing of a sign", "ever less", "not known"])
def test_a_unit_of_which_nothing_can_be_compared_is_left_out(change):
    value = {"nothing of a sign": 0.0, "ever less": 1e-3, "not known": np.nan}[change]
    strengths = STRENGTHS if value == 0 else (1.0,)
    spoilt = {Condition("negative", one) for one in strengths}
    numbers = [
        Number(one.unit, one.condition, one.repeat, one.measure, value)
        if one.unit == "unit 3" and one.condition in spoilt and one.measure == "removed_magnitude"
        else one
        for one in numbers_of()
    ]
    n_pairs = {one.contrast.at: one.test.n_pairs for one in compared(numbers).values()}
    assert n_pairs == {"": 12, "magnitude": 11, "number": 12}


def test_what_arithmetic_or_selection_decides_is_reported_without_a_p():
    for measure, untested in (
        ("reached_activation", {"intact", "signs"}),
        ("intact_response", {"intact"}),
        ("spectra.slope", set()),
    ):
        found = compared(numbers_of(measure=measure), measure)
        for contrast, one in found.items():
            is_untested = contrast.question in untested
            assert np.isnan(one.p_value) == np.isnan(one.q_value) == is_untested
            assert one.note.startswith("not tested: ") == is_untested
            assert np.isfinite([one.difference, *one.test.difference_band]).all()
            assert one.n_in_family == (
                0 if is_untested else {"intact": 5, "control": 1, "signs": 6}[contrast.question]
            )


def test_too_few_units_are_said_to_be():
    few = compared(numbers_of(n_units=5))
    assert {one.note for one in few.values()} == {"too few: no outcome has p below 0.0625"}
    six = compared(numbers_of(n_units=6))
    assert "4 of the 5 tests" in six[STRONG].note
    assert {one.note for one in compared(numbers_of(n_units=12)).values()} == {""}


def test_missing_results_leave_a_unit_or_a_repeat_out():
    numbers = [
        one
        for one in numbers_of()
        if not (one.unit == "unit 3" and one.condition == REMOVED[1])
        and not (one.unit == "unit 4" and one.repeat == 1)
    ]
    found = compared(numbers)
    assert found[STRONG].test.n_pairs == 11
    assert found[Contrast(REMOVED[0])].test.n_pairs == 12
    assert found[STRONG].difference == pytest.approx(-4, abs=0.2)


def without_effect(measure, *, n_units=12, value=0.0):
    """Numbers that are the same for all units under all conditions, as of a detector on noise."""
    return [
        Number(f"unit {unit}", condition, None, measure, value)
        for condition in CONDITIONS
        for unit in range(n_units)
    ]


def test_a_measure_in_which_nothing_differs_is_tested_and_says_so():
    found = compared([*without_effect("a.score"), *removed_of()], "a.score")
    assert len(found) == 5 + 1 + 6
    for one in found.values():
        assert (one.difference, one.p_value, one.q_value) == (0, 1, 1)
        assert np.isnan(one.test.difference_band).all()
        assert (one.test.n_pairs, one.test.n_untied, one.note) == (12, 0, "no unit differs")


@pytest.mark.parametrize(
    "measure",
    [
        *("looks.within_intact", "alike.centered.random.a", "alike.uncentered.within_random.mean"),
        *("objects.n_images", "realized_strength", "removed_magnitude"),
    ],
)
def test_what_is_the_same_by_design_is_not_tested(measure):
    # Not even where it differs in the last bits.
    assert compared(numbers_of(measure=measure, scale=0.0, noise=1e-15), measure) == {}


def test_a_metric_may_have_any_name():
    assert compared(without_effect("random.score"), "random.score")


def test_what_is_known_of_no_unit_is_not_tested():
    assert compared(without_effect("looks.across", value=np.nan), "looks.across") == {}


def test_conditions_that_do_nothing_are_found_no_more_often_than_they_may_be():
    rng = np.random.default_rng(0)
    questions = {"intact": 0, "control": 0, "signs": 0}
    removed = removed_of(8)
    for _ in range(80):
        numbers = [
            Number(f"unit {unit}", condition, None, "a.score", float(rng.normal()))
            for condition in CONDITIONS
            for unit in range(8)
        ]
        found = compared([*numbers, *removed], "a.score")
        for question in questions:
            own = [one for one in found.values() if one.contrast.question == question]
            questions[question] += any(one.q_value < 0.05 for one in own)
    # At most 5 % of 80, and three standard deviations.
    assert max(questions.values()) <= 4 + 3 * np.sqrt(80 * 0.05 * 0.95)


def test_networks_are_pooled_and_weighted_alike():
    studies = {
        f"net {index}": study_of(numbers_of(index, n_units=4 + 2 * index, scale=scale))
        for index, scale in enumerate((1.0, 2.0, 3.0))
    }
    pooled = {one.contrast: one for one in pool_networks(studies)}
    assert set(pooled) == set(Table(numbers_of()).contrasts)
    strong = pooled[STRONG]
    assert list(strong.differences.values()) == pytest.approx([-4, -8, -12], abs=0.4)
    assert strong.pooled.mean == pytest.approx(-8, abs=0.2)
    assert strong.pooled.n_groups == (3, 4 + 6 + 8)
    # The networks differ: with three of them the interval is wider than they are apart.
    assert strong.pooled.low < -12
    assert strong.pooled.high > -4
    two = pool_networks({name: studies[name] for name in list(studies)[:2]})
    assert np.isnan([one.pooled.low for one in two]).all()


def test_activations_are_pooled_on_the_scale_of_their_network():
    def numbers(factor):
        own = numbers_of(measure="reached_activation") + numbers_of(measure="intact_response")
        return [
            replace(one, value=factor * one.value) if "removed" not in one.measure else one
            for one in own
        ]

    factors = {"small": 1.0, "large": 50.0, "larger": 80.0}
    studies = {name: study_of(numbers(factor)) for name, factor in factors.items()}
    reached = of_units(numbers(1.0), INTACT, "reached_activation").mean()
    for one in pool_networks(studies):
        assert one.unit == "share of what intact units reach"
        assert one.differences["large"] == pytest.approx(one.differences["small"])
        if one.contrast == STRONG:
            assert one.pooled.mean == pytest.approx(-4 / reached, abs=0.02)
    # Rates of neuron models have one unit, and need no other.
    rates = {
        name: study_of(numbers(factor), neurons="models.npz") for name, factor in factors.items()
    }
    found = next(one for one in pool_networks(rates) if one.contrast == STRONG)
    assert found.unit == ""
    assert found.differences["large"] == pytest.approx(50 * found.differences["small"])
    # No share of nothing.
    studies["small"] = study_of(numbers(-1.0))
    assert all(np.isnan(one.differences["small"]) for one in pool_networks(studies))


def test_only_what_all_sweeps_have_is_pooled():
    fewer = [one for one in numbers_of(1) if one.condition != CONTROL]
    studies = {"a": study_of(numbers_of()), "b": study_of(fewer)}
    assert CONTROL not in {one.contrast.condition for one in pool_networks(studies)}
    other = [
        Number(one.unit, one.condition, one.repeat, "x", one.value)
        for one in fewer
        if one.measure == "response"
    ]
    assert pool_networks({"a": study_of(numbers_of()), "b": study_of(other)}) == []


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
    pooled = pool_networks(studies)
    found = {one.contrast: one for one in pooled if one.measure == measure}
    strong = found[STRONG]
    assert list(strong.differences.values()) == pytest.approx([-4, -8, -12, 0], abs=0.4)
    assert strong.differences["tanh"] == 0
    assert strong.pooled.mean == pytest.approx(-6, abs=0.2)
    assert strong.pooled.n_groups == (4, 48)
    traits = {name: {"rectified": scale} for name, scale in scales.items()}
    correlated = [one for one in correlate_traits(pooled, traits) if one.measure == measure]
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
    pooled = pool_networks(studies)
    n_networks = {one.measure: one.pooled.n_groups[0] for one in pooled}
    assert n_networks == {"reached_activation": 4, "looks.across": 3}
    strong = next(one for one in pooled if (one.measure, one.contrast) == ("looks.across", STRONG))
    assert np.isnan(strong.differences["net 2"])
    traits = {name: {"robustness": index} for index, name in enumerate(studies)}
    # Three are too few to correlate.
    found = correlate_traits(pooled, traits)
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
    pooled = pool_networks(studies)
    for n_known, n_pairs in ((4, set()), (5, {4})):
        traits = {name: {"robustness": int(name[-1])} for name in list(studies)[:n_known]}
        found = correlate_traits(pooled, traits)
        assert {one.correlation.n_pairs for one in found} == n_pairs


def test_what_a_single_network_knows_is_not_pooled():
    studies = {
        name: study_of(without_effect("looks.across", value=value))
        for name, value in (("a", 1.0), ("b", np.nan))
    }
    assert pool_networks(studies) == []


def test_traits_are_correlated_with_changes():
    scales = (1.0, 3.0, 2.0, 5.0, 4.0)
    studies = {
        f"net {index}": study_of(numbers_of(index, scale=scale))
        for index, scale in enumerate(scales)
    }
    traits = {name: {"robustness": scale} for name, scale in zip(studies, scales, strict=True)}
    traits["net 0"]["rare"] = 1.0
    found = correlate_traits(pool_networks(studies), traits)
    assert {one.trait for one in found} == {"robustness"}
    rho = {one.condition: one.correlation for one in found}
    assert rho[Condition("positive", 1.0)].coefficient == pytest.approx(-1)
    assert rho[Condition("negative", 1.0)].coefficient == pytest.approx(1)
    assert rho[Condition("positive", 1.0)].p_value == pytest.approx(2 / 120)
    assert {one.n_in_family for one in found} == {5}
    assert "2 of the 5 tests have the smallest p, 0.0167" in found[0].note
    assert [one.q_value for one in found] == pytest.approx(
        adjust_fdr([one.correlation.p_value for one in found])
    )


def test_three_networks_are_too_few_to_correlate():
    studies = {f"net {index}": study_of(numbers_of(index)) for index in range(3)}
    traits = {name: {"robustness": index} for index, name in enumerate(studies)}
    assert correlate_traits(pool_networks(studies), traits) == []
