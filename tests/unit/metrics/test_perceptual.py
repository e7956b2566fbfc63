import shutil
from dataclasses import replace

import numpy as np
import pytest

from signseg_rig.errors import ConfigError, WeightsError, WeightsMissingError
from signseg_rig.interfaces import MetricContext
from signseg_rig.metrics.perceptual import TORCHVISION_NAMES, Lpips, LpipsSettings
from signseg_rig.weights import CATALOGUE, file_sha256, find_entry


@pytest.fixture(scope="module")
def trunk_file(untrained):
    return untrained("alexnet")


@pytest.fixture(scope="module")
def metric(trunk_file):
    return Lpips(LpipsSettings(weights_path=trunk_file))


@pytest.fixture
def official(trunk_file, monkeypatch):
    """The lpips package by its own means, with the trunk that torchvision would download."""
    import lpips
    import torch
    import torchvision

    alexnet = torchvision.models.alexnet(weights=None)
    alexnet.load_state_dict(torch.load(trunk_file, weights_only=True), strict=False)
    monkeypatch.setattr("torchvision.models.alexnet", lambda **_: alexnet)
    return lpips.LPIPS(net="alex", verbose=False)


def distance(official, a, b):
    import torch

    x, y = (torch.from_numpy(one.transpose(2, 0, 1)[None].copy()).float() / 255 for one in (a, b))
    with torch.inference_mode():
        return float(official(x, y, normalize=True))


def test_distances_are_those_of_the_package(metric, official, random_images):
    images, reference = random_images(2), random_images(3)
    reference[0] = images[0] // 2
    values = metric.measure(images, reference, MetricContext())
    pairs = [distance(official, a, b) for a in images for b in reference]
    assert values["across"] == pytest.approx(np.mean(pairs), rel=1e-4)
    assert values["within"] == pytest.approx(distance(official, *images), rel=1e-4)
    inner = [distance(official, reference[i], reference[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert values["within_intact"] == pytest.approx(np.mean(inner), rel=1e-4)
    assert values["n_pairs"] == 6


def test_distances_are_a_symmetric_table_with_zeros(metric, random_images):
    images = random_images(3, 48)
    images[2] = images[0]
    distances = metric.distances(images)
    assert np.array_equal(distances, distances.T)
    assert not distances.diagonal().any()
    assert distances[0, 2] == pytest.approx(0, abs=1e-6)
    assert distances[0, 1] > 0.01


def test_one_image_has_no_distance_within(metric, random_images):
    values = metric.measure(random_images(1), random_images(2), MetricContext())
    assert np.isnan(values["within"])
    assert not np.isnan(values["within_intact"])


def test_missing_weights_are_missed_and_not_downloaded(tmp_path):
    settings = LpipsSettings(weights_path=tmp_path / "alexnet.pth")
    with pytest.raises(WeightsMissingError, match="no file at"):
        Lpips(settings)
    (problem,) = Lpips.problems(settings)
    assert "LPIPS needs the weights of its trunk" in problem
    assert "signseg-rig weights fetch alexnet" in problem


def test_weights_of_the_trunk_are_found_where_those_of_networks_are(
    trunk_file, tmp_path, monkeypatch
):
    monkeypatch.setenv("SIGNSEG_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    with pytest.raises(WeightsMissingError, match="Weights for 'alexnet' are missing"):
        Lpips(LpipsSettings())
    (tmp_path / "weights").mkdir()
    shutil.copy(trunk_file, tmp_path / "weights" / find_entry("alexnet").file_name)
    with pytest.raises(WeightsError, match="is not the weight file of 'alexnet'"):
        Lpips(LpipsSettings())
    sha256 = file_sha256(trunk_file)
    monkeypatch.setitem(CATALOGUE, "alexnet", replace(find_entry("alexnet"), sha256=sha256))
    found, given = Lpips(LpipsSettings()), Lpips(LpipsSettings(weights_path=trunk_file))
    assert found.describe() == given.describe()


def test_every_trunk_can_be_fetched(tmp_path, monkeypatch):
    monkeypatch.setenv("SIGNSEG_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (problem,) = Lpips.problems(LpipsSettings(trunk="squeeze"))
    assert "signseg-rig weights fetch squeezenet1_1_torchvision" in problem


def test_weights_of_another_network_are_refused(trunk_file):
    with pytest.raises(WeightsError, match="does not fit squeezenet"):
        Lpips(LpipsSettings(weights_path=trunk_file, trunk="squeeze"))


@pytest.mark.parametrize("trunk", ["vgg", "squeeze"])
def test_other_trunks(trunk, untrained, random_images):
    metric = Lpips(
        LpipsSettings(
            weights_path=untrained(TORCHVISION_NAMES[trunk].removesuffix("_torchvision")),
            trunk=trunk,
        )
    )
    values = metric.measure(random_images(2, 32), random_images(1, 32), MetricContext())
    assert values["across"] > 0
    assert metric.describe()["trunk"] == trunk


def test_images_that_are_too_small_are_refused(metric, random_images):
    with pytest.raises(ConfigError, match="at least 32"):
        metric.measure(random_images(1, 31), random_images(1, 31), MetricContext())
