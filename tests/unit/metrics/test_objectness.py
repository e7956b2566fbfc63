import os
import subprocess
import sys

import numpy as np
import pytest

from signseg_rig.errors import ConfigError, WeightsError, WeightsMissingError
from signseg_rig.interfaces import MetricContext
from signseg_rig.metrics import block_scramble, phase_scramble, to_pixels, white_noise
from signseg_rig.metrics.objectness import Objectness, ObjectnessSettings
from signseg_rig.metrics.yolo import _quietly_imported, letterboxed
from signseg_rig.seeds import named_rng
from signseg_rig.values import array_sha256
from signseg_rig.weights import trust_file

SIZE_PX = 64


def untrained(name, *, gain=1.0):
    """A detector with random weights, whose scores depend on the image where the gain is high."""
    _quietly_imported("ultralytics.nn.tasks")
    import torch
    from ultralytics import YOLO

    with torch.random.fork_rng():
        torch.manual_seed(0)
        detector = YOLO(f"{name}.yaml")
    for module in detector.model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.weight.data *= gain
    return detector


@pytest.fixture(scope="module")
def shy_file(tmp_path_factory):
    """Finds nothing: its classes start at a confidence of 1e-5."""
    path = tmp_path_factory.mktemp("yolo") / "shy.pt"
    untrained("yolov8n").save(path)
    return path


@pytest.fixture(scope="module")
def bold_file(tmp_path_factory):
    """Finds something in every image, with a confidence of about a third."""
    path = tmp_path_factory.mktemp("yolo") / "bold.pt"
    detector = untrained("yolov8n", gain=2.5)
    for branch in detector.model.model[-1].cv3:
        branch[-1].bias.data[:] = -1.0
    detector.save(path)
    return path


def objectness(path, **settings):
    return Objectness(ObjectnessSettings(weights_path=path, input_size_px=SIZE_PX, **settings))


@pytest.fixture
def images(rng):
    blocks = np.kron(rng.integers(0, 256, (3, 8, 8, 3)), np.ones((1, 8, 8, 1)))
    return blocks.astype(np.uint8)


def test_a_detector_that_finds_nothing_gives_zero(shy_file, images):
    values = objectness(shy_file).measure(images, images, MetricContext())
    assert values.pop("n_images") == 3
    assert len(values) == 2 * 4
    assert set(values.values()) == {0.0}


def test_scores_are_those_of_ultralytics_own_prediction(bold_file, images):
    from ultralytics import YOLO

    metric = objectness(bold_file, min_score=0.01)
    wide = images[:, 10:50]
    for one in (images, wide):
        scores = metric.best_scores(one)
        assert np.ptp(scores) > 1e-4
        results = YOLO(bold_file).predict(
            [image[..., ::-1].copy() for image in one],  # it takes BGR
            imgsz=SIZE_PX,
            conf=0.01,
            rect=False,
            save=False,
            verbose=False,
            device="cpu",
        )
        expected = [float(result.boxes.conf.max()) for result in results]
        assert scores == pytest.approx(expected, abs=1e-4)


def test_score_is_the_mean_and_rate_the_share_of_what_is_detected(bold_file, images):
    scores = objectness(bold_file, min_score=0.01).best_scores(images)
    threshold = float(np.sort(scores)[1])
    values = objectness(bold_file, min_score=threshold - 1e-6).measure(
        images, images, MetricContext()
    )
    assert values["detection_rate"] == pytest.approx(2 / 3)
    assert values["score"] == pytest.approx(np.sort(scores)[1:].sum() / 3)


def test_controls_are_made_from_the_images_by_the_seed(bold_file, images):
    metric = objectness(bold_file, min_score=0.01, seed=3)
    values = metric.measure(images, images, MetricContext())
    for name, scramble in (
        ("white_noise", white_noise),
        ("phase_scrambled", phase_scramble),
        ("block_scrambled", block_scramble),
    ):
        control = np.concatenate(
            [
                to_pixels(scramble(one[None], named_rng(3, "objectness", name, array_sha256(one))))
                for one in images
            ]
        )
        assert values[f"score.{name}"] == metric.best_scores(control).mean()
        assert values[f"score.{name}"] != values["score"]
        assert values[f"detection_rate.{name}"] == 1.0
    other = objectness(bold_file, min_score=0.01, seed=4).measure(images, images, MetricContext())
    assert other["score"] == values["score"]
    assert other["score.white_noise"] != values["score.white_noise"]


def test_each_image_has_controls_of_its_own(bold_file, images):
    metric = objectness(bold_file, min_score=0.01)
    together = metric.measure(images, images, MetricContext())
    apart = [metric.measure(one[None], images, MetricContext()) for one in images]
    for name in ("white_noise", "phase_scrambled", "block_scrambled"):
        each = [one[f"score.{name}"] for one in apart]
        assert together[f"score.{name}"] == pytest.approx(np.mean(each))
    # Of one mean and deviation: only the noise itself can tell them apart.
    first, last = (np.roll(images[:1], shift, axis=1) for shift in (0, 1))
    noise = [metric._control("white_noise", one).astype(float).ravel() for one in (first, last)]
    assert abs(np.corrcoef(*noise)[0, 1]) < 0.1


def test_blur_takes_off_what_is_fine_from_images_and_controls(bold_file, images):
    sharp, blurred = (
        objectness(bold_file, min_score=0.01, blur_sigma_px=sigma) for sigma in (0, 100)
    )
    noise = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    flat = np.broadcast_to(
        noise.mean(axis=(1, 2), keepdims=True).round().astype(np.uint8), noise.shape
    )
    assert blurred.best_scores(noise) == pytest.approx(sharp.best_scores(flat), abs=0.01)
    one, other = (m.measure(images, images, MetricContext()) for m in (sharp, blurred))
    for name in ("score", "score.white_noise", "score.phase_scrambled", "score.block_scrambled"):
        assert one[name] != other[name]


def test_images_fit_into_the_square_of_the_detector():
    wide = np.full((1, 20, 40, 3), 200, np.uint8)
    (square,) = letterboxed(wide, 64)
    assert square.shape == (64, 64, 3)
    assert (square[16:48] == 200).all()
    assert (square[:16] == 114).all()
    assert (square[48:] == 114).all()


def test_tells_what_the_score_is(bold_file):
    description = objectness(bold_file, blur_sigma_px=1.5).describe()
    assert description["score"] == "best class confidence"
    assert description["blur_sigma_px"] == 1.5
    assert len(str(description["weights_sha256"])) == 64


def test_a_head_that_suppresses_by_itself(tmp_path, images):
    """YOLOv10 gives a list of its best boxes."""
    detector = untrained("yolov10n")
    head = detector.model.model[-1]
    head.end2end = True
    for branch in head.one2one_cv3:
        branch[-1].bias.data[:] = 1.0
    detector.save(tmp_path / "ten.pt")
    scores = objectness(tmp_path / "ten.pt").best_scores(images)
    assert scores == pytest.approx(np.full(3, 1 / (1 + np.exp(-1))), abs=0.01)


@pytest.fixture(scope="module")
def objectness_file(tmp_path_factory):
    """Boxes as YOLOv7 gives them; its objectness is how light the image is."""
    import torch

    class SevenLike(torch.nn.Module):
        def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
            boxes = torch.full((pixels.shape[0], 20, 7), 0.9)
            boxes[:, :, 4] = 0.1
            boxes[:, 3, 4] = pixels.mean(dim=(1, 2, 3))
            return boxes, [pixels]

    path = tmp_path_factory.mktemp("yolo") / "seven.torchscript"
    scripted(SevenLike(), path)
    return path


def scripted(module, path):
    import warnings

    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(module).save(str(path))


@pytest.fixture
def trusted(tmp_path, monkeypatch):
    """Trust files, on a list that is this test's own."""
    monkeypatch.setattr("platformdirs.user_config_path", lambda *_, **__: tmp_path / "config")
    return trust_file


def test_objectness_where_boxes_have_it(objectness_file, trusted):
    trusted(objectness_file)
    metric = objectness(objectness_file)
    images = np.stack([np.full((8, 8, 3), level, np.uint8) for level in (10, 102, 204)])
    assert metric.best_scores(images) == pytest.approx([0, 0.4, 0.8])
    assert metric.describe()["score"] == "objectness"


def test_a_program_is_not_run_unless_its_user_trusts_it(objectness_file, trusted, tmp_path):
    """An experiment file may come from where the program comes from."""
    settings = ObjectnessSettings(weights_path=objectness_file)
    for refused in (lambda: objectness(objectness_file), lambda: Objectness(settings)):
        with pytest.raises(ConfigError, match=r"a program that runs.*weights trust"):
            refused()
    assert "weights trust" in Objectness.problems(settings)[0]
    with pytest.raises(ValueError, match=r"trusts_torchscript is no setting any more.*stranger's"):
        ObjectnessSettings(weights_path=objectness_file, trusts_torchscript=True)
    trusted(objectness_file)
    assert Objectness.problems(settings) == []
    changed = tmp_path / "changed.torchscript"
    changed.write_bytes(objectness_file.read_bytes() + b".")
    assert "weights trust" in Objectness.problems(ObjectnessSettings(weights_path=changed))[0]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1.5, -0.1])
def test_what_is_no_score_is_refused(tmp_path, images, trusted, value):
    import torch

    class Broken(torch.nn.Module):
        def __init__(self, value: float) -> None:
            super().__init__()
            self.value = value

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return torch.full((pixels.shape[0], 20, 8), self.value)

    scripted(Broken(value), tmp_path / "broken.torchscript")
    trusted(tmp_path / "broken.torchscript")
    with pytest.raises(WeightsError, match=r"gives .* as objectness; a score is from 0 to 1"):
        objectness(tmp_path / "broken.torchscript").measure(images, images, None)


def test_boxes_of_another_layout_are_refused(tmp_path, images, trusted):
    import torch

    class EightLike(torch.nn.Module):
        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return torch.zeros(pixels.shape[0], 84, 2100)

    scripted(EightLike(), tmp_path / "eight.torchscript")
    trusted(tmp_path / "eight.torchscript")
    metric = objectness(tmp_path / "eight.torchscript")
    with pytest.raises(WeightsError, match="84, 2100"):
        metric.best_scores(images)


def test_missing_weights_are_missed_and_not_downloaded(tmp_path, monkeypatch):
    """`yolov8n.pt` is a name that ultralytics would fetch."""
    monkeypatch.chdir(tmp_path)
    settings = ObjectnessSettings(weights_path="yolov8n.pt")
    with pytest.raises(WeightsMissingError, match="no file at"):
        Objectness(settings)
    assert len(Objectness.problems(settings)) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["yolov8n.onnx", "yolov7.pth"])
def test_files_of_other_kinds_are_refused(name, tmp_path):
    (tmp_path / name).write_bytes(b"whatever")
    settings = ObjectnessSettings(weights_path=tmp_path / name)
    match = r"checkpoint of ultralytics \(\.pt\), or a TorchScript export of YOLOv5 or YOLOv7"
    with pytest.raises(WeightsError, match=match):
        Objectness(settings)
    assert len(Objectness.problems(settings)) == 1


class Harmful:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_pickled_code_is_not_run(tmp_path, shy_file):
    import torch

    content = torch.load(shy_file, weights_only=False)
    content["date"] = Harmful(tmp_path / "harm")
    torch.save(content, tmp_path / "harmful.pt")
    with pytest.raises(WeightsError, match=r"holds more than layers and weights.*TorchScript"):
        objectness(tmp_path / "harmful.pt")
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("name", ["broken.pt", "broken.torchscript"])
def test_damaged_files_are_refused(name, tmp_path, trusted):
    (tmp_path / name).write_bytes(b"not a detector")
    trusted(tmp_path / name)
    with pytest.raises(WeightsError, match=name):
        objectness(tmp_path / name)


def test_a_classifier_is_no_detector(tmp_path):
    untrained("yolov8n-cls").save(tmp_path / "classifier.pt")
    with pytest.raises(WeightsError, match="no detector"):
        objectness(tmp_path / "classifier.pt")


QUIET_USE = """
import os, socket, sys
import numpy as np, torch

def refuse(*arguments, **options):
    raise AssertionError(f"reached out: {arguments}")

socket.getaddrinfo = socket.socket.connect = refuse
from PIL import Image
save, open_image = torch.save, Image.open
import cv2  # has an environment of its own
expected = dict(os.environ)
from signseg_rig.metrics.objectness import Objectness, ObjectnessSettings
assert "ultralytics" not in sys.modules
metric = Objectness(ObjectnessSettings(weights_path=sys.argv[1], input_size_px=64))
images = np.zeros((1, 64, 64, 3), np.uint8)
metric.measure(images, images, None)
assert dict(os.environ) == expected, set(os.environ.items()) ^ set(expected.items())
assert torch.save is save
assert Image.open is open_image
assert repr(np.float64(1) / 3) == "np.float64(0.3333333333333333)"
assert str(np.array([1 / 3])) == "[0.33333333]"
"""


def test_ultralytics_reaches_nobody_and_leaves_nothing(shy_file, tmp_path):
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    places = dict.fromkeys(
        ("HOME", "USERPROFILE", "APPDATA", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"), str(home)
    )
    subprocess.run(
        [sys.executable, "-c", QUIET_USE, str(shy_file)],
        check=True,
        cwd=work,
        env=os.environ | places,
        timeout=100,
    )
    assert list(work.iterdir()) == []
    assert [path for path in home.rglob("*") if "ltralytics" in path.name] == []
