"""What is known of the signs of features, and what is refused for it."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from signseg_rig.errors import NeuronModelError
from signseg_rig.neurons import (
    FeatureSigns,
    FeatureSpec,
    NeuronModels,
    ablation_curves,
    allow_sign_ablation,
    cross_validate_pls,
    describe_signs,
)

RECTIFIED, MIXED = FeatureSigns(True, 0.0), FeatureSigns(False, 0.498)
SPEC = FeatureSpec({"kind": "net"}, "blocks.8", 7)


def models_with(signs):
    return NeuronModels(
        unit_ids=("a", "b"),
        coef=np.array([[1.0, -2.0, 0.5], [-1.0, 1.0, 3.0]]),
        intercept=np.zeros(2),
        feature_mean=np.ones(3),
        n_components=np.array([1, 1]),
        features=SPEC,
        signs=signs,
    )


def test_share_is_counted():
    found = FeatureSigns.measure(np.array([[0.0, -1e-9], [1, 2]]), is_rectified=False)
    assert found == FeatureSigns(False, 0.25)
    assert not found.none_is_negative
    assert FeatureSigns.measure(np.zeros((2, 2)), is_rectified=False).none_is_negative


@pytest.mark.parametrize(
    ("signs", "message"),
    [
        (MIXED, r"blocks\.8 of net, pooled to 7 x 7, are arbitrary: 49\.8% .*--rectify split"),
        (FeatureSigns(False, 1e-6), r"arbitrary: 1e-06 of"),
        (None, r"cannot be told .*earlier versions.*Fit again .*--signed-features-anyway"),
    ],
)
def test_ablation_by_sign_is_refused_with_the_remedy(signs, message):
    models = models_with(signs)
    for use in (
        lambda: models.ablate("negative", 0.5),
        lambda: ablation_curves(models, np.ones((4, 3)), strengths=(0.5,)),
    ):
        with pytest.raises(NeuronModelError, match=message):
            use()


@pytest.mark.parametrize("signs", [MIXED, None])
def test_who_asks_for_it_gets_it_with_a_note(signs, tmp_path):
    ablated = models_with(signs).ablate("negative", 0.5, signed_features_anyway=True)
    ablated.save(tmp_path / "a.neurons")
    assert NeuronModels.load(tmp_path / "a.neurons").ablation.signed_features_anyway
    points = ablation_curves(
        models_with(signs), -np.ones((4, 3)), strengths=(0.5,), signed_features_anyway=True
    )
    assert all(point.signed_features_anyway for point in points)


def test_of_rectified_features_there_is_no_note():
    assert not allow_sign_ablation(RECTIFIED, "these", signed_features_anyway=True)
    ablated = models_with(RECTIFIED).ablate("negative", 0.5, signed_features_anyway=True)
    assert not ablated.ablation.signed_features_anyway


def test_features_of_new_images_are_looked_at():
    """Those of the fit were not negative, but nothing in the network rules it out."""
    models = models_with(FeatureSigns(False, 0.0))
    features = np.array([[1.0, 2, 3], [1, -0.5, 0]])
    models.predict(features)  # intact models may read what they like
    with pytest.raises(NeuronModelError, match="below 0 for 1 of 2 images, which none were"):
        models.ablate("positive", 0.5).predict(features)
    with pytest.raises(NeuronModelError, match="below 0 for 1 of 2 images"):
        ablation_curves(models, features, strengths=(0.5,))
    assert "nothing in the network rules out" in describe_signs(models.signs)


def test_files_of_the_first_format_do_not_know(tmp_path):
    path = tmp_path / "old.neurons"
    models_with(RECTIFIED).save(path)
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    ((key, text),) = header["__metadata__"].items()
    described = json.loads(text)
    described["format"] = 1
    del described["signs"], described["features"]["rectify"]
    save_file(load_file(path), path, {key: json.dumps(described)})
    old = NeuronModels.load(path)
    assert old.signs is None
    assert old.features == SPEC
    assert "not known" in describe_signs(old.signs)
    np.testing.assert_array_equal(
        old.predict(np.ones((1, 3))), models_with(RECTIFIED).predict(np.ones((1, 3)))
    )
    with pytest.raises(NeuronModelError, match="cannot be told"):
        old.ablate("positive", 1)


def test_split_features_predict_as_well():
    rng = np.random.default_rng(0)
    features = rng.standard_normal((300, 30))
    responses = features @ rng.standard_normal((30, 6)) + rng.standard_normal((300, 6))
    split = np.concatenate([np.maximum(features, 0), np.maximum(-features, 0)], axis=1)
    signed_r, split_r = (
        cross_validate_pls(x, responses, n_components=(1, 2, 4, 8), n_folds=5).r
        for x in (features, split)
    )
    assert signed_r.min() > 0.9
    assert np.abs(split_r - signed_r).max() < 0.03
