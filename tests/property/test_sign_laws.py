"""Laws of signed weights and their ablation."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from signseg_rig.signs import ablate, both_signs, dale_index

values = st.floats(-1e6, 1e6, allow_nan=False, width=32)
matrices = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=8), elements=values)
signs = st.sampled_from(["positive", "negative"])
strengths = st.floats(0, 1)
scopes = st.sampled_from(["unit", "matrix"])


@given(matrices)
def test_positive_part_and_negative_part_are_the_whole(weights):
    positive = ablate(weights, sign="negative", strength=1).weights
    negative = ablate(weights, sign="positive", strength=1).weights
    np.testing.assert_array_equal(positive + negative, weights)
    assert (positive >= 0).all()
    assert (negative <= 0).all()
    assert not both_signs(weights, strength=1).weights.any()


@given(st.floats(1e-3, 1e3), st.integers(1, 60), st.data())
def test_of_equal_weights_a_share_is_a_number(weight, n_weights, data):
    n_removed = data.draw(st.integers(0, n_weights))
    weights = np.full((1, n_weights), weight)
    for strength in (n_removed / n_weights, np.linspace(0, 1, n_weights + 1)[n_removed]):
        ablated = ablate(weights, sign="positive", strength=strength)
        np.testing.assert_array_equal(ablated.removed_mask[0], np.arange(n_weights) < n_removed)


@given(matrices, signs, scopes)
def test_everything_removed_stays_removed(weights, sign, scope):
    once = ablate(weights, sign=sign, strength=1, scope=scope)
    twice = ablate(once.weights, sign=sign, strength=1, scope=scope)
    np.testing.assert_array_equal(once.weights, twice.weights)
    assert not twice.removed_mask.any()


@given(matrices, signs, scopes, strengths, strengths)
def test_what_is_removed_at_a_strength_is_removed_at_every_larger_one(
    weights, sign, scope, first, second
):
    less, more = (
        ablate(weights, sign=sign, strength=strength, scope=scope)
        for strength in sorted((first, second))
    )
    assert not (less.removed_mask & ~more.removed_mask).any()


@given(matrices, signs, scopes, strengths)
def test_only_weights_of_the_sign_are_removed(weights, sign, scope, strength):
    ablated = ablate(weights, sign=sign, strength=strength, scope=scope)
    removed = weights[ablated.removed_mask]
    assert ((removed > 0) if sign == "positive" else (removed < 0)).all()
    np.testing.assert_array_equal(
        ablated.weights[~ablated.removed_mask], weights[~ablated.removed_mask]
    )


@given(matrices, scopes, strengths)
def test_signs_are_alike(weights, scope, strength):
    one = ablate(weights, sign="positive", strength=strength, scope=scope)
    other = ablate(-weights, sign="negative", strength=strength, scope=scope)
    np.testing.assert_array_equal(one.removed_mask, other.removed_mask)
    np.testing.assert_array_equal(one.weights, -other.weights)


@given(matrices, signs, strengths, st.integers(-20, 20))
def test_scale_does_not_matter(weights, sign, strength, exponent):
    # A power of 2 changes no digit; in double precision nothing is too small for it.
    weights = weights.astype(np.float64)
    one = ablate(weights, sign=sign, strength=strength)
    other = ablate(weights * 2.0**exponent, sign=sign, strength=strength)
    np.testing.assert_array_equal(one.removed_mask, other.removed_mask)


@given(matrices, signs, strengths, st.randoms(use_true_random=False))
def test_units_do_not_depend_on_each_other(weights, sign, strength, random):
    order = list(range(len(weights)))
    random.shuffle(order)
    one = ablate(weights, sign=sign, strength=strength).removed_mask[order]
    other = ablate(weights[order], sign=sign, strength=strength).removed_mask
    np.testing.assert_array_equal(one, other)
    alone = ablate(weights[:1], sign=sign, strength=strength, scope="matrix").removed_mask
    np.testing.assert_array_equal(
        alone, ablate(weights, sign=sign, strength=strength).removed_mask[:1]
    )


@given(matrices)
def test_dale_index_has_bounds_and_knows_no_direction(weights):
    index = dale_index(weights, axis=1)
    is_signed = weights.any(axis=1)
    assert ((index[is_signed] >= 0.5) & (index[is_signed] <= 1)).all()
    assert np.isnan(index[~is_signed]).all()
    np.testing.assert_array_equal(index, dale_index(-weights, axis=1))
