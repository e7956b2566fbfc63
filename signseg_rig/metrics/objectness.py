"""Whether a detector finds objects in images, and whether it would find them in noise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, model_validator
from scipy.ndimage import gaussian_filter

from signseg_rig.errors import RigError, WeightsError
from signseg_rig.interfaces import Metric, MetricContext
from signseg_rig.metrics import darknet
from signseg_rig.metrics.image_sets import checked_images
from signseg_rig.metrics.scrambles import block_scramble, phase_scramble, to_pixels, white_noise
from signseg_rig.metrics.yolo import letterboxed, load_detector, require_file
from signseg_rig.seeds import named_rng
from signseg_rig.settings import InputPath, Settings, without_setting
from signseg_rig.torch_models import DeviceSettings, compute_in_batches, require_device
from signseg_rig.values import FloatArray, ImageArray, array_sha256
from signseg_rig.weights import file_sha256, find_weights

Scramble = Callable[[ImageArray, np.random.Generator], FloatArray]
CONTROLS: dict[str, Scramble] = {
    "white_noise": white_noise,
    "phase_scrambled": phase_scramble,
    "block_scrambled": block_scramble,
}


INPUT_SIZE_PX = 640


class ObjectnessSettings(DeviceSettings):
    """Settings of ``kind = "objectness"``.

    `weights_path` is a checkpoint of an ultralytics detector (``.pt``: YOLOv8 and later, and its
    versions of v3 and v5), Darknet's weights of YOLOv3-tiny (``.weights``), or a TorchScript export
    (``.torchscript``) of YOLOv5 or YOLOv7 from their own repositories. Such an export is a program:
    it runs once you have said so with ``signseg-rig weights trust``. Other files are refused, among
    them the checkpoints of these repositories, whose loading would run what is in them. By default
    it is YOLOv3-tiny, in a package or in the weights folder.

    `min_score` is what a box needs to count as a detection (ultralytics' own default). Images are
    fitted into a square of `input_size_px` (a multiple of 32; by default 640, and 416 for
    YOLOv3-tiny, as each was trained). `blur_sigma_px`, in pixels of the
    images, takes off fine noise that fools detectors, from controls as well.
    """

    weights_name: ClassVar[str] = "yolov3_tiny"
    weights_path: InputPath | None = None
    min_score: float = Field(default=0.25, gt=0, lt=1)
    input_size_px: int | None = Field(default=None, ge=32, le=4096, multiple_of=32)
    blur_sigma_px: float = Field(default=0.0, ge=0, le=100)
    seed: int = Field(default=0, ge=0, lt=2**63)

    @model_validator(mode="before")
    @classmethod
    def _trusts_no_file(cls, table: object) -> object:
        why = (
            ", for an experiment file may be a stranger's: take the line out, and let a file run "
            "that you trust with 'signseg-rig weights trust FILE'"
        )
        return without_setting(table, "trusts_torchscript", default=False, why=why)


class Objectness(Metric):
    """Score of the best box that a YOLO detector finds in an image.

    ================== =====================================================================
    `score`            Mean over images of the best box's score, 0 where nothing is detected.
    `detection_rate`   Share of the images in which something is detected.
    `score.<control>`, The same of controls made from the images, which hold no objects:
    `detection_rate.…` ``white_noise``, ``phase_scrambled`` and ``block_scrambled``.
    `n_images`         How many images there are.
    ================== =====================================================================

    What the score is, objectness or the confidence in the best class, depends on the detector, and
    `describe` tells it. High frequencies fool detectors: a score is worth what it exceeds those of
    the controls by.

    Parameters
    ----------
    settings : ObjectnessSettings

    Raises
    ------
    WeightsMissingError
        There is no file at `weights_path`; nothing is downloaded.
    WeightsError
        The file is of another kind, or holds something else.
    ConfigError
        The file is a program and not trusted, or this machine has no such device.
    """

    Config: ClassVar[type[Settings]] = ObjectnessSettings
    required_packages = ("torch", "ultralytics")

    def __init__(self, settings: ObjectnessSettings) -> None:
        self._settings = settings
        self._device = require_device(settings.device)
        path = _detector_file(settings)
        self._detector = load_detector(path, self._device)
        self._input_size_px = settings.input_size_px or _trained_size_px(path)
        self._weights_sha256 = file_sha256(path)

    @classmethod
    def problems(cls, settings: Any) -> list[str]:
        """List what is missing, for `signseg-rig check`."""
        try:
            require_file(_detector_file(settings))
        except RigError as error:
            return [str(error)]
        return []

    def measure(
        self, images: ImageArray, reference: ImageArray, context: MetricContext
    ) -> dict[str, float]:
        """Measure images alone; see `Metric.measure`."""
        del reference, context
        images = checked_images(images)
        values = self._summary(images)
        for name in CONTROLS:
            control = self._summary(self._control(name, images))
            values |= {f"{key}.{name}": value for key, value in control.items()}
        return values | {"n_images": float(len(images))}

    def compares(self, value: str) -> bool:
        """Return False: images are measured alone; see `Metric.compares`."""
        del value
        return False

    def describe(self) -> dict[str, str | float]:
        """Return what the score is, the detector and the settings; see `Metric.describe`."""
        settings = self._settings
        return {
            "score": self._detector.score_name,
            "weights_sha256": self._weights_sha256,
            "min_score": settings.min_score,
            "input_size_px": self._input_size_px,
            "blur_sigma_px": settings.blur_sigma_px,
            "seed": settings.seed,
        }

    def best_scores(self, images: ImageArray) -> FloatArray:
        """Return the score of each image's best box.

        Parameters
        ----------
        images : (n, height, width, 3) uint8 array

        Returns
        -------
        scores : (n,) float array, in [0, 1]
            0 where no box reaches `min_score`.

        Raises
        ------
        WeightsError
            The detector gives something that is no score: NaN, or a number outside 0 to 1.
        """
        import torch

        settings = self._settings
        if settings.blur_sigma_px > 0:
            sigma = (0, settings.blur_sigma_px, settings.blur_sigma_px, 0)
            images = to_pixels(gaussian_filter(images.astype(float), sigma, mode="nearest"))
        squares = letterboxed(images, self._input_size_px)
        inputs = torch.from_numpy(squares.transpose(0, 3, 1, 2).copy())
        scores: FloatArray = compute_in_batches(
            lambda pixels: self._detector.best_scores(pixels.to(self._device).float() / 255),
            inputs,
            settings.batch_size,
        ).numpy()
        self._require_scores(scores)
        return np.where(scores >= settings.min_score, scores, 0.0)

    def _require_scores(self, scores: FloatArray) -> None:
        # Written so that NaN, which is neither less nor more than anything, is none either.
        if np.all((scores >= 0) & (scores <= 1)):
            return
        first = scores[~((scores >= 0) & (scores <= 1))][0]
        raise WeightsError(
            f"The detector gives {first} as {self._detector.score_name}; a score is from 0 to 1. "
            "It is damaged, was exported without its last layer, or cannot compute in single "
            "precision: nothing that it says of these images can be used."
        )

    def _control(self, name: str, images: ImageArray) -> ImageArray:
        """Scramble each image by chance of its own, whatever images it is measured with.

        Images measured one by one would otherwise all get the same noise.
        """
        seed, scramble = self._settings.seed, CONTROLS[name]
        return np.concatenate(
            [
                to_pixels(scramble(one[None], named_rng(seed, "objectness", name, sha256)))
                for one, sha256 in zip(images, map(array_sha256, images), strict=True)
            ]
        )

    def _summary(self, images: ImageArray) -> dict[str, float]:
        scores = self.best_scores(images)
        return {"score": float(scores.mean()), "detection_rate": float((scores > 0).mean())}


def _detector_file(settings: ObjectnessSettings) -> Path:
    return settings.weights_path or find_weights(settings.weights_name)


def _trained_size_px(path: Path) -> int:
    return darknet.INPUT_SIZE_PX if path.suffix == darknet.SUFFIX else INPUT_SIZE_PX
