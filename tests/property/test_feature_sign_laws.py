"""Laws of the signs of features: turning one over changes nothing, or ablation is refused."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signseg_rig.errors import NeuronModelError
from signseg_rig.interfaces import Network, Readout
from signseg_rig.neurons import FeatureReader, FeatureSigns, NeuronModels, fit_pls
from signseg_rig.values import FloatArray, ImageArray

N_FEATURES = 12
turned_over = st.lists(st.sampled_from([-1.0, 1.0]), min_size=N_FEATURES, max_size=N_FEATURES)
signs = st.sampled_from(["positive", "negative"])


class TurnedNetwork(Network):
    """Gives fixed features, some of them turned over."""

    layer_names = ("layer",)
    unit_names = ("unit",)

    def __init__(self, features: FloatArray, turned: list[float]) -> None:
        self.identity = {"kind": "turned"}
        self._features = (features * turned).astype(np.float32)

    def features(self, images: ImageArray, layer: str | None = None) -> FloatArray:
        return self._features[: len(images)]

    def layer_shape(self, layer: str) -> tuple[int, ...]:
        return (N_FEATURES,)

    @property
    def readout(self) -> Readout:
        return Readout(np.ones((1, N_FEATURES)), np.zeros(1))


def fitted(turned: list[float], rectify: str) -> SimpleNamespace:
    rng = np.random.default_rng(3)
    features = rng.standard_normal((40, N_FEATURES))
    responses = 10 + features @ rng.standard_normal((N_FEATURES, 2)) + np.abs(features[:, :2])
    reader = FeatureReader(TurnedNetwork(features, turned), rectify=rectify)  # type: ignore[arg-type]
    read = reader.features(np.zeros((40, 4, 4, 3), dtype=np.uint8))
    model = fit_pls(read, responses, n_components=4)
    models = NeuronModels(
        unit_ids=("a", "b"),
        coef=model.coef,
        intercept=model.intercept,
        feature_mean=model.feature_mean,
        n_components=model.n_components,
        features=reader.spec,
        signs=FeatureSigns.measure(read, is_rectified=reader.is_rectified),
    )
    return SimpleNamespace(models=models, features=read, rates=models.predict(read))


@settings(max_examples=25)
@given(turned_over, signs, st.floats(0, 1))
def test_of_split_features_nothing_depends_on_how_a_feature_is_turned(turned, sign, strength):
    plain, other = fitted([1.0] * N_FEATURES, "split"), fitted(turned, "split")
    np.testing.assert_allclose(other.rates, plain.rates, atol=1e-6)
    ablated, of_other = (
        one.models.ablate(sign, strength).predict(one.features) for one in (plain, other)
    )
    np.testing.assert_allclose(of_other, ablated, atol=1e-6)


@settings(max_examples=25)
@given(turned_over, signs, st.floats(0, 1))
def test_of_signed_features_predictions_stay_and_ablation_is_refused(turned, sign, strength):
    plain, other = fitted([1.0] * N_FEATURES, "as_is"), fitted(turned, "as_is")
    np.testing.assert_allclose(other.rates, plain.rates, atol=1e-6)
    for one in (plain, other):
        with pytest.raises(NeuronModelError, match=r"arbitrary.*--rectify split"):
            one.models.ablate(sign, strength)


def test_ablations_of_signed_features_are_arbitrary():
    """What is refused: the same predictions, and others once positive weights are gone."""
    plain, other = fitted([1.0] * N_FEATURES, "as_is"), fitted([-1.0, 1.0] * 6, "as_is")
    np.testing.assert_allclose(other.rates, plain.rates, atol=1e-6)
    ablated, of_other = (
        one.models.ablate("positive", 1, signed_features_anyway=True) for one in (plain, other)
    )
    assert ablated.ablation is not None
    assert ablated.ablation.signed_features_anyway
    rates, of_other_rates = ablated.predict(plain.features), of_other.predict(other.features)
    assert np.corrcoef(rates[:, 0], of_other_rates[:, 0])[0, 1] < 0.9
