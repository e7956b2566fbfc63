"""Ridge, lasso and fits of one sign against independent solutions."""

import functools

import numpy as np
import pytest
from scipy.optimize import minimize

from signseg_rig.errors import ConfigError
from signseg_rig.neurons import (
    comparison_fits,
    cross_validate_fit,
    fit_lasso,
    fit_pls_chosen,
    fit_ridge,
    fit_signed,
)
from signseg_rig.neurons.regularized import RELATIVE_ALPHAS


def leave_one_out_alpha(features, response, alphas, groups=None):
    """Choose the penalty by refitting without each image, or group of images."""
    groups = np.arange(len(features)) if groups is None else np.array(groups)
    errors = []
    for alpha in alphas:
        error = 0.0
        for group in np.unique(groups):
            keep = groups != group
            coef, intercept = ridge_solution(features[keep], response[keep], alpha)
            error += ((response[~keep] - intercept - features[~keep] @ coef) ** 2).sum()
        errors.append(error)
    return alphas[int(np.argmin(errors))]


def ridge_solution(features, response, alpha):
    x, y = features - features.mean(axis=0), response - response.mean()
    coef = np.linalg.solve(x.T @ x + alpha * np.eye(x.shape[1]), x.T @ y)
    return coef, response.mean() - features.mean(axis=0) @ coef


@pytest.fixture
def small(recorded):
    return recorded.features[:25, :15], recorded.responses[:25, :2]


def penalties(features):
    centred = features - features.mean(axis=0)
    return (centred**2).sum(axis=1).mean() * RELATIVE_ALPHAS


def test_ridge_chooses_each_neurons_penalty_by_leaving_one_out(small):
    features, responses = small
    model = fit_ridge(features, responses)
    for unit, response in enumerate(responses.T):
        alpha = leave_one_out_alpha(features, response, penalties(features))
        coef, intercept = ridge_solution(features, response, alpha)
        np.testing.assert_allclose(model.coef[unit], coef, rtol=1e-6)
        assert model.intercept[unit] == pytest.approx(intercept)


def test_ridge_leaves_out_groups_as_a_whole(small):
    features, responses = np.repeat(small[0][:14], 2, axis=0), np.repeat(small[1][:14], 2, axis=0)
    responses = responses + np.random.default_rng(0).normal(0, 0.1, responses.shape)
    groups = [f"picture {index // 2}" for index in range(28)]
    model = fit_ridge(features, responses, groups=groups)
    for unit, response in enumerate(responses.T):
        alpha = leave_one_out_alpha(features, response, penalties(features), groups)
        assert alpha > leave_one_out_alpha(features, response, penalties(features))
        coef, _ = ridge_solution(features, response, alpha)
        np.testing.assert_allclose(model.coef[unit], coef, rtol=1e-6)
    with pytest.raises(ConfigError, match="All 28 images are of one group"):
        fit_ridge(features, responses, groups=["a"] * 28)


def test_lasso_does_not_take_duplicates_for_a_success():
    """Responses that depend on nothing are best predicted by their mean."""
    rng = np.random.default_rng(1)
    features = np.repeat(rng.standard_normal((20, 30)), 2, axis=0)
    responses = np.repeat(rng.standard_normal((20, 1)), 2, axis=0)
    groups = [index // 2 for index in range(40)]
    size = [np.abs(fit_lasso(features, responses, groups=one).coef).sum() for one in (None, groups)]
    assert size[1] < 0.5 * size[0]


@pytest.mark.parametrize("keep", ["positive", "negative"])
def test_models_left_with_one_sign_obey_the_rules_of_the_fit(recorded, keep):
    features, responses, _ = recorded
    rules = {"n_components": [2], "seed": 3}
    groups = [index // 2 for index in range(60)]
    fit = comparison_fits(**rules)[f"{keep}-only"]
    expected = fit_pls_chosen(features, responses, groups=groups, **rules).coef
    sign = 1 if keep == "positive" else -1
    coef = fit(features, responses, groups=groups).coef
    np.testing.assert_array_equal(coef, np.where(sign * expected > 0, expected, 0))


def test_comparisons_get_the_groups_of_their_images(recorded):
    features, responses, _ = recorded
    groups = [f"picture {index // 3}" for index in range(60)]
    seen = []

    def fit(features, responses, *, groups):
        seen.append(groups)
        return fit_ridge(features, responses, groups=groups)

    result = cross_validate_fit(fit, features, responses, n_folds=4, groups=groups)
    for number, given in enumerate(seen):
        train = np.flatnonzero(result.fold != number)
        assert given == [groups[image] for image in train]


@pytest.mark.parametrize("sign", ["positive", "negative"])
def test_signed_fit_solves_the_constrained_problem(small, sign):
    features, responses = small
    model = fit_signed(features, responses, sign=sign)
    x = features - features.mean(axis=0)
    for unit, response in enumerate(responses.T):
        alpha = leave_one_out_alpha(features, response, penalties(features))
        y = response - response.mean()

        def loss(w, y=y, alpha=alpha):
            rest = y - x @ w
            return rest @ rest + alpha * w @ w, -2 * x.T @ rest + 2 * alpha * w

        bound = (0, None) if sign == "positive" else (None, 0)
        found = minimize(loss, np.zeros(15), jac=True, bounds=[bound] * 15, tol=1e-12)
        assert loss(model.coef[unit])[0] == pytest.approx(found.fun, rel=1e-3)
        direction = 1 if sign == "positive" else -1
        assert (direction * model.coef[unit] >= 0).all()
        expected = response.mean() - features.mean(axis=0) @ model.coef[unit]
        assert model.intercept[unit] == pytest.approx(expected)


def test_signed_fit_finds_weights_that_have_one_sign(recorded):
    features = recorded.features[:, :20]
    weights = np.abs(recorded.weights[:2, :20])
    responses = 3 + features @ weights.T
    right = cross_validate_fit(
        functools.partial(fit_signed, sign="positive"), features, responses, n_folds=5
    )
    wrong = cross_validate_fit(
        functools.partial(fit_signed, sign="negative"), features, responses, n_folds=5
    )
    assert right.r.min() > 0.95
    assert (np.isnan(wrong.r) | (wrong.r < 0.3)).all()


def test_lasso_finds_few_weights(recorded):
    features = recorded.features[:, :40]
    rng = np.random.default_rng(0)
    responses = 5 + features[:, [3]] * 4 - features[:, [10]] * 3 + rng.normal(0, 0.1, (60, 1))
    model = fit_lasso(features, responses)
    assert set(np.argsort(-np.abs(model.coef[0]))[:2]) == {3, 10}
    np.testing.assert_allclose(model.coef[0, [3, 10]], [4, -3], atol=0.25)
    assert model.intercept[0] == pytest.approx(5, abs=0.5)


def test_unknown_sign(small):
    with pytest.raises(ConfigError, match="'positive' or 'negative'"):
        fit_signed(*small, sign="both")


def test_constant_neuron(small):
    features, responses = small
    responses = np.column_stack([responses, np.full(25, 7.0)])
    for fit in (fit_ridge, functools.partial(fit_signed, sign="positive")):
        np.testing.assert_allclose(fit(features, responses).predict(features)[:, 2], 7.0)
