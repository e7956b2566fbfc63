"""SqueezeNet 1.1: against the package that carries its weights, in NumPy, and on photographs."""

from __future__ import annotations

import csv
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from signseg_rig.errors import WeightsError
from signseg_rig.networks import load_network

ROOT = Path(__file__).parents[3]
SIZE_PX = 67


@pytest.fixture(scope="module")
def network():
    return load_network("squeezenet1_1", input_size_px=SIZE_PX)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(7).integers(0, 256, (2, SIZE_PX, SIZE_PX, 3), dtype=np.uint8)


def scores_of(network, images):
    weights, bias = network.readout
    return network.features(images) @ weights.T + bias


def scores_by_numpy(images):
    """Compute what the network says from the package's own file: its names, its order of axes.

    Caffe's way: convolutions of stride 2 are not padded, and pools take what is left at the edge.
    """
    from importlib.metadata import distribution

    file = distribution("ndf").locate_file("ndf/example_models/weights/squeezenet_weights.pkl")
    weights = pickle.loads(Path(file).read_bytes())

    def convolved(values, name, stride=1, padding=0):
        kernel, bias = weights[name]
        values = np.pad(values, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
        size = kernel.shape[0]
        windows = np.lib.stride_tricks.sliding_window_view(values, (size, size), axis=(1, 2))
        return np.einsum("nhwcij,ijco->nhwo", windows[:, ::stride, ::stride], kernel) + bias

    def pooled(values):
        n_left = [(-(n - 3)) % 2 for n in values.shape[1:3]]
        widths = ((0, 0), (0, n_left[0]), (0, n_left[1]), (0, 0))
        values = np.pad(values, widths, constant_values=-np.inf)
        windows = np.lib.stride_tricks.sliding_window_view(values, (3, 3), axis=(1, 2))
        return windows[:, ::2, ::2].max(axis=(4, 5))

    def fire(values, name):
        squeezed = np.maximum(convolved(values, f"{name}/squeeze1x1"), 0)
        one = convolved(squeezed, f"{name}/expand1x1")
        three = convolved(squeezed, f"{name}/expand3x3", padding=1)
        return np.maximum(np.concatenate([one, three], axis=3), 0)

    values = images[..., ::-1].astype(np.float32) - np.float32([103.939, 116.779, 123.68])
    values = pooled(np.maximum(convolved(values, "conv1", stride=2), 0))
    for number in range(2, 10):
        values = fire(values, f"fire{number}")
        values = pooled(values) if number in (3, 5) else values
    # The readout at each place of the image, and the average of what it says afterwards.
    return convolved(values, "conv10").mean(axis=(1, 2))


def test_scores_are_those_of_the_packages_weights_in_numpy(network, images):
    expected = scores_by_numpy(images)
    np.testing.assert_allclose(scores_of(network, images), expected, rtol=1e-3, atol=1e-3)
    contributions = network.contributions(images, network.head_name, "wig")
    row = list(network.unit_names).index("wig")
    total = contributions[row].sum() + network.readout.bias[row]
    np.testing.assert_allclose(total, expected[:, row].mean(), rtol=1e-3, atol=1e-3)


def test_every_layer_is_rectified_and_the_readout_dense(network, images):
    for layer in network.layer_names:
        assert network.features(images, layer).min() >= 0
    weights, bias = network.readout
    assert weights.shape == (1000, 512)
    assert bias.shape == (1000,)
    assert np.mean(weights > 0) == pytest.approx(0.548, abs=5e-4)
    assert network.weight_layers()[network.head_name].weights.shape == (1000, 512)


def test_files_of_other_networks_are_refused(tmp_path):
    path = tmp_path / "own.pkl"
    kernel, bias = np.ones((1, 1, 512, 1000), np.float32), np.ones(1000, np.float32)
    for content, said in (
        ({"conv10": [kernel]}, "'conv10' has .* It is the weight file of another model"),
        ({"conv10": [kernel, bias]}, r"does not fit SqueezeNet: features\.0\.weight is missing"),
    ):
        path.write_bytes(pickle.dumps(content, 3))
        with pytest.raises(WeightsError, match=said):
            load_network("squeezenet1_1", str(path))


def test_it_recognises_photographs():
    data = Path(os.environ.get("SIGNSEG_TEST_DATA", ROOT.parent / "shared" / "data"))
    folder = data / "imagenet_samples"
    if not folder.is_dir():
        pytest.skip(f"There are no photographs at {folder}; SIGNSEG_TEST_DATA names a folder.")
    with (folder / "labels.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[::9]
    pictures = np.stack([np.asarray(Image.open(folder / row["file"])) for row in rows])
    scores = scores_of(load_network("squeezenet1_1"), pictures)
    hits = scores.argmax(axis=1) == [int(row["class_index"]) for row in rows]
    # Of all 334 it names 0.66; of these 38, by chance alone, 0.001.
    assert hits.mean() > 0.5
