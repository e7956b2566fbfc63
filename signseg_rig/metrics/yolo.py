"""YOLO detectors from local files, without what ultralytics does on the side."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from signseg_rig.errors import ConfigError, WeightsError, WeightsMissingError
from signseg_rig.metrics.darknet import SUFFIX as DARKNET
from signseg_rig.metrics.darknet import DarknetDetector
from signseg_rig.torch_models import require_plain_archive
from signseg_rig.values import ImageArray
from signseg_rig.weights import PROGRAM_SUFFIX, require_trusted

if TYPE_CHECKING:
    import torch

CHECKPOINT, TORCHSCRIPT = ".pt", PROGRAM_SUFFIX
# Read while ultralytics is imported: no search for a network, no installing, no banner.
QUIET = {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0", "YOLO_VERBOSE": "0"}
GRAY = 114


class Detector(Protocol):
    """A detector as the metric needs it.

    Attributes
    ----------
    score_name : str
        What the score of a box is.
    """

    score_name: str

    def best_scores(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the largest score of any box.

        Parameters
        ----------
        pixels : (n, 3, size, size) float tensor, in [0, 1]

        Returns
        -------
        scores : (n,) float tensor, in [0, 1]
        """


def load_detector(path: Path, device: torch.device) -> Detector:
    """Load a detector from a file; nothing is downloaded, and no pickled code is run.

    Parameters
    ----------
    path : Path
        A checkpoint of ultralytics (``.pt``), Darknet's weights of YOLOv3-tiny (``.weights``), or a
        TorchScript export of YOLOv5 or YOLOv7 from their own repositories (``.torchscript``).
    device : torch.device

    Raises
    ------
    WeightsMissingError
        There is no such file.
    WeightsError
        It is of another kind, or holds something else.
    ConfigError
        It is a program that is not trusted, or the ultralytics installed cannot load safely.
    """
    require_file(path)
    if path.suffix == DARKNET:
        return DarknetDetector(path, device)
    require_plain_archive(path)
    if path.suffix == CHECKPOINT:
        return UltralyticsDetector(path, device)
    return ObjectnessDetector(path, device)


def require_file(path: Path) -> None:
    """Make sure that a weight file is there, of a kind that can be loaded, and trusted if it runs.

    Raises
    ------
    WeightsMissingError, WeightsError, ConfigError
    """
    if not path.is_file():
        raise WeightsMissingError(
            f"Weights of the detector are missing: no file at {path}. Copy a YOLO checkpoint there "
            "or point 'weights_path' to yours; nothing is downloaded."
        )
    if path.suffix not in (CHECKPOINT, TORCHSCRIPT, DARKNET):
        raise WeightsError(
            f"{path} is no detector that can be loaded: it ends in {path.suffix!r}. Give a "
            f"checkpoint of ultralytics ({CHECKPOINT}), or a TorchScript export of YOLOv5 or "
            f"YOLOv7 ({TORCHSCRIPT}), or YOLOv3-tiny of Darknet ({DARKNET})."
        )
    if path.suffix == TORCHSCRIPT:
        require_trusted(path)


class UltralyticsDetector:
    """An anchor-free YOLO of ultralytics: YOLOv8 and later, and its versions of v3 and v5.

    It has no objectness; what comes closest is the confidence in the best class.
    """

    score_name = "best class confidence"

    def __init__(self, path: Path, device: torch.device) -> None:
        self._model = _ultralytics_model(path).to(device)
        self._head = self._model.model[-1]

    def best_scores(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the largest class confidence; see `Detector.best_scores`.

        Suppressing overlapping boxes never removes the best one, and is not needed.
        """
        output = _first(self._model(pixels))
        if self._head.end2end:  # (n, n_boxes, [x1, y1, x2, y2, confidence, class])
            return output[:, :, 4].amax(dim=1)
        # (n, [x, y, width, height, a confidence per class], n_boxes)
        return output[:, 4 : 4 + self._head.nc].amax(dim=(1, 2))


class ObjectnessDetector:
    """A TorchScript export of YOLOv5 or YOLOv7, whose boxes have an objectness."""

    score_name = "objectness"

    def __init__(self, path: Path, device: torch.device) -> None:
        import torch

        load: Any = torch.jit.load
        self._path = path
        try:
            with warnings.catch_warnings():
                # Deprecated, but what there is of YOLOv7 that runs without its repository.
                warnings.simplefilter("ignore", FutureWarning)
                self._model = load(str(path), map_location=device).eval()
        except (RuntimeError, ValueError) as error:
            raise WeightsError(
                f"{path} cannot be read as TorchScript. Export the detector again."
            ) from error

    def best_scores(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the largest objectness; see `Detector.best_scores`."""
        output = _first(self._model(pixels))
        # (n, n_boxes, [x, y, width, height, objectness, a confidence per class])
        if output.ndim != 3 or output.shape[2] < 6 or output.shape[1] < output.shape[2]:
            raise WeightsError(
                f"{self._path} gives {tuple(output.shape)}; boxes with an objectness should be "
                "(n, n_boxes, 5 + n_classes). Export YOLOv5 or YOLOv7 with its grid, and use the "
                "checkpoint (.pt) of newer detectors."
            )
        return output[:, :, 4].amax(dim=1)


def letterboxed(images: ImageArray, size_px: int) -> ImageArray:
    """Scale images to fit a square and fill it up with gray, as detectors are trained on.

    Parameters
    ----------
    images : (n, height, width, 3) uint8 array
    size_px : int

    Returns
    -------
    squares : (n, size_px, size_px, 3) uint8 array
    """
    augment = _quietly_imported("ultralytics.data.augment")
    fit = augment.LetterBox((size_px, size_px), auto=False, padding_value=GRAY)
    return np.stack([fit(image=image) for image in images])


def _ultralytics_model(path: Path) -> Any:
    import torch

    tasks = _quietly_imported("ultralytics.nn.tasks")
    if not hasattr(tasks, "SAFE_LOAD"):
        raise ConfigError(
            f"The ultralytics that is installed loads {path} by running what is in it. Install "
            "ultralytics 8.4.190 or later, which loads only the layers that it knows."
        )
    try:
        content, _ = tasks.torch_safe_load(path, safe_only=True)
    except Exception as error:
        raise WeightsError(
            f"{path} cannot be loaded as a checkpoint of ultralytics "
            f"({type(error).__name__}). It is damaged, or holds more than layers and weights. Of "
            "YOLOv5 and YOLOv7 from their own repositories give the TorchScript export "
            f"({TORCHSCRIPT})."
        ) from error
    model = content.get("ema") or content.get("model")
    if not isinstance(model, torch.nn.Module) or getattr(model, "task", None) != "detect":
        raise WeightsError(f"{path} is no detector of ultralytics. Choose one that draws boxes.")
    return model.float().eval()


@cache
def _quietly_imported(name: str) -> Any:
    with _without_side_effects():
        return import_module(name)


@contextmanager
def _without_side_effects() -> Iterator[None]:
    """Import ultralytics without letting it reach out or change this process.

    Its first import asks name servers whether there is a network, writes settings to the user's
    folder, and changes the environment, how numpy prints, how torch saves and how Pillow opens
    images: with its `open` a damaged image is a missing package.
    """
    import torch
    from PIL import Image

    environment, printing = dict(os.environ), np.get_printoptions()
    save, open_image = torch.save, Image.open
    with tempfile.TemporaryDirectory(prefix="signseg-rig-yolo-") as folder:
        os.environ.update(QUIET, YOLO_CONFIG_DIR=folder)
        try:
            yield
        finally:
            for name in set(os.environ) - set(environment):
                del os.environ[name]
            os.environ.update(environment)
            np.set_printoptions(**printing)
            torch.save = save
            Image.open = open_image


def _first(output: Any) -> torch.Tensor:
    """Take the boxes of what a detector gives besides."""
    while isinstance(output, tuple | list):
        output = output[0]
    tensor: torch.Tensor = output
    return tensor
