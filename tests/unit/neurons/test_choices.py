"""What ablated models choose, with planted excitation and inhibition and where signs are none."""

import numpy as np
import pytest

from signseg_rig.errors import ConfigError
from signseg_rig.neurons import (
    Choices,
    Removal,
    ablated_choices,
    choose_images,
    compare_choices,
    cross_validate_pls,
)

N_COMPONENTS = (2, 5, 10)


def responses_to(features, rng, *, n_units=12, noise=0.5):
    """Answer by weights of either sign, half of them each, with noise."""
    weights = rng.standard_normal((n_units, features.shape[1]))
    driven = features @ weights.T
    driven /= driven.std(axis=0)
    return driven + noise * rng.standard_normal(driven.shape)


def chosen_by(features, responses, **options):
    validation = cross_validate_pls(features, responses, n_components=N_COMPONENTS, n_folds=5)
    return ablated_choices(features, responses, validation, n_draws=2, **options)


@pytest.fixture(scope="module")
def rectified():
    rng = np.random.default_rng(5)
    features = np.maximum(rng.standard_normal((300, 40)), 0)
    return features, responses_to(features, rng)


class TestChoice:
    def test_is_of_the_largest(self):
        predictions = np.array([[0.0, 3, 1, 2], [5, -1, -2, 7]])
        assert choose_images(predictions, 2).tolist() == [[0, 0.5, 0, 0.5], [0.5, 0, 0, 0.5]]

    def test_of_ties_is_the_mean_over_all_ways_to_break_them(self):
        weights = choose_images(np.array([[2.0, 1, 1, 1, 0]]), 2)[0]
        np.testing.assert_allclose(weights, [1 / 2, 1 / 6, 1 / 6, 1 / 6, 0])

    def test_of_a_model_that_tells_nothing_apart_is_unknown(self):
        assert np.isnan(choose_images(np.array([[0.1, 0.1 + 1e-16, 0.1]]), 2)).all()


class TestResponses:
    def test_are_those_that_were_recorded_to_left_out_images(self, rectified):
        """By loops over folds and units, with scikit-learn's PLS and a sorted list."""
        from sklearn.cross_decomposition import PLSRegression

        features, responses = rectified
        responses = responses[:, :2]
        validation = cross_validate_pls(features, responses, n_components=N_COMPONENTS, n_folds=5)
        found = ablated_choices(features, responses, validation, n_draws=1, share=0.1)
        assert found.n_chosen == 6
        for unit in range(2):
            told = {"intact": [], "positive": [], "negative": []}
            for fold in range(5):
                train, test = validation.fold != fold, validation.fold == fold
                n_components = validation.n_components_chosen[fold, unit]
                model = PLSRegression(n_components, scale=False).fit(
                    features[train], responses[train, unit]
                )
                coef = model.coef_.ravel()
                for kind, chosen in told.items():
                    left = coef.copy()
                    if kind != "intact":
                        sign = 1 if kind == "positive" else -1
                        order = [i for i in np.argsort(-sign * coef) if sign * coef[i] > 0]
                        removed, total = 0.0, sum(abs(coef[order]))
                        for index in order:
                            if removed >= 0.7 * total:
                                break
                            removed += abs(coef[index])
                            left[index] = 0
                    best = np.flatnonzero(test)[np.argsort(-(features[test] @ left))[:6]]
                    chosen.append(responses[best, unit].mean())
            mean, deviation = responses[:, unit].mean(), responses[:, unit].std()
            intact = np.mean(told["intact"])
            assert found.intact[unit] == pytest.approx((intact - mean) / deviation)
            for sign in ("positive", "negative"):
                expected = (np.mean(told[sign]) - intact) / deviation
                assert found.removed[Removal(sign, "", 0.7)][unit] == pytest.approx(expected)

    def test_of_planted_excitation_are_lost_without_positive_weights(self, rectified):
        choices = chosen_by(*rectified)
        assert (choices.intact > 0.8).all()
        for test in compare_choices({"planted": choices}):
            if test.a.startswith("positive,"):
                assert test.difference < -0.2
                assert test.high < 0
                assert test.q_value < 0.05
                assert test.rank_biserial < -0.7

    def test_turn_over_with_the_signs(self, rectified):
        """Of a neuron turned over, positive weights are what negative ones were."""
        features, responses = rectified
        removed = chosen_by(features, -responses).removed
        least = chosen_by(features, responses)
        assert removed.keys() == least.removed.keys()
        # The images that a neuron likes best are those that it likes least when turned over.
        validation = cross_validate_pls(features, responses, n_components=N_COMPONENTS, n_folds=5)
        turned = cross_validate_pls(features, -responses, n_components=N_COMPONENTS, n_folds=5)
        np.testing.assert_allclose(turned.predictions, -validation.predictions, atol=1e-9)

    def test_do_not_depend_on_other_strengths(self, rectified):
        one, two = (chosen_by(*rectified, strengths=given) for given in ((0.7,), (0.3, 0.7)))
        for removal, values in one.removed.items():
            np.testing.assert_array_equal(values, two.removed[removal])

    def test_at_equal_amounts_are_of_as_many_weights_and_as_much(self):
        from signseg_rig.neurons.choices import _equal

        weights = np.array([[4.0, 3, 1, -2, -0.5, 0], [1, 0, 0, 0, 0, -1]])
        left = {removal.control + removal.sign[0]: one for removal, one in _equal(weights, 0.6)}
        assert left["equal_numberp"].tolist() == [[0, 3, 1, -2, -0.5, 0], [0, 0, 0, 0, 0, -1]]
        assert left["equal_numbern"].tolist() == [[4, 3, 1, 0, -0.5, 0], [1, 0, 0, 0, 0, 0]]
        # 0.6 of what the negative weights sum up to, 2.5, is 1.5: the largest of each suffices.
        assert left["equal_magnitudep"].tolist() == [[0, 3, 1, -2, -0.5, 0], [0, 0, 0, 0, 0, -1]]
        assert left["equal_magnituden"].tolist() == [[4, 3, 1, 0, -0.5, 0], [1, 0, 0, 0, 0, 0]]

    def test_without_any_weight_are_unknown(self):
        features = np.abs(np.random.default_rng(0).standard_normal((60, 5)))
        responses = features @ np.ones((5, 1))
        choices = chosen_by(features, responses, strengths=(1.0,))
        assert np.isnan(choices.removed[Removal("positive", "", 1.0)]).all()

    @pytest.mark.parametrize("wrong", [{"share": 0.0}, {"share": 0.6}])
    def test_of_no_share_are_refused(self, rectified, wrong):
        with pytest.raises(ConfigError, match="share should be above 0"):
            chosen_by(*rectified, **wrong)


class TestComparison:
    @staticmethod
    def drawn(rng, n_units, shift=0.0):
        by_fold = {}
        for sign in ("positive", "negative"):
            for control in ("", "number", "magnitude", "equal_number", "equal_magnitude"):
                values = rng.standard_normal((n_units, 4)) + (shift if sign == "positive" else 0)
                by_fold[Removal(sign, control, 0.7)] = values
        return Choices(np.ones(n_units), by_fold, 3)

    def test_of_few_neurons_says_that_there_are_too_few(self):
        tests = compare_choices({"few": self.drawn(np.random.default_rng(0), 5, -9)})
        assert len(tests) == 7
        for test in tests:
            assert "5 neurons say nothing about others, at least 6" in test.remark
            assert np.isnan([test.p_value, test.q_value, test.low, test.high]).all()

    def test_over_sessions_takes_sessions_for_the_observations(self):
        rng = np.random.default_rng(1)
        sessions = {f"s{index}": self.drawn(rng, 6 + 30 * index, -1) for index in range(4)}
        tests = [one for one in compare_choices(sessions) if not one.session]
        first = tests[0]
        assert (first.a, first.b) == ("positive, equal share", "negative, equal share")
        assert first.compared == "positive - negative, equal share"
        assert tests[-1].compared == "negative - random, as much"
        means = [
            np.mean(one.removed[Removal("positive", "", 0.7)])
            - np.mean(one.removed[Removal("negative", "", 0.7)])
            for one in sessions.values()
        ]
        assert first.n == 4
        assert first.difference == pytest.approx(np.mean(means))
        reach = 3.182446 * np.std(means, ddof=1) / 2  # Student's t with 3 degrees of freedom
        assert first.low == pytest.approx(np.mean(means) - reach, rel=1e-5)
        assert first.p_value < 0.05

    @pytest.mark.parametrize(("n_sessions", "n_over_all"), [(1, 0), (2, 7)])
    def test_of_one_or_two_sessions_says_nothing_of_others(self, n_sessions, n_over_all):
        rng = np.random.default_rng(2)
        sessions = {str(index): self.drawn(rng, 8) for index in range(n_sessions)}
        over_all = [one for one in compare_choices(sessions) if not one.session]
        assert len(over_all) == n_over_all
        assert all("2 sessions say nothing about others" in one.remark for one in over_all)
        assert np.isnan([one.p_value for one in over_all]).all()
