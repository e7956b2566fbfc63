"""Ablated units of a network with a planted object and background: what each ablation removes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from signseg_rig.errors import ConfigError, DataSetError, NeuronModelError
from signseg_rig.interfaces import Generator
from signseg_rig.networks import HiddenLayer, ablate_hidden
from signseg_rig.networks.torch_network import TorchNetwork
from signseg_rig.neurons import FeatureReader, FeatureSigns, NeuronModels
from signseg_rig.optimizers import make_optimizer
from signseg_rig.search import Search, evolve_together
from signseg_rig.settings import Settings
from signseg_rig.sweeps import Condition, SweepSettings, Task
from signseg_rig.sweeps.units import HiddenUnits, ReadoutUnits
from signseg_rig.torch_models import ModelSettings
from signseg_rig.values import FloatArray, ImageArray

SIZE_PX = 8
OBJECT = np.zeros((SIZE_PX, SIZE_PX), dtype=bool)
OBJECT[2:6, 2:6] = True
UNIT, OTHER = "tench", "goldfish"


class PlantedNetwork(TorchNetwork):
    """Sees how bright object and background are; a unit likes the one and dislikes the other.

    The weights of the hidden layer ``mixed`` are all positive: that the background is disliked is
    known from the readout only.
    """

    name = "planted"
    head_name = "head"
    activation = "relu"
    level_mean = (0.0, 0.0, 0.0)
    level_deviation = (255.0, 255.0, 255.0)

    class Config(ModelSettings):
        input_size_px: int = SIZE_PX

    def _build(self) -> nn.Module:
        model = nn.Sequential()
        model.add_module("masks", nn.Conv2d(3, 2, SIZE_PX, bias=False))
        model.add_module("flat", nn.Flatten())
        model.add_module("mixed", nn.Linear(2, 4, bias=False))
        model.add_module("relu", nn.ReLU())
        model.add_module("head", nn.Linear(4, 1000))
        masks = np.stack([OBJECT / OBJECT.sum(), ~OBJECT / (~OBJECT).sum()])
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.zero_()
            weights: Any = dict(model.named_parameters())
            weights["masks.weight"].copy_(torch.from_numpy(masks)[:, None].expand(-1, 3, -1, -1))
            weights["mixed.weight"].copy_(torch.tensor([[1, 0], [0, 1], [0.5, 0], [0, 0.25]]))
            weights["head.weight"][0] = torch.tensor([2.0, -2.0, 1.0, -1.0])
            weights["head.bias"][0] = 0.5
        return model

    def _staged(self, model: nn.Module) -> dict[str, nn.Module]:
        stages = list(model.children())
        return {"masks": nn.Sequential(*stages[:2]), "mixed": nn.Sequential(*stages[2:4])}


class TwoPatches(Generator):
    """Draws an object and a background of two brightnesses."""

    name = "two_patches"
    Config = Settings
    n_dims = 2
    image_size_px = SIZE_PX

    def render(self, codes: FloatArray) -> ImageArray:
        levels = np.round(255 / (1 + np.exp(-codes))).astype(np.uint8)
        gray = np.where(OBJECT, levels[:, :1, None], levels[:, 1:, None])
        return np.repeat(gray[..., None], 3, axis=-1)


@pytest.fixture(scope="module")
def network() -> PlantedNetwork:
    return PlantedNetwork(PlantedNetwork.Config(random_seed=0))


@pytest.fixture
def settings(tmp_path) -> SweepSettings:
    folder = tmp_path / "judged"
    folder.mkdir()
    rng = np.random.default_rng(3)
    for index, size_px in enumerate((8, 8, 16)):
        pixels = rng.integers(60, 200, (size_px, size_px, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return SweepSettings.model_validate(
        {
            "name": "planted",
            "seed": 4,
            "units": [UNIT],
            "network": {"kind": "efficientnet_lite0"},
            "generator": {"kind": "dcgan_faces"},
            "optimizer": {"kind": "cma_es"},
            "hidden": {"layer": "mixed", "images": folder},
        }
    )


def whole_layer(settings: SweepSettings) -> SweepSettings:
    assert settings.hidden is not None
    return settings.model_copy(
        update={"hidden": settings.hidden.model_copy(update={"scope": "matrix"})}
    )


def task(sign: str = "intact", strength: float = 0.0, control: str = "", repeat: int = 0) -> Task:
    condition = Condition(sign, strength, control)  # type: ignore[arg-type]
    return Task(UNIT, condition, repeat, f"{sign} {strength} {control} {repeat}")


def mean_contributions(network: PlantedNetwork, settings: SweepSettings) -> FloatArray:
    assert settings.hidden is not None
    images = [np.asarray(Image.open(path)) for path in sorted(settings.hidden.images.iterdir())]
    each = [network.contributions(image[None], "mixed", UNIT) for image in images]
    return np.mean(each, axis=0)


def brightness(lesioned) -> tuple[float, float]:
    """Evolve the preferred image; how bright object and background became, from 0 to 1."""
    optimizer = make_optimizer("cma_es", n_dims=2, seed=1, n_codes=12)
    search = Search(optimizer, lesioned.unit)
    (evolution,) = evolve_together(TwoPatches(), lesioned.see, [search], 30)
    image = evolution.best_image[..., 0] / 255
    return float(image[OBJECT].mean()), float(image[~OBJECT].mean())


@pytest.mark.parametrize("kind", [ReadoutUnits, HiddenUnits])
def test_ablation_removes_what_its_sign_holds(kind, network, settings):
    tasks = [task(), task("positive", 1.0), task("negative", 1.0)]
    units = kind(settings, network)
    intact, without_positive, without_negative = units.lesion(tasks)
    assert brightness(intact) == (1, 0)
    # The object is no longer wanted: it says nothing, whatever its brightness.
    rng = np.random.default_rng(0)
    images = TwoPatches().render(rng.normal(0, 3, (20, 2)))
    object_level, ground_level = images[:, 4, 4, 0] / 255, images[:, 0, 0, 0] / 255
    answers = without_positive.unit(without_positive.see(images))
    assert answers == pytest.approx(0.5 - 3 * 2.25 * ground_level, abs=1e-5)
    assert brightness(without_positive)[1] == 0
    answers = without_negative.unit(without_negative.see(images))
    assert answers == pytest.approx(0.5 + 3 * 2.5 * object_level, abs=1e-5)
    assert brightness(without_negative)[0] == 1
    for lesioned in (without_positive, without_negative):
        assert lesioned.n_removed == 2
        assert lesioned.realized_strength == 1
    # Taken from the image that the lesioned unit wants, whatever it wants.
    white = np.full((SIZE_PX, SIZE_PX, 3), 255, dtype=np.uint8)
    assert units.intact_response(UNIT, white) == pytest.approx(0.5 + 3 * (2.5 - 2.25), abs=1e-5)


def test_hidden_connections_are_judged_by_contribution(network, settings):
    images = np.random.default_rng(3).integers(60, 200, (5, 8, 8, 3), dtype=np.uint8)
    contributions = network.contributions(images, "mixed", UNIT)
    layer = network.weight_layers()["mixed"].weights
    assert (layer >= 0).all()
    assert np.sign(contributions).tolist() == [[1, 0], [0, -1], [1, 0], [0, -1]]
    for sign, kept in (("positive", [[0, 0], [0, 1], [0, 0], [0, 0.25]]), ("negative", None)):
        lesioned, ablated = ablate_hidden(network, "mixed", contributions, sign=sign, strength=1)
        left = lesioned.weight_layers()["mixed"].weights
        expected = kept if kept is not None else [[1, 0], [0, 0], [0.5, 0], [0, 0]]
        assert left.tolist() == ablated.weights.tolist() == expected
    assert np.array_equal(network.weight_layers()["mixed"].weights, layer)


def test_the_whole_layer_is_taken_by_degrees(network, settings):
    units = HiddenUnits(whole_layer(settings), network)
    # The connection of weight 1 makes up 2 / 2.5 of what drives the unit.
    for strength, n_removed, share in ((0.5, 1, 0.8), (0.79, 1, 0.8), (0.81, 2, 1), (1, 2, 1)):
        (lesioned,) = units.lesion([task("positive", strength)])
        assert lesioned.n_removed == n_removed
        assert lesioned.realized_strength == pytest.approx(share)


def test_hidden_layer_with_nothing_of_a_sign(network, settings):
    settings = settings.model_copy(update={"units": (OTHER,)})
    condition = Condition("positive", 1.0)
    (lesioned,) = HiddenUnits(settings, network).lesion([Task(OTHER, condition, 0, "")])
    assert lesioned.n_removed == 0
    assert np.isnan(lesioned.realized_strength)


def test_units_that_see_alike_share_what_they_see(network, settings):
    tasks = [task(repeat=0), task(repeat=1), task("positive", 0.5), task("positive", 0.5, repeat=1)]
    seen = [one.see for one in HiddenUnits(settings, network).lesion(tasks)]
    assert seen[0] == seen[1] != seen[2] == seen[3]
    seen = [one.see for one in ReadoutUnits(settings, network).lesion(tasks)]
    assert len(set(seen)) == 1


@pytest.mark.parametrize("kind", [ReadoutUnits, HiddenUnits])
def test_controls_are_as_many_and_drawn_anew_in_each_repeat(kind, network, settings):
    # Each channel of the hidden layer has one connection that is not 0: nothing to choose from.
    units = kind(whole_layer(settings), network)
    tasks = [task("positive", 0.5), *(task("positive", 0.5, "number", n) for n in range(12))]
    removed, *controls = units.lesion(tasks)
    assert {one.n_removed for one in controls} == {removed.n_removed}
    images = np.random.default_rng(0).integers(1, 256, (1, 8, 8, 3), dtype=np.uint8)
    answers = {round(float(one.unit(one.see(images))[0]), 6) for one in controls}
    assert len(answers) > 1
    again = units.lesion(tasks)[1:]
    assert [one.unit(one.see(images))[0] for one in again] == [
        one.unit(one.see(images))[0] for one in controls
    ]


@pytest.mark.parametrize("kind", [ReadoutUnits, HiddenUnits])
def test_control_of_both_signs(kind, network, settings):
    tasks = [task("both", 1.0, "both_signs", repeat=repeat) for repeat in (0, 1)]
    first, second = kind(settings, network).lesion(tasks)
    assert first.see == second.see
    assert first.n_removed == 4
    assert first.realized_strength == 1
    images = np.random.default_rng(0).integers(1, 256, (3, 8, 8, 3), dtype=np.uint8)
    assert first.unit(first.see(images)).tolist() == [0.5] * 3


def test_both_signs_of_a_hidden_layer_are_judged_by_contribution(network, settings):
    units = HiddenUnits(whole_layer(settings), network)
    # The larger connection of the two that drive the unit, and of the two that hold it back.
    (lesioned,) = units.lesion([task("both", 0.5, "both_signs")])
    assert lesioned.n_removed == 2
    white = np.full((1, SIZE_PX, SIZE_PX, 3), 255, dtype=np.uint8)
    assert lesioned.unit(lesioned.see(white)) == pytest.approx(0.5 + 3 * (0.5 - 0.25), abs=1e-5)


def test_control_of_a_hidden_layer_removes_as_much_contribution(network, settings):
    # Weights from 1 to 8, of which the smallest contribute the most, as the readout has it.
    head = np.zeros((1000, 4))
    head[0] = [50, -8, 2, -0.5]
    network = network.with_weights({"mixed": np.arange(1.0, 9).reshape(4, 2), "head": head})
    by = np.abs(HiddenLayer(network, "mixed").as_rows(mean_contributions(network, settings)))
    units = HiddenUnits(whole_layer(settings), network)
    half_the_largest = by.max() / by.sum() / 2
    for sign in ("positive", "negative"):
        (removed,) = units.lesion([task(sign, 0.7)])
        share = removed.realized_strength * by[head[0] > 0 if sign == "positive" else head[0] < 0]
        wanted = share.sum() / by.sum()
        controls = units.lesion([task(sign, 0.7, "magnitude", n) for n in range(20)])
        for one in controls:
            assert abs(one.realized_strength - wanted) <= half_the_largest + 1e-6


def test_what_does_not_exist_is_named(network, settings, tmp_path):
    with pytest.raises(ConfigError, match="no unit 'unicorn' among the 1000"):
        ReadoutUnits(settings.model_copy(update={"units": ("unicorn",)}), network)
    wrong = settings.hidden.model_copy(update={"layer": "mixd"})
    with pytest.raises(ConfigError, match=r"hidden layer 'mixd'\. It has masks, mixed\."):
        HiddenUnits(settings.model_copy(update={"hidden": wrong}), network)
    nowhere = settings.hidden.model_copy(update={"images": tmp_path / "nowhere"})
    with pytest.raises(DataSetError, match="it is not there"):
        HiddenUnits(settings.model_copy(update={"hidden": nowhere}), network)
    with pytest.raises(ConfigError, match=r"should have the shape of its weights, \(4, 2\)"):
        ablate_hidden(network, "mixed", np.zeros((2, 4)), sign="positive", strength=1)


def test_the_readout_is_no_hidden_layer(network, settings):
    wrong = settings.hidden.model_copy(update={"layer": "head"})
    expected = r"'head' is the readout .* Leave \[hidden\] out .* or name one of masks, mixed"
    with pytest.raises(ConfigError, match=expected):
        HiddenUnits(settings.model_copy(update={"hidden": wrong}), network)
    contributions = network.contributions(np.zeros((1, 8, 8, 3), np.uint8), "head", UNIT)
    with pytest.raises(ConfigError, match=expected):
        ablate_hidden(network, "head", contributions, sign="positive", strength=1)


def models_of(network: PlantedNetwork) -> NeuronModels:
    """Give one neuron that reads what the readout reads."""
    return NeuronModels(
        unit_ids=("v4",),
        coef=np.array([[2.0, -2.0, 1.0, -1.0]]),
        intercept=np.array([5.0]),
        feature_mean=np.array([0.5, 0.5, 0.25, 0.25]),
        n_components=np.array([1]),
        features=FeatureReader(network).spec,
        signs=FeatureSigns(is_rectified=True, negative_share=0.0),
    )


def test_neuron_models_keep_their_intercept(network, settings, tmp_path):
    models = models_of(network)
    models.save(tmp_path / "v4.neurons")
    settings = settings.model_copy(
        update={"neurons": tmp_path / "v4.neurons", "units": ("v4",), "hidden": None}
    )
    images = np.random.default_rng(0).integers(0, 256, (4, SIZE_PX, SIZE_PX, 3), dtype=np.uint8)
    (lesioned,) = ReadoutUnits(settings, network).lesion(
        [Task("v4", Condition("positive", 0.5), 0, "")]
    )
    answers = lesioned.unit(lesioned.see(images))
    assert settings.convention == "raw"
    ablated = models.ablate("positive", 0.5, convention=settings.convention)
    np.testing.assert_allclose(answers, ablated.predict_images(images, network)[:, 0])


@pytest.mark.parametrize(
    ("signs", "message"),
    [
        (FeatureSigns(False, 0.5), r"v4\.neurons, models which read .*arbitrary: 50\.0%"),
        (None, r"v4\.neurons, models which read .*cannot be told|cannot be told .*v4\.neurons"),
    ],
)
def test_neuron_models_of_signed_features_are_asked_for(
    network, settings, tmp_path, signs, message
):
    path = tmp_path / "v4.neurons"
    replace(models_of(network), signs=signs).save(path)
    settings = settings.model_copy(update={"neurons": path, "units": ("v4",), "hidden": None})
    with pytest.raises(NeuronModelError, match=message):
        ReadoutUnits(settings, network)
    asked = settings.model_copy(update={"signed_features_anyway": True})
    (lesioned,) = ReadoutUnits(asked, network).lesion(
        [Task("v4", Condition("positive", 1.0), 0, "")]
    )
    assert lesioned.n_removed == 2


def test_neuron_models_see_no_negative_feature_unawares(network, settings, tmp_path, monkeypatch):
    path = tmp_path / "v4.neurons"
    replace(models_of(network), signs=FeatureSigns(False, 0.0)).save(path)
    settings = settings.model_copy(update={"neurons": path, "units": ("v4",), "hidden": None})
    monkeypatch.setattr(network, "is_rectified", lambda _layer=None: False)
    units = ReadoutUnits(settings, network)
    images = np.full((2, SIZE_PX, SIZE_PX, 3), 128, dtype=np.uint8)
    (lesioned,) = units.lesion([Task("v4", Condition("positive", 1.0), 0, "")])
    assert np.isfinite(lesioned.unit(lesioned.see(images))).all()
    seen = network.features
    monkeypatch.setattr(network, "features", lambda *given: seen(*given) - 1)
    with pytest.raises(NeuronModelError, match="below 0 for 2 of 2 images"):
        lesioned.see(images)


def test_neuron_models_that_are_ablated_already(network, settings, tmp_path):
    path = tmp_path / "ablated.neurons"
    models_of(network).ablate("positive", 0.7, convention="centered").save(path)
    settings = settings.model_copy(update={"neurons": path, "units": ("v4",), "hidden": None})
    expected = r"ablated\.neurons .*ablated already .*strength=0\.7.* Name the file of"
    with pytest.raises(NeuronModelError, match=expected):
        ReadoutUnits(settings, network)


def test_contributions_of_another_shape_are_refused_in_sweeps_too(network, settings, monkeypatch):
    monkeypatch.setattr(network, "contributions", lambda *_args: np.zeros((2, 4)))
    with pytest.raises(ConfigError, match=r"should have the shape of its weights, \(4, 2\)"):
        HiddenUnits(settings, network).lesion([task("positive", 0.5)])


def test_a_network_with_activations_that_are_not_finite_says_so(network, settings):
    weights = network.weight_layers()["masks"].weights
    broken = network.with_weights({"masks": weights * np.float32(3e38)})
    (lesioned,) = ReadoutUnits(settings, broken).lesion([task()])
    with pytest.raises(ConfigError, match="12 that are not finite"):
        brightness(lesioned)
