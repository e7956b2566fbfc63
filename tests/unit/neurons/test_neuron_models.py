"""Neuron models: their file, what they refuse, and what ablation does to them."""

import json
import os
from dataclasses import replace
from importlib.metadata import version

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from signseg_rig.errors import ConfigError, NeuronModelError
from signseg_rig.networks import load_network
from signseg_rig.neurons import (
    Ablation,
    FeatureReader,
    FeatureSigns,
    FeatureSpec,
    NeuronModels,
    ablation_curves,
    fit_pls,
)
from signseg_rig.neurons.model_file import read_model_file, write_model_file
from signseg_rig.signs import Condition, ablate, both_signs

SPEC = FeatureSpec({"kind": "net", "weights_sha256": "0" * 64, "input_size_px": 64}, "layer", 2)


@pytest.fixture
def models(recorded):
    fitted = fit_pls(recorded.features, recorded.responses, n_components=4)
    return NeuronModels(
        unit_ids=("a", "b", "c", "d"),
        coef=fitted.coef,
        intercept=fitted.intercept,
        feature_mean=fitted.feature_mean,
        n_components=fitted.n_components,
        features=SPEC,
        signs=FeatureSigns(is_rectified=True, negative_share=0.0),
        image_sha256=("a" * 64, "b" * 64),
        quality={"test_r": np.array([0.5, np.nan, 0.25, -0.125])},
        session={"subject": "W", "date": "2021-03-25"},
        fit={"seed": 3, "n_components": [1, 2, 4]},
    )


def assert_equal(one, other):
    for name in ("coef", "intercept", "feature_mean", "n_components"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for name in ("unit_ids", "features", "signs", "image_sha256", "session", "fit", "ablation"):
        assert getattr(one, name) == getattr(other, name)
    assert one.quality.keys() == other.quality.keys()
    for name, values in one.quality.items():
        np.testing.assert_array_equal(values, other.quality[name])


class TestFile:
    def test_holds_everything(self, models, tmp_path):
        models.save(tmp_path / "v4.neurons")
        assert_equal(NeuronModels.load(tmp_path / "v4.neurons"), models)
        ablated = models.ablate("negative", 0.5, convention="centered")
        ablated.save(tmp_path / "v4.neurons")
        assert_equal(NeuronModels.load(tmp_path / "v4.neurons"), ablated)
        assert [path.name for path in tmp_path.iterdir()] == ["v4.neurons"]

    def test_path_may_be_text(self, models, tmp_path):
        path = str(tmp_path / "v4.neurons")
        models.save(path)
        assert_equal(NeuronModels.load(path), models)

    @pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
    def test_is_as_readable_as_other_files(self, models, tmp_path):
        (tmp_path / "other").touch()
        models.save(tmp_path / "v4.neurons")
        assert (tmp_path / "v4.neurons").stat().st_mode == (tmp_path / "other").stat().st_mode

    def test_says_which_packages_wrote_it(self, models, tmp_path):
        models.save(tmp_path / "v4.neurons")
        _, described = read_model_file(tmp_path / "v4.neurons")
        installed = {name: version(name) for name in ("numpy", "torch", "scikit-learn")}
        assert installed.items() <= described.versions.items()

    def test_missing(self, tmp_path):
        with pytest.raises(NeuronModelError, match="There is no neuron-model file"):
            NeuronModels.load(tmp_path / "none")

    @pytest.mark.parametrize("keep", [0, 5, 100, -8])
    def test_truncated(self, models, tmp_path, keep):
        path = tmp_path / "v4.neurons"
        models.save(path)
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(NeuronModelError, match="cannot be read"):
            NeuronModels.load(path)

    def test_another_safetensors_file(self, tmp_path):
        save_file({"x": np.zeros(3)}, tmp_path / "x")
        with pytest.raises(NeuronModelError, match="of something else"):
            NeuronModels.load(tmp_path / "x")

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"format": 3}, "format"),
            ({"surplus": 1}, "surplus"),
            ({"image_sha256": ["short"]}, "image_sha256"),
            ({"unit_ids": ["a", "b"]}, "no models of 2 neurons"),
            ({"unit_ids": ["a", "b", "c", "c"]}, "more than once"),
        ],
    )
    def test_description_is_read_strictly(self, models, tmp_path, change, message):
        path = tmp_path / "v4.neurons"
        models.save(path)
        self.rewrite(path, change=change)
        with pytest.raises(NeuronModelError, match=message):
            NeuronModels.load(path)

    @pytest.mark.parametrize(
        ("arrays", "message"),
        [
            ({"coef": None}, "should hold coef"),
            ({"surplus": np.zeros(2)}, "surplus"),
            ({"coef": np.zeros((4, 3))}, "feature_mean has the shape"),
            ({"intercept": np.array([0, np.inf, 0, 0])}, "intercept holds values"),
            ({"coef": np.array(1.0)}, r"coef has the shape \(\), expected is \(4, n_features\)"),
            ({"coef": np.zeros((4, 200), bool)}, "coef is of type bool, expected is float64 or"),
            ({"coef": np.zeros((4, 200), np.int8)}, "coef is of type int8"),
            ({"coef": np.zeros((4, 200), np.float16)}, "coef is of type float16"),
            ({"n_components": np.array([1, np.nan, 2, 2])}, "n_components is of type float64"),
            ({"n_components": np.array([1, -1, 2, 2])}, "n_components holds -1"),
            ({"quality.test_r": np.arange(4)}, r"quality\['test_r'\] is of type int64"),
        ],
    )
    def test_arrays_are_read_strictly(self, models, tmp_path, arrays, message):
        path = tmp_path / "v4.neurons"
        models.save(path)
        self.rewrite(path, arrays=arrays)
        with pytest.raises(NeuronModelError, match=message):
            NeuronModels.load(path)

    @pytest.mark.parametrize("name", ["BF16", "F8_E4M3"])
    def test_types_that_numpy_lacks(self, models, tmp_path, name):
        path = tmp_path / "v4.neurons"
        models.save(path)
        self.rewrite(
            path, arrays={"coef": np.zeros((4, 200), np.int16 if name == "BF16" else np.int8)}
        )
        old = b'"dtype":"I16"' if name == "BF16" else b'"dtype":"I8"'
        new = f'"dtype":"{name}"'.encode()
        content = path.read_bytes()
        n_bytes = int.from_bytes(content[:8], "little")
        header = content[8 : 8 + n_bytes].replace(old, new)
        path.write_bytes(len(header).to_bytes(8, "little") + header + content[8 + n_bytes :])
        with pytest.raises(NeuronModelError, match=r"v4\.neurons cannot be"):
            NeuronModels.load(path)

    def test_what_cannot_be_written_leaves_the_old_file(self, models, tmp_path):
        path = tmp_path / "v4.neurons"
        path.mkdir()
        with pytest.raises(NeuronModelError, match="cannot be written"):
            models.save(path)
        assert list(tmp_path.iterdir()) == [path]

    @staticmethod
    def rewrite(path, *, change=(), arrays=()):
        """Write the file anew with some things changed."""
        content = path.read_bytes()
        n_bytes = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + n_bytes])
        metadata = header["__metadata__"]
        (key,) = metadata
        described = json.loads(metadata[key]) | dict(change)
        everything = load_file(path) | dict(arrays)
        kept = {name: array for name, array in everything.items() if array is not None}
        save_file(kept, path, {key: json.dumps(described)})


class TestUse:
    def test_features_of_another_layer_are_refused(self, models, recorded):
        x = recorded.features
        np.testing.assert_array_equal(models.predict(x, spec=SPEC), models.predict(x))
        other = replace(SPEC, layer="another")
        for use in (NeuronModels.predict, ablation_curves):
            with pytest.raises(NeuronModelError, match=r"read .*'layer'.*got .*'another'"):
                use(models, x, spec=other)

    def test_predictions_are_those_of_the_fit(self, models, recorded):
        fitted = fit_pls(recorded.features, recorded.responses, n_components=4)
        np.testing.assert_allclose(
            models.predict(recorded.features), fitted.predict(recorded.features), rtol=1e-10
        )

    def test_prediction_of_an_image_does_not_depend_on_others(self, models, recorded):
        together = models.predict(recorded.features)
        for row, features in zip(together, recorded.features, strict=True):
            np.testing.assert_array_equal(models.predict(features[None])[0], row)

    def test_number_of_features(self, models):
        with pytest.raises(NeuronModelError, match=r"read 200 features of 'layer'; got .*\(3, 7\)"):
            models.predict(np.zeros((3, 7)))

    def test_select(self, models, recorded):
        some = models.select(["d", "a"])
        assert some.unit_ids == ("d", "a")
        np.testing.assert_array_equal(
            some.predict(recorded.features), models.predict(recorded.features)[:, [3, 0]]
        )
        np.testing.assert_array_equal(some.quality["test_r"], [-0.125, 0.5])
        with pytest.raises(NeuronModelError, match="no model of 'e'; there are models of a, b"):
            models.select(["a", "e"])

    def test_another_network_is_refused(self, recorded):
        network = load_network("efficientnet_lite0", input_size_px=64)
        images = np.random.default_rng(0).integers(0, 256, (10, 30, 30, 3), dtype=np.uint8)
        reader = FeatureReader(network, "blocks.15", 1)
        features = reader.features(images)
        fitted = fit_pls(features, recorded.responses[:10], n_components=2)
        models = NeuronModels(
            ("a", "b", "c", "d"),
            fitted.coef,
            fitted.intercept,
            fitted.feature_mean,
            fitted.n_components,
            reader.spec,
        )
        np.testing.assert_array_equal(
            models.predict_images(images, network), models.predict(features)
        )
        other = load_network("efficientnet_lite0", input_size_px=96)
        with pytest.raises(NeuronModelError, match="input_size_px is 96, fitted was 64"):
            models.predict_images(images, other)


class TestAblation:
    @pytest.mark.parametrize("sign", ["positive", "negative"])
    @pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
    def test_raw_keeps_the_intercept_and_centered_the_mean(self, models, recorded, sign, strength):
        expected = ablate(models.coef, sign=sign, strength=strength).weights
        raw = models.ablate(sign, strength)
        centered = models.ablate(sign, strength, convention="centered")
        for changed in (raw, centered):
            np.testing.assert_array_equal(changed.coef, expected)
            assert changed.quality == {}
        np.testing.assert_array_equal(raw.intercept, models.intercept)
        np.testing.assert_allclose(centered.mean_rate_hz, models.mean_rate_hz, rtol=1e-12)
        # r = mean + w (x - x_mean), and r = b + w x, written out.
        x = recorded.features
        np.testing.assert_allclose(
            centered.predict(x),
            models.mean_rate_hz + (x - models.feature_mean) @ expected.T,
            rtol=1e-10,
        )
        np.testing.assert_allclose(raw.predict(x), models.intercept + x @ expected.T, rtol=1e-10)

    def test_of_features_of_one_sign_moves_the_raw_mean_only(self, models, recorded):
        x = recorded.features  # >= 0, as after a ReLU
        less = models.ablate("positive", 1.0).predict(x)
        assert (less < models.predict(x)).all()
        more = models.ablate("negative", 1.0).predict(x)
        assert (more > models.predict(x)).all()

    def test_twice_is_refused(self, models):
        with pytest.raises(NeuronModelError, match="ablated already"):
            models.ablate("positive", 0.5).ablate("negative", 0.5)

    def test_unknown_convention(self, models):
        with pytest.raises(ConfigError, match="raw, centered; got 'both'"):
            models.ablate("positive", 0.5, convention="both")

    def test_leaves_the_models_as_they_are(self, models):
        kept = replace(models, coef=models.coef.copy())
        models.ablate("positive", 0.7)
        assert_equal(models, kept)
        assert models.ablate("positive", 0.7).ablation == Ablation(
            Condition("positive", 0.7), "raw"
        )

    @pytest.mark.parametrize(
        ("condition", "written"),
        [
            (Condition("positive", 0.5), "positive"),
            (Condition("both", 1.0, "both_signs"), "both signs"),
            (Condition("negative", 0.5, "magnitude"), "random, magnitude of negative"),
        ],
    )
    def test_a_file_tells_what_was_removed(self, models, tmp_path, condition, written):
        ablated = both_signs(models.coef, strength=condition.strength)
        changed = models.with_weights(ablated, Ablation(condition, "centered"))
        changed.save(tmp_path / "a.neurons")
        assert_equal(NeuronModels.load(tmp_path / "a.neurons"), changed)
        assert read_model_file(tmp_path / "a.neurons")[1].ablation.sign == written

    @pytest.mark.parametrize("change", [{"sign": "shuffled"}, {"strength": 2.0}])
    def test_a_file_of_an_unknown_ablation_is_a_sentence(self, models, tmp_path, change):
        path = tmp_path / "a.neurons"
        models.ablate("positive", 0.5).save(path)
        arrays, described = read_model_file(path)
        ablation = described.ablation.model_copy(update=change)
        write_model_file(path, arrays, described.model_copy(update={"ablation": ablation}))
        with pytest.raises(NeuronModelError, match=r"cannot be used\. .* should be .*; got"):
            NeuronModels.load(path)


class TestCurves:
    def test_every_sign_strength_convention_and_control(self, models, recorded):
        points = ablation_curves(models, recorded.features, strengths=(0, 0.5, 1))
        kinds = {(point.sign, point.control, point.convention) for point in points}
        assert len(points) == 4 * 3 * len(kinds)
        assert kinds == {
            (sign, control, convention)
            for sign, control in [
                ("positive", ""),
                ("positive", "number"),
                ("positive", "magnitude"),
                ("negative", ""),
                ("negative", "number"),
                ("negative", "magnitude"),
                ("both", ""),
            ]
            for convention in ("raw", "centered")
        }

    def test_numbers_are_those_of_the_ablated_models(self, models, recorded):
        points = ablation_curves(models, recorded.features, strengths=(0.4,))
        intact = models.predict(recorded.features)
        for point in points:
            if point.control or point.sign == "both":
                continue
            unit = models.unit_ids.index(point.unit)
            ablated = ablate(models.coef, sign=point.sign, strength=0.4)
            changed = models.ablate(point.sign, 0.4, convention=point.convention)
            rates = changed.predict(recorded.features)[:, unit]
            assert point.mean_rate_hz == pytest.approx(rates.mean())
            best = intact[:, unit].argsort()[-6:]
            assert point.preferred_rate_hz == pytest.approx(rates[best].mean())
            assert point.r_intact == pytest.approx(np.corrcoef(rates, intact[:, unit])[0, 1])
            assert point.n_removed == ablated.n_removed[unit]
            assert point.realized_strength == ablated.realized_strength[unit]

    def test_strength_zero_changes_nothing_and_one_leaves_nothing_of_both(self, models, recorded):
        for point in ablation_curves(models, recorded.features, strengths=(0, 1)):
            if point.strength == 0:
                assert point.r_intact == pytest.approx(1)
                assert point.n_removed == 0
            elif point.sign == "both":
                assert np.isnan(point.r_intact)

    def test_controls_are_means_of_their_draws(self, models, recorded):
        def controls(**options):
            points = ablation_curves(models, recorded.features, strengths=(0.5,), **options)
            return np.array([point.preferred_rate_hz for point in points if point.control])

        single = np.array([controls(seed=seed, n_draws=1) for seed in range(12)])
        averaged = np.array([controls(seed=seed, n_draws=16) for seed in range(12)])
        assert averaged.std(axis=0).mean() < 0.5 * single.std(axis=0).mean()
        np.testing.assert_allclose(averaged.mean(axis=0), single.mean(axis=0), atol=1.0)
        with pytest.raises(ConfigError, match="n_draws should be at least 1; got 0"):
            controls(n_draws=0)

    def test_seed_decides_the_controls(self, models, recorded):
        one, again, other = (
            ablation_curves(models, recorded.features, strengths=(0.5,), seed=seed)
            for seed in (1, 1, 2)
        )
        assert one == again
        assert one != other
