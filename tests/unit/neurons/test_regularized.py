"""Ridge, lasso and fits of one sign against independent solutions."""

import functools

import numpy as np
import pytest
from scipy.optimize import minimize

from signseg_rig.errors import ConfigError
from signseg_rig.neurons import cross_validate_fit, fit_lasso, fit_ridge, fit_signed
from signseg_rig.neurons.regularized import RELATIVE_ALPHAS


def leave_one_out_alpha(features, response, alphas):
    """Choose the penalty by refitting without each image."""
    errors = []
    for alpha in alphas:
        error = 0.0
        for left_out in range(len(features)):
            keep = np.arange(len(features)) != left_out
            coef, intercept = ridge_solution(features[keep], response[keep], alpha)
            error += (response[left_out] - intercept - features[left_out] @ coef) ** 2
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
    np.testing.assert_allclose(model.coef[0, [3, 10]], [4, -3], atol=0.2)
    assert model.intercept[0] == pytest.approx(5, abs=0.5)


def test_unknown_sign(small):
    with pytest.raises(ConfigError, match="'positive' or 'negative'"):
        fit_signed(*small, sign="both")


def test_constant_neuron(small):
    features, responses = small
    responses = np.column_stack([responses, np.full(25, 7.0)])
    for fit in (fit_ridge, functools.partial(fit_signed, sign="positive")):
        np.testing.assert_allclose(fit(features, responses).predict(features)[:, 2], 7.0)
