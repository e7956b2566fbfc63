"""Networks of torch layers: against torchvision's own models, published counts and differences."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import models

from signseg_rig.errors import ConfigError, WeightsError, WeightsMissingError
from signseg_rig.networks import load_network

ROOT = Path(__file__).parents[3]
TORCHVISION = ("alexnet", "vgg11_bn", "vgg19", "resnet18", "resnet50")
SIZE_PX = 64


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(7).integers(0, 256, (3, SIZE_PX, SIZE_PX, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def resnet():
    return load_network("resnet18", random_seed=3, input_size_px=SIZE_PX)


def scores_of(network, images):
    weights, bias = network.readout
    return network.features(images) @ weights.T + bias


def saved_model(folder, kind, seed=5):
    """Save weights of torchvision's own model, drawn from a generator that is put back."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = models.get_model(kind, weights=None).eval()
    path = folder / f"{kind}.pth"
    torch.save(model.state_dict(), path)
    return model, path


@pytest.mark.parametrize("kind", TORCHVISION)
def test_weights_are_as_many_as_published(kind):
    network = load_network(kind, random_seed=0, input_size_px=SIZE_PX)
    # Biases and batch normalisation besides: count what the state holds, less running statistics.
    layers = network.weight_layers()
    published = models.get_model_weights(kind).IMAGENET1K_V1.meta["num_params"]
    own = models.get_model(kind, weights=None)
    others = sum(
        parameter.numel()
        for name, parameter in own.named_parameters()
        if name.removesuffix(".weight") not in layers
    )
    assert sum(layer.weights.size for layer in layers.values()) + others == published


@pytest.mark.parametrize("kind", ["alexnet", "resnet18"])
def test_scores_are_those_of_torchvisions_own_model(kind, tmp_path, images):
    model, path = saved_model(tmp_path, kind)
    network = load_network(kind, str(path), input_size_px=SIZE_PX)
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    inputs = ((images / 255 - mean) / deviation).transpose(0, 3, 1, 2).astype(np.float32)
    with torch.no_grad():
        expected = model(torch.from_numpy(inputs)).numpy()
    np.testing.assert_allclose(scores_of(network, images), expected, rtol=1e-3, atol=1e-4)


def test_layers_are_those_of_hooks_on_torchvisions_own_model(tmp_path, images):
    model, path = saved_model(tmp_path, "alexnet")
    network = load_network("alexnet", str(path), input_size_px=SIZE_PX)
    seen = {}
    for name in ("features.8", "classifier.5"):
        model.get_submodule(name).register_forward_hook(
            # A copy: the ReLU after a convolution changes its output in place.
            lambda _module, _inputs, output, name=name: seen.update({name: output.clone()})
        )
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    inputs = ((images / 255 - mean) / deviation).transpose(0, 3, 1, 2).astype(np.float32)
    with torch.no_grad():
        model(torch.from_numpy(inputs))
    for name, expected in seen.items():
        assert network.layer_shape(name) == tuple(expected.shape[1:])
        np.testing.assert_allclose(
            network.features(images, name), expected.flatten(1).numpy(), rtol=1e-3, atol=1e-5
        )


def test_images_are_scaled_as_pillow_does(resnet):
    image = np.random.default_rng(0).integers(0, 256, (150, 90, 3), dtype=np.uint8)
    scaled = Image.fromarray(image).resize((SIZE_PX, SIZE_PX), Image.Resampling.BICUBIC)
    direct = resnet.features(np.asarray(scaled)[None])
    # Pillow rounds to whole levels, which torch does not.
    assert np.corrcoef(resnet.features(image[None])[0], direct[0])[0, 1] > 0.999


@pytest.mark.parametrize("kind", ["resnet18", "resnet50", "robust_resnet50", "simsiam_resnet50"])
def test_tanh_is_not_for_weights_that_were_trained_with_relu(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("SIGNSEG_WEIGHTS", str(tmp_path))
    head = {"head_path": tmp_path / "head"} if kind == "simsiam_resnet50" else {}
    with pytest.raises(ConfigError, match=r"'tanh' needs weights of its own.*weights_path"):
        load_network(kind, activation="tanh", **head)
    drawn = load_network(kind, activation="tanh", random_seed=0, input_size_px=SIZE_PX)
    assert drawn.activation == "tanh"


def test_tanh_in_place_of_every_relu(tmp_path, images):
    model, path = saved_model(tmp_path, "resnet18")
    network = load_network("resnet18", str(path), input_size_px=SIZE_PX, activation="tanh")
    assert network.activation == "tanh"
    assert network.identity != load_network("resnet18", str(path), input_size_px=SIZE_PX).identity
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    inputs = ((images / 255 - mean) / deviation).transpose(0, 3, 1, 2).astype(np.float32)
    # ReLUs may be used twice by a block: found by type, not by name.
    for module in model.modules():
        if isinstance(module, models.resnet.BasicBlock | models.ResNet):
            module.relu = torch.nn.Tanh()
    with torch.no_grad():
        expected = model(torch.from_numpy(inputs)).numpy()
    np.testing.assert_allclose(scores_of(network, images), expected, rtol=1e-3, atol=1e-4)
    assert network.features(images, "stem").min() < 0


def test_robust_checkpoints_hold_the_network_twice(tmp_path, images):
    model, path = saved_model(tmp_path, "resnet50")
    state = model.state_dict()
    wrapped = {f"module.model.{key}": value for key, value in state.items()}
    wrapped |= {f"module.attacker.model.{key}": value + 1 for key, value in state.items()}
    wrapped["module.normalizer.new_mean"] = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    wrapped["module.normalizer.new_std"] = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    torch.save({"model": wrapped, "epoch": 3}, tmp_path / "robust.ckpt")
    network = load_network("robust_resnet50", str(tmp_path / "robust.ckpt"), input_size_px=SIZE_PX)
    plain = load_network("resnet50", str(path), input_size_px=SIZE_PX)
    assert np.array_equal(network.features(images), plain.features(images))
    wrapped["module.normalizer.new_std"] = torch.full((3, 1, 1), 0.5)
    torch.save({"model": wrapped}, tmp_path / "robust.ckpt")
    with pytest.raises(WeightsError, match=r"new_std \[0\.5, 0\.5, 0\.5\], expected is \[0\.229"):
        load_network("robust_resnet50", str(tmp_path / "robust.ckpt"))


def test_simsiam_is_a_backbone_and_a_head(tmp_path, images):
    model, path = saved_model(tmp_path, "resnet50")
    backbone = {
        f"module.encoder.{key}": value
        for key, value in model.state_dict().items()
        if not key.startswith("fc.")
    }
    backbone["module.encoder.fc.0.weight"] = backbone["module.predictor.0.weight"] = torch.ones(2)
    head = {f"module.fc.{key}": value for key, value in model.fc.state_dict().items()}
    torch.save({"state_dict": backbone}, tmp_path / "pretrain.pth.tar")
    torch.save({"state_dict": head}, tmp_path / "linear.pth.tar")
    network = load_network(
        "simsiam_resnet50",
        str(tmp_path / "pretrain.pth.tar"),
        input_size_px=SIZE_PX,
        head_path=str(tmp_path / "linear.pth.tar"),
    )
    plain = load_network("resnet50", str(path), input_size_px=SIZE_PX)
    assert np.array_equal(scores_of(network, images), scores_of(plain, images))
    with pytest.raises(ConfigError, match="head_path is missing"):
        load_network("simsiam_resnet50", str(path))
    torch.save({"classifier.weight": torch.ones(2)}, tmp_path / "linear.pth.tar")
    with pytest.raises(WeightsError, match=r"linear\.pth\.tar should .* has classifier\.weight\."):
        load_network(
            "simsiam_resnet50",
            str(tmp_path / "pretrain.pth.tar"),
            head_path=str(tmp_path / "linear.pth.tar"),
        )


def test_names_in_a_checkpoint_that_does_not_fit_are_shown(tmp_path):
    state = {f"net.conv{index}.weight": torch.ones(1) for index in range(5)}
    torch.save({"state_dict": state}, tmp_path / "other.ckpt")
    with pytest.raises(
        WeightsError,
        match=r"conv1\.weight is missing.*has net\.conv0\.weight; .*and 2 more\. It is",
    ):
        load_network("robust_resnet50", str(tmp_path / "other.ckpt"))


class Schedule:
    """An object that some checkpoints hold beside the weights."""


def test_objects_beside_the_weights_are_passed_over(tmp_path, images):
    """The Tanh network of the paper comes from such a file, whose classes are not here."""
    model, path = saved_model(tmp_path, "resnet18")
    state = {f"module.{key}": value for key, value in model.state_dict().items()}
    torch.save({"model": state, "schedule": Schedule(), "epoch": 89}, tmp_path / "trained.pth")
    plain, trained = (
        load_network("resnet18", str(file), input_size_px=SIZE_PX, activation="tanh")
        for file in (path, tmp_path / "trained.pth")
    )
    assert np.array_equal(scores_of(trained, images), scores_of(plain, images))


def test_another_models_file_is_refused_by_its_first_names(tmp_path):
    _, path = saved_model(tmp_path, "resnet18")
    with pytest.raises(WeightsError, match=r"features\.0\.weight is missing.*and \d+ more"):
        load_network("alexnet", str(path))


def test_missing_weights_say_what_to_run(monkeypatch, tmp_path):
    monkeypatch.setenv("SIGNSEG_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(WeightsMissingError, match=r"signseg-rig weights fetch resnet18"):
        load_network("resnet18")
    with pytest.raises(WeightsMissingError, match=r"weights fetch robust_resnet50"):
        load_network("robust_resnet50")


def test_random_weights_are_those_of_the_seed(resnet, images):
    again = load_network("resnet18", random_seed=3, input_size_px=SIZE_PX)
    other = load_network("resnet18", random_seed=4, input_size_px=SIZE_PX)
    assert np.array_equal(again.features(images), resnet.features(images))
    assert not np.array_equal(other.features(images), resnet.features(images))
    assert again.identity == resnet.identity != other.identity


def test_a_copy_has_other_weights_and_the_network_keeps_its_own(resnet, images):
    before, layers = scores_of(resnet, images), resnet.weight_layers()
    name = "layer2.0.conv1"
    changed = resnet.with_weights({name: np.zeros_like(layers[name].weights)})
    assert not changed.weight_layers()[name].weights.any()
    assert not np.array_equal(scores_of(changed, images), before)
    assert changed.identity != resnet.identity
    restored = changed.with_weights({name: layers[name].weights})
    assert np.array_equal(scores_of(restored, images), before)
    assert np.array_equal(scores_of(resnet, images), before)


def test_weights_that_are_given_out_are_copies(resnet, images):
    before = scores_of(resnet, images)
    for layer in resnet.weight_layers().values():
        layer.weights[...] = 0
    resnet.readout.weights[...] = 0
    assert np.array_equal(scores_of(resnet, images), before)


@pytest.mark.parametrize(
    ("name", "change", "match"),
    [
        ("nowhere", lambda weights: weights, "has no weights 'nowhere'; it has conv1"),
        ("fc", lambda weights: weights[:5], r"shape \(1000, 512\); got \(5, 512\)"),
        ("fc", lambda weights: weights * np.nan, "512000 values are not finite"),
    ],
)
def test_weights_that_do_not_fit_are_refused(resnet, name, change, match):
    with pytest.raises(ConfigError, match=match):
        resnet.with_weights({name: change(resnet.readout.weights)})


def test_contributions_to_the_readout_are_weight_times_mean_activation(resnet, images):
    unit = resnet.unit_names[11]
    contributions = resnet.contributions(images, "fc", unit)
    expected = resnet.readout.weights[11] * resnet.features(images).mean(axis=0)
    np.testing.assert_allclose(contributions[11], expected, rtol=1e-4, atol=1e-7)
    assert not np.delete(contributions, 11, axis=0).any()


def test_contributions_of_hidden_weights_are_what_scaling_them_changes(resnet, images):
    """With ReLUs the score is linear in a weight as long as no activation changes its sign."""
    name, unit = "layer3.0.conv2", resnet.unit_names[11]
    contributions = resnet.contributions(images, name, unit)
    weights, step = resnet.weight_layers()[name].weights, 0.01
    largest = np.argsort(-np.abs(contributions), axis=None)[:5]
    for index in (np.unravel_index(flat, weights.shape) for flat in largest):
        more, less = weights.copy(), weights.copy()
        more[index] *= 1 + step
        less[index] *= 1 - step
        scores = [
            scores_of(resnet.with_weights({name: changed}), images)[:, 11].mean()
            for changed in (more, less)
        ]
        assert (scores[0] - scores[1]) / (2 * step) == pytest.approx(contributions[index], rel=0.1)


def test_contributions_need_a_unit_a_layer_and_images(resnet, images):
    with pytest.raises(ConfigError, match="no unit 'nobody'"):
        resnet.contributions(images, "fc", "nobody")
    with pytest.raises(ConfigError, match="no weights 'nowhere'"):
        resnet.contributions(images, "nowhere", "tench")
    with pytest.raises(ConfigError, match="got none"):
        resnet.contributions(images[:0], "fc", "tench")


def test_a_layer_that_does_not_exist(resnet, images):
    with pytest.raises(ConfigError, match="no layer 'layer9'; it has stem, maxpool"):
        resnet.features(images, "layer9")
    with pytest.raises(ConfigError, match="no layer 'layer9'"):
        resnet.layer_shape("layer9")


@pytest.mark.parametrize(
    ("kind", "published"),
    [("efficientnet_lite0", 0.878), ("efficientnet_lite1", 0.895), ("efficientnet_lite2", 0.903)],
)
def test_photographs_are_told_apart(kind, published):
    """Of one photograph of every third class; upside down or in BGR it would be far fewer."""
    folder = Path(os.environ.get("SIGNSEG_TEST_DATA", ROOT.parent / "shared" / "data"))
    folder /= "imagenet_samples"
    if not folder.is_dir():
        pytest.skip(f"There are no photographs at {folder}; set SIGNSEG_TEST_DATA.")
    paths = sorted(folder.glob("*.jpg"))[::4]
    with (folder / "labels.csv").open(encoding="utf-8") as file:
        labels = {row["file"]: int(row["class_index"]) for row in csv.DictReader(file)}
    network = load_network(kind)
    images = np.stack([np.asarray(Image.open(path).convert("RGB")) for path in paths])
    found = scores_of(network, images).argmax(axis=1)
    top1 = np.mean(found == [labels[path.name] for path in paths])
    # Two standard errors of a share of 84.
    assert top1 == pytest.approx(published, abs=0.07)


def test_preprocessing_is_part_of_a_networks_identity() -> None:
    """Features are kept under it: another mean or deviation would give others."""
    lite, alex = (load_network(kind, random_seed=0) for kind in ("efficientnet_lite0", "alexnet"))
    assert lite.identity["preprocessing"] == (
        "bicubic, antialiased, clipped; less 127, 127, 127; by 128, 128, 128"
    )
    assert alex.identity["preprocessing"] != lite.identity["preprocessing"]
