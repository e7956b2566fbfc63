"""PLS equals scikit-learn's, neuron by neuron, also where little is left to fit."""

import warnings

import numpy as np
import pytest
from sklearn.cross_decomposition import PLSRegression

from signseg_rig.errors import ConfigError
from signseg_rig.neurons import fit_pls, fit_pls_path


def by_scikit_learn(features, response, n_components):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="y residual is constant")
        return PLSRegression(n_components=n_components, scale=False).fit(features, response)


def assert_same(model, features, responses, n_components):
    for unit, response in enumerate(responses.T):
        peer = by_scikit_learn(features, response, n_components)
        coef = np.ravel(peer.coef_)
        np.testing.assert_allclose(model.coef[unit], coef, rtol=0, atol=1e-8 * np.abs(coef).max())
        intercept = response.mean() - features.mean(axis=0) @ coef
        assert model.intercept[unit] == pytest.approx(intercept, rel=1e-8)
        predicted = model.predict(features)[:, unit]
        np.testing.assert_allclose(predicted, np.ravel(peer.predict(features)), rtol=1e-8)


@pytest.mark.parametrize("n_components", [1, 2, 3, 7, 15, 25, 40])
def test_equals_scikit_learn_for_every_number_of_components(recorded, n_components):
    features, responses, _ = recorded
    model = fit_pls(features, responses, n_components=n_components)
    assert_same(model, features, responses, n_components)
    path = fit_pls_path(features, responses, max_components=40)
    np.testing.assert_allclose(path.model(n_components).coef, model.coef, rtol=1e-10, atol=1e-14)


def test_more_images_than_features(recorded):
    features, responses, _ = recorded
    assert_same(
        fit_pls(features[:, :12], responses, n_components=8), features[:, :12], responses, 8
    )


def test_every_neuron_has_its_own_number(recorded):
    features, responses, _ = recorded
    numbers = np.array([1, 5, 2, 9])
    model = fit_pls(features, responses, n_components=numbers)
    np.testing.assert_array_equal(model.n_components, numbers)
    for unit, number in enumerate(numbers):
        alone = fit_pls(features, responses[:, [unit]], n_components=int(number))
        np.testing.assert_allclose(model.coef[unit], alone.coef[0], rtol=1e-10, atol=1e-14)


def test_all_components_are_least_squares(recorded):
    features, responses, _ = recorded
    few = features[:, :10]
    model = fit_pls(few, responses, n_components=10)
    design = np.column_stack([np.ones(len(few)), few])
    solution = np.linalg.lstsq(design, responses)[0]
    np.testing.assert_allclose(model.coef.T, solution[1:], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(model.intercept, solution[0], rtol=1e-7)


def test_never_more_components_than_there_are(recorded):
    features, responses, _ = recorded
    model = fit_pls(features[:5], responses[:5], n_components=25)
    np.testing.assert_array_equal(model.n_components, 4)
    np.testing.assert_allclose(model.predict(features[:5]), responses[:5], rtol=1e-9)
    narrow = fit_pls(features[:, :3], responses, n_components=25)
    np.testing.assert_array_equal(narrow.n_components, 3)


def test_features_of_low_rank_give_no_components_of_rounding_errors(recorded):
    responses = recorded.responses
    rng = np.random.default_rng(0)
    low = rng.standard_normal((60, 3)) @ rng.standard_normal((3, 200)) + 5
    model = fit_pls(low, responses, n_components=20)
    np.testing.assert_array_equal(model.n_components, 3)
    design = np.column_stack([np.ones(60), low])
    solution = np.linalg.lstsq(design, responses, rcond=1e-10)[0]
    np.testing.assert_allclose(model.predict(low), design @ solution, rtol=1e-8)


def test_constant_neuron_predicts_its_mean(recorded):
    features, responses, _ = recorded
    responses = responses.copy()
    responses[:, 2] = 3.5
    model = fit_pls(features, responses, n_components=4)
    assert model.n_components[2] == 0
    assert not model.coef[2].any()
    np.testing.assert_array_equal(model.predict(features)[:, 2], 3.5)
    assert (model.n_components[[0, 1, 3]] == 4).all()


def test_explained_neuron_stops(recorded):
    features, _, _ = recorded
    model = fit_pls(features[:, :1] * [1.0, 0, 0], features[:, :1] * 2 + 1, n_components=3)
    assert model.n_components[0] == 1
    np.testing.assert_allclose(model.coef, [[2, 0, 0]], atol=1e-12)


def test_constant_feature_gets_no_weight(recorded):
    features, responses, _ = recorded
    features = features.copy()
    features[:, 50] = 4.0
    assert not fit_pls(features, responses, n_components=6).coef[:, 50].any()


def test_all_features_constant(recorded):
    _, responses, _ = recorded
    model = fit_pls(np.full((60, 7), 2.0), responses, n_components=3)
    np.testing.assert_array_equal(model.n_components, 0)
    np.testing.assert_allclose(model.predict(np.zeros((1, 7)))[0], responses.mean(axis=0))


def test_single_precision_is_computed_in_double(recorded):
    features, responses, _ = recorded
    single = features.astype(np.float32)
    model = fit_pls(single, responses, n_components=5)
    again = fit_pls(single.astype(np.float64), responses, n_components=5)
    np.testing.assert_array_equal(model.coef, again.coef)


@pytest.mark.parametrize(
    ("features", "responses", "n_components", "message"),
    [
        (np.zeros((5, 3)), np.zeros((4, 2)), 1, r"same images; got features \(5, 3\)"),
        (np.zeros((5, 3)), np.zeros(5), 1, r"\(n_images, n_units\)"),
        (np.zeros((1, 3)), np.zeros((1, 2)), 1, "at least 2 images"),
        (np.full((5, 3), np.nan), np.zeros((5, 2)), 1, "image 0, feature 0 is nan"),
        (np.zeros((5, 3)), np.array([[0.0], [1], [np.inf], [0], [0]]), 1, "image 2, unit 0 is inf"),
        (np.zeros((5, 3)), np.zeros((5, 2)), 0, "at least 1; got 0"),
        (np.zeros((5, 3)), np.zeros((5, 2)), 1.5, "one integer"),
        (np.zeros((5, 3)), np.zeros((5, 2)), np.array([1, 2, 3]), "each of the 2 neurons"),
    ],
)
def test_says_what_does_not_fit(features, responses, n_components, message):
    with pytest.raises(ConfigError, match=message):
        fit_pls(features, responses, n_components=n_components)
