"""Nested cross-validation equals loops over scikit-learn, and no image leaks."""

import numpy as np
import pytest
from scipy.stats import pearsonr
from sklearn.cross_decomposition import PLSRegression
from sklearn.metrics import r2_score

from signseg_rig.errors import ConfigError
from signseg_rig.neurons import cross_validate_fit, cross_validate_pls, fit_ridge, permutation_null
from signseg_rig.neurons.folds import assign_folds


def brute_force(features, responses, n_components, n_folds, seed):
    """The same procedure in loops; the folds are drawn in the same order."""
    rng = np.random.default_rng(seed)
    outer = assign_folds(len(features), n_folds, rng)
    trains = [np.flatnonzero(outer != fold) for fold in range(n_folds)]
    inner = [assign_folds(len(train), 5, rng) for train in trains]
    predictions = np.empty_like(responses)
    chosen = np.empty((n_folds, responses.shape[1]), dtype=int)
    for fold, (train, numbers) in enumerate(zip(trains, inner, strict=True)):
        for unit in range(responses.shape[1]):
            errors = []
            for count in n_components:
                error = 0.0
                for part in range(5):
                    fit, held_out = train[numbers != part], train[numbers == part]
                    pls = PLSRegression(count, scale=False)
                    pls.fit(features[fit], responses[fit, unit])
                    predicted = np.ravel(pls.predict(features[held_out]))
                    error += ((predicted - responses[held_out, unit]) ** 2).sum()
                errors.append(error)
            best = n_components[int(np.argmin(errors))]
            chosen[fold, unit] = best
            pls = PLSRegression(best, scale=False).fit(features[train], responses[train, unit])
            test = outer == fold
            predictions[test, unit] = np.ravel(pls.predict(features[test]))
    return predictions, chosen


def test_equals_loops_over_scikit_learn(recorded):
    features, responses, _ = recorded
    candidates = [1, 2, 3, 5, 8]
    result = cross_validate_pls(features, responses, n_components=candidates, n_folds=4, seed=3)
    predictions, chosen = brute_force(features, responses, candidates, 4, 3)
    np.testing.assert_array_equal(result.n_components_chosen, chosen)
    np.testing.assert_allclose(result.predictions, predictions, rtol=1e-8)
    for unit in range(4):
        expected = pearsonr(predictions[:, unit], responses[:, unit]).statistic
        assert result.r[unit] == pytest.approx(expected, rel=1e-8)
        expected = r2_score(responses[:, unit], predictions[:, unit])
        assert result.r2[unit] == pytest.approx(expected, rel=1e-7)
    assert (result.train_r > result.r).all()


def test_predictions_of_an_image_do_not_depend_on_its_responses(recorded):
    features, responses, _ = recorded
    first = cross_validate_pls(features, responses, n_folds=6)
    held_out = first.fold == 2
    changed = responses.copy()
    changed[held_out] += 1000
    second = cross_validate_pls(features, changed, n_folds=6)
    np.testing.assert_allclose(second.predictions[held_out], first.predictions[held_out])


def test_images_of_a_group_are_never_on_both_sides(recorded):
    features, responses, _ = recorded
    groups = [f"picture {index // 3}" for index in range(60)]
    result = cross_validate_pls(features, responses, n_folds=5, groups=groups)
    for first in range(0, 60, 3):
        assert len(set(result.fold[first : first + 3])) == 1
    sizes = np.bincount(result.fold)
    assert sizes.max() - sizes.min() <= 3


def test_groups_keep_duplicates_from_being_recognised():
    rng = np.random.default_rng(0)
    features = np.repeat(rng.standard_normal((40, 300)), 2, axis=0)
    responses = np.repeat(rng.standard_normal((40, 5)), 2, axis=0)  # no relation at all
    leaking = cross_validate_pls(features, responses)
    honest = cross_validate_pls(features, responses, groups=[index // 2 for index in range(80)])
    assert leaking.r.min() > 0.8
    assert np.abs(honest.r).max() < 0.5


def test_recovers_what_can_be_recovered_and_nothing_else(recorded):
    features, _, weights = recorded
    rng = np.random.default_rng(1)
    signal = features @ weights[:1].T
    result = cross_validate_pls(features, np.hstack([signal, rng.standard_normal((60, 1))]))
    assert result.r[0] > 0.5
    assert abs(result.r[1]) < 0.4


def test_seed_and_nothing_else_decides(recorded):
    features, responses, _ = recorded
    first, again, other = (cross_validate_pls(features, responses, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.predictions, again.predictions)
    assert (first.fold != other.fold).any()


def test_constant_neuron_has_no_correlation(recorded):
    features, responses, _ = recorded
    responses = responses.copy()
    responses[:, 1] = 2.0
    result = cross_validate_pls(features, responses, n_folds=5)
    assert np.isnan(result.r[1])
    assert np.isnan(result.r2[1])
    assert np.isfinite(result.r[[0, 2, 3]]).all()


def test_component_numbers_that_cannot_be_are_left_out(recorded):
    features, responses, _ = recorded
    result = cross_validate_pls(features[:12], responses[:12], n_folds=3)
    assert result.n_components_chosen.max() <= 5  # inner fits have 6 images
    with pytest.raises(ConfigError, match="from 1 to 5"):
        cross_validate_pls(features[:12], responses[:12], n_folds=3, n_components=[9])


@pytest.mark.parametrize("n_folds", [1, 61])
def test_folds_have_to_be_possible(recorded, n_folds):
    features, responses, _ = recorded
    with pytest.raises(ConfigError, match="from 2 to 60"):
        cross_validate_pls(features, responses, n_folds=n_folds)


@pytest.mark.parametrize("n_components", [5, [0, 1], [-1], [1.5], [True], [[1, 2]], []])
def test_component_numbers_that_mean_nothing_are_refused(recorded, n_components):
    features, responses, _ = recorded
    with pytest.raises(ConfigError, match=r"a sequence of integers of at least 1.*got"):
        cross_validate_pls(features, responses, n_components=n_components)


@pytest.mark.parametrize(("groups", "what"), [(None, "images"), (range(5), "groups of images")])
def test_too_few_images_for_the_inner_folds(recorded, groups, what):
    features, responses, _ = recorded
    with pytest.raises(ConfigError, match=rf"A fit to 4 {what} cannot choose.*5 inner folds"):
        cross_validate_pls(features[:5], responses[:5], n_folds=5, groups=groups)


@pytest.mark.parametrize("n_spikes", [1, 0])
def test_train_accuracy_is_the_mean_of_the_folds_that_have_one(recorded, n_spikes):
    """A neuron that answers one image only is constant in the fit that leaves this image out."""
    features, responses, _ = recorded
    silent = np.zeros((60, 1))
    silent[:n_spikes] = 1.0
    for result in (
        cross_validate_pls(features, np.hstack([responses, silent]), n_folds=5),
        cross_validate_fit(fit_ridge, features, np.hstack([responses, silent]), n_folds=5),
    ):
        assert np.isfinite(result.train_r[:4]).all()
        assert np.isfinite(result.train_r[4]) == bool(n_spikes)
        assert np.isfinite(result.train_r2[4]) == bool(n_spikes)


def test_other_fits_use_the_same_folds(recorded):
    features, responses, _ = recorded
    pls = cross_validate_pls(features, responses, n_folds=5, seed=4)
    ridge = cross_validate_fit(fit_ridge, features, responses, n_folds=5, seed=4)
    np.testing.assert_array_equal(pls.fold, ridge.fold)
    train = ridge.fold != 0
    expected = fit_ridge(features[train], responses[train]).predict(features[~train])
    np.testing.assert_allclose(ridge.predictions[~train], expected)


class TestPermutationNull:
    def test_repeats_the_whole_procedure(self, recorded):
        features, responses, _ = recorded
        options = {"n_components": [1, 2, 3], "n_folds": 4, "seed": 5}
        null = permutation_null(features, responses, n_shuffles=3, **options)
        # The first draw after the folds is the first shuffle.
        rng = np.random.default_rng(5)
        outer = assign_folds(60, 4, rng)
        for fold in range(4):
            assign_folds(int((outer != fold).sum()), 5, rng)
        order = rng.permutation(60)
        expected = cross_validate_pls(features, responses[order], **options)
        np.testing.assert_allclose(null.null_r[0], expected.r, rtol=1e-6)

    def test_p_values_count_the_shuffles_that_reach_the_true_correlation(self, recorded):
        features, responses, _ = recorded
        options = {"n_components": [1, 2], "n_folds": 3, "seed": 0}
        null = permutation_null(features, responses, n_shuffles=19, **options)
        true_r = cross_validate_pls(features, responses, **options).r
        n_reaching = (null.null_r >= true_r).sum(axis=0)
        np.testing.assert_array_equal(null.p_values, (1 + n_reaching) / 20)

    def test_workers_change_nothing(self, recorded):
        features, responses, _ = recorded
        options = {"n_components": [1, 2], "n_folds": 3, "n_shuffles": 41}
        alone = permutation_null(features, responses, **options)
        told = []
        shared = permutation_null(
            features, responses, n_workers=2, on_progress=told.append, **options
        )
        np.testing.assert_array_equal(alone.null_r, shared.null_r)
        assert told == [0, 5, 10, 15, 20, 25, 30, 35, 40, 41]

    def test_p_values_are_uniform_where_there_is_nothing_to_find(self):
        rng = np.random.default_rng(11)
        features = rng.standard_normal((24, 30))
        responses = rng.standard_normal((24, 120))
        null = permutation_null(
            features, responses, n_components=[1, 2], n_folds=3, n_shuffles=99, seed=2
        )
        share = (null.p_values <= 0.1).mean()
        # 12 of 120 are expected; neurons share folds and shuffles, but not noise.
        assert 0.02 < share < 0.2
        assert (null.q_values >= null.p_values).all()

    def test_pictures_shown_under_two_names_are_no_more_observations(self):
        rng = np.random.default_rng(12)
        shares = []
        for seed in range(6):
            pictures = rng.permutation(np.repeat(np.arange(20), 2))
            features = rng.standard_normal((20, 30))[pictures]
            responses = rng.standard_normal((20, 100))[pictures]
            responses += 0.1 * rng.standard_normal(responses.shape)
            null = permutation_null(
                features,
                responses,
                n_components=[1, 2],
                n_folds=4,
                n_shuffles=39,
                seed=seed,
                groups=pictures.tolist(),
            )
            shares.append((null.p_values <= 0.1).mean())
        assert np.mean(shares) < 0.12

    def test_constant_neuron_has_no_p_value(self, recorded):
        features, responses, _ = recorded
        responses = responses.copy()
        responses[:, 0] = 1.0
        null = permutation_null(features, responses, n_components=[1], n_folds=3, n_shuffles=5)
        assert np.isnan(null.p_values[0])
        assert np.isnan(null.q_values[0])
        assert np.isfinite(null.q_values[1:]).all()
