"""Ablation against loops over the definition, in exact numbers."""

from fractions import Fraction

import numpy as np
import pytest

from signseg_rig.errors import ConfigError
from signseg_rig.signs import GradedAblation, ablate, both_signs, matched_random

STRENGTHS = (0, 0.1, 0.25, 0.5, 0.7, 0.999, 1)


def removed_by_hand(values, sign, strength):
    """Apply the definition to one set of values: indices of those to remove."""
    direction = 1 if sign == "positive" else -1
    of_sign = [index for index, value in enumerate(values) if direction * value > 0]
    if strength == 1:
        return set(of_sign)
    magnitude = {index: abs(Fraction(float(values[index]))) for index in of_sign}
    # The strength as it is written: 0.1 is a tenth, not the nearest number in binary.
    wanted = Fraction(str(strength)) * sum(magnitude.values())
    removed = set()
    for index in sorted(of_sign, key=lambda index: -magnitude[index]):
        if sum(magnitude[index] for index in removed) >= wanted:
            break
        removed.add(index)
    return removed


@pytest.fixture
def weights():
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((6, 40))
    weights[:, ::7] = 0
    weights[1] = np.abs(weights[1])
    weights[2] = 0
    weights[3] = np.round(weights[3])  # many ties
    return weights


@pytest.mark.parametrize("sign", ["positive", "negative"])
@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_unit_scope_follows_the_definition(weights, sign, strength, dtype):
    weights = weights.astype(dtype)
    ablated = ablate(weights, sign=sign, strength=strength)
    for unit, row in enumerate(weights):
        expected = removed_by_hand(row, sign, strength)
        assert set(np.flatnonzero(ablated.removed_mask[unit])) == expected
        assert ablated.n_removed[unit] == len(expected)
        of_sign = row[row > 0] if sign == "positive" else row[row < 0]
        if len(of_sign):
            share = np.abs(row[list(expected)], dtype=float).sum() / np.abs(of_sign).sum()
            assert ablated.realized_strength[unit] == pytest.approx(share, abs=1e-6)
            assert ablated.realized_strength[unit] >= strength - 1e-12
        else:
            assert np.isnan(ablated.realized_strength[unit])
    np.testing.assert_array_equal(ablated.weights, np.where(ablated.removed_mask, 0, weights))
    assert ablated.weights.dtype == dtype


@pytest.mark.parametrize("sign", ["positive", "negative"])
@pytest.mark.parametrize("strength", STRENGTHS)
def test_matrix_scope_takes_all_as_one_set(weights, sign, strength):
    ablated = ablate(weights, sign=sign, strength=strength, scope="matrix")
    expected = removed_by_hand(weights.ravel(), sign, strength)
    assert set(np.flatnonzero(ablated.removed_mask)) == expected
    assert ablated.n_removed.shape == ablated.realized_strength.shape == ()


def test_ties_are_removed_in_the_order_of_the_features():
    ablated = ablate(np.array([[1.0, 1, 1, 1]]), sign="positive", strength=0.5)
    np.testing.assert_array_equal(ablated.weights, [[0, 0, 1, 1]])


def test_full_strength_is_exact_whatever_the_sums():
    rng = np.random.default_rng(1)
    weights = (10 ** rng.uniform(-20, 5, (3, 500))).astype(np.float32)
    ablated = ablate(weights, sign="positive", strength=1)
    assert not ablated.weights.any()
    np.testing.assert_array_equal(ablated.realized_strength, 1)


def test_judged_by_something_else():
    weights = np.array([[1.0, -2, 3, -4]])
    by = np.array([[-5.0, 1, 0, 2]])
    graded = GradedAblation(weights, sign="positive", by=by)
    np.testing.assert_array_equal(graded.at(0.5).weights, [[1, -2, 3, 0]])
    np.testing.assert_array_equal(graded.at(1).weights, [[1, 0, 3, 0]])


def test_input_is_left_alone(weights):
    weights = np.asfortranarray(weights)
    kept = weights.copy()
    weights.setflags(write=False)
    graded = GradedAblation(weights, sign="negative")
    graded.at(1)
    np.testing.assert_array_equal(weights, kept)
    np.testing.assert_array_equal(graded.at(0).weights, kept)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sign": "plus"}, r"sign should be one of .*got 'plus'"),
        ({"scope": "row"}, "scope should be one of"),
        ({"strength": 1.1}, "from 0 to 1; got 1.1"),
        ({"strength": float("nan")}, "from 0 to 1; got nan"),
        ({"weights": np.zeros(4)}, r"\(n_units, n_features\).*got \(4,\)"),
        ({"weights": np.zeros((2, 0))}, r"\(2, 0\)"),
        ({"weights": np.array([[0, np.nan]])}, r"that at \(0, 1\) of \(1, 2\) is nan"),
    ],
)
def test_says_what_is_wrong(changes, message):
    arguments = {"weights": np.ones((2, 3)), "sign": "positive", "strength": 0.5} | changes
    with pytest.raises(ConfigError, match=message):
        ablate(arguments.pop("weights"), **arguments)
    with pytest.raises(ConfigError, match="judged"):
        GradedAblation(np.ones((2, 3)), sign="positive", by=np.ones((2, 2)))


class TestControls:
    def test_both_signs(self, weights):
        control = both_signs(weights, strength=0.4)
        masks = [
            ablate(weights, sign=sign, strength=0.4).removed_mask
            for sign in ("positive", "negative")
        ]
        np.testing.assert_array_equal(control.removed_mask, masks[0] | masks[1])
        removed = np.abs(np.where(control.removed_mask, weights, 0)).sum(axis=1)
        expected = removed[[0, 1, 3]] / np.abs(weights).sum(axis=1)[[0, 1, 3]]
        np.testing.assert_allclose(control.realized_strength[[0, 1, 3]], expected)
        assert np.isnan(control.realized_strength[2])

    @pytest.mark.parametrize("scope", ["unit", "matrix"])
    @pytest.mark.parametrize("strength", [0, 0.3, 1])
    def test_as_many(self, weights, scope, strength):
        ablated = ablate(weights, sign="positive", strength=strength, scope=scope)
        rng = np.random.default_rng(2)
        control = matched_random(weights, ablated, match="number", rng=rng)
        np.testing.assert_array_equal(control.n_removed, ablated.n_removed)
        assert not (control.removed_mask & (weights == 0)).any()

    def test_as_many_takes_every_weight_as_often(self):
        weights = np.array([[3.0, -1, 2, -5, 0]])
        ablated = ablate(weights, sign="negative", strength=1)  # two of four
        rng = np.random.default_rng(3)
        counts = sum(
            matched_random(weights, ablated, match="number", rng=rng).removed_mask[0].astype(int)
            for _ in range(4000)
        )
        np.testing.assert_allclose(counts[:4] / 4000, 0.5, atol=0.03)
        assert counts[4] == 0

    @pytest.mark.parametrize("scope", ["unit", "matrix"])
    def test_as_much_comes_as_near_as_one_weight_can(self, weights, scope):
        ablated = ablate(weights, sign="positive", strength=0.5, scope=scope)
        rng = np.random.default_rng(4)
        control = matched_random(weights, ablated, match="magnitude", rng=rng)
        axis = 1 if scope == "unit" else None
        wanted = np.abs(np.where(ablated.removed_mask, weights, 0)).sum(axis=axis)
        removed = np.abs(np.where(control.removed_mask, weights, 0)).sum(axis=axis)
        assert (np.abs(removed - wanted) <= np.abs(weights).max(axis=axis) / 2 + 1e-12).all()
        assert not (control.removed_mask & (weights == 0)).any()
        np.testing.assert_array_equal(
            control.n_removed, np.count_nonzero(control.removed_mask, axis=axis)
        )

    @pytest.mark.parametrize("scope", ["unit", "matrix"])
    def test_as_much_of_what_decides(self, weights, scope):
        rng = np.random.default_rng(5)
        by = weights * rng.standard_normal(weights.shape) ** 3
        by[:, 1::7] = 0  # weights that contribute nothing
        ablated = GradedAblation(weights, sign="positive", scope=scope, by=by).at(0.7)
        control = matched_random(weights, ablated, match="magnitude", rng=rng, by=by)
        axis = 1 if scope == "unit" else None
        total = np.abs(by).sum(axis=axis)
        wanted = np.abs(np.where(ablated.removed_mask, by, 0)).sum(axis=axis)
        removed = np.abs(np.where(control.removed_mask, by, 0)).sum(axis=axis)
        assert (np.abs(removed - wanted) <= np.abs(by).max(axis=axis) / 2 + 1e-12).all()
        share = np.where(total > 0, removed / np.maximum(total, 1e-300), np.nan)
        np.testing.assert_allclose(control.realized_strength, share)
        assert not (control.removed_mask & (by == 0)).any()
        np.testing.assert_array_equal(control.weights, np.where(control.removed_mask, 0, weights))

    def test_as_many_of_those_that_might_have_been_removed(self):
        weights, by = np.array([[1.0, 2, 3, 4, 5]]), np.array([[0.0, -1, 0, 2, 3]])
        ablated = GradedAblation(weights, sign="positive", by=by).at(0.5)
        rng = np.random.default_rng(6)
        counts = sum(
            matched_random(weights, ablated, match="number", rng=rng, by=by).removed_mask[0]
            for _ in range(3000)
        )
        np.testing.assert_allclose(counts / 3000, np.array([0, 1, 0, 1, 1]) / 3, atol=0.03)

    def test_both_signs_of_what_decides(self):
        weights, by = np.array([[1.0, -2, 3, -4]]), np.array([[6.0, -1, -5, 2]])
        control = both_signs(weights, strength=0.6, by=by)
        np.testing.assert_array_equal(control.removed_mask, [[True, False, True, False]])
        assert control.realized_strength == pytest.approx((6 + 5) / 14)

    def test_only_the_given_rng_decides(self, weights):
        ablated = ablate(weights, sign="positive", strength=0.5)
        one, again, other = (
            matched_random(weights, ablated, match="number", rng=np.random.default_rng(seed))
            for seed in (0, 0, 1)
        )
        np.testing.assert_array_equal(one.removed_mask, again.removed_mask)
        assert (one.removed_mask != other.removed_mask).any()

    def test_says_what_is_wrong(self, weights):
        ablated = ablate(weights, sign="positive", strength=0.5)
        rng = np.random.default_rng(0)
        with pytest.raises(ConfigError, match="match should be one of"):
            matched_random(weights, ablated, match="size", rng=rng)
        with pytest.raises(ConfigError, match="not those of the ablation"):
            matched_random(weights[:2], ablated, match="number", rng=rng)
        with pytest.raises(ConfigError, match=r"judged by likewise; got \(6, 40\) and \(2, 40\)"):
            matched_random(weights, ablated, match="number", rng=rng, by=weights[:2])
