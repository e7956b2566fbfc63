"""LPIPS: how different two images look, by weighted features of a network."""

from __future__ import annotations

import warnings
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from signseg_rig.errors import ConfigError, RigError, WeightsError, WeightsMissingError
from signseg_rig.interfaces import Metric, MetricContext
from signseg_rig.metrics.image_sets import checked_pair, require_finite
from signseg_rig.settings import InputPath, Settings
from signseg_rig.torch_models import (
    DeviceSettings,
    compute_in_batches,
    load_state,
    read_checkpoint,
    require_device,
)
from signseg_rig.values import FloatArray, ImageArray
from signseg_rig.weights import file_sha256, find_weights

if TYPE_CHECKING:
    import torch

VERSION = "0.1"
# The five poolings of VGG16 and the first layers of AlexNet leave nothing of smaller images.
MIN_SIZE_PX = 32
TORCHVISION_NAMES = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1_torchvision"}


class LpipsSettings(DeviceSettings):
    """Settings of ``kind = "lpips"``.

    `weights_path` is torchvision's file of ImageNet weights of the trunk: AlexNet for ``"alex"``,
    VGG16 for ``"vgg"``, SqueezeNet 1.1 for ``"squeeze"``; by default the one that `signseg-rig
    weights` knows. The weights of its features, fitted to human
    judgements, come with the lpips package.
    """

    weights_path: InputPath | None = None
    trunk: Literal["alex", "vgg", "squeeze"] = "alex"

    @property
    def weights_name(self) -> str:
        """The trunk's name in the catalogue of weights."""
        return TORCHVISION_NAMES[self.trunk]


class Lpips(Metric):
    """Learned perceptual distance (Zhang et al. 2018) to the images of the intact unit.

    ================ ==========================================================================
    `across`         Mean distance between images of the condition and of the intact unit.
    `within`         Mean distance between the condition's own images; none with itself.
    `within_intact`  The same of the intact unit's images.
    `n_pairs`        Pairs that `across` is the mean of.
    ================ ==========================================================================

    Parameters
    ----------
    settings : LpipsSettings

    Raises
    ------
    WeightsMissingError
        There is no file at `weights_path`, or by default in none of the places where weights are
        looked for; nothing is downloaded.
    WeightsError
        The file holds something else.
    ConfigError
        This machine has no such device.

    Notes
    -----
    LPIPS sums, over layers l and channels c, the mean over places of w_lc (x_lc - y_lc)^2, with x
    and y the activations scaled to length 1 at each place. As all w_lc >= 0 this is the squared
    Euclidean distance of the activations times sqrt(w_lc / n_places), so that each image passes
    the network once, however many pairs there are.
    """

    Config: ClassVar[type[Settings]] = LpipsSettings
    required_packages = ("torch", "torchvision", "lpips")

    def __init__(self, settings: LpipsSettings) -> None:
        self._settings = settings
        self._device = require_device(settings.device)
        path = _existing(settings)
        self._weights_sha256 = file_sha256(path)
        self._model = _model(settings.trunk, path).to(self._device).eval()

    @classmethod
    def problems(cls, settings: Any) -> list[str]:
        """List what is missing, for `signseg-rig check`."""
        try:
            _existing(settings)
        except RigError as error:
            return [str(error)]
        return []

    def measure(
        self, images: ImageArray, reference: ImageArray, context: MetricContext
    ) -> dict[str, float]:
        """Compare images with those of the intact unit; see `Metric.measure`.

        Raises
        ------
        ConfigError
            The images are too small.
        """
        del context
        images, reference = checked_pair(images, reference)
        _require_size(images)
        distances = self.distances(np.concatenate([images, reference]))
        n_images = len(images)
        across = distances[:n_images, n_images:]
        return {
            "across": float(across.mean()),
            "within": _mean_of_pairs(distances[:n_images, :n_images]),
            "within_intact": _mean_of_pairs(distances[n_images:, n_images:]),
            "n_pairs": float(across.size),
        }

    def compares(self, value: str) -> bool:
        """Return which values are of pairs with the intact unit's images; see `Metric.compares`."""
        return value in ("across", "n_pairs")

    def describe(self) -> dict[str, str | float]:
        """Return trunk, version, weights and pairs; see `Metric.describe`."""
        return {
            "distance": "LPIPS",
            "version": VERSION,
            "trunk": self._settings.trunk,
            "weights_sha256": self._weights_sha256,
            "pairs": "every image with every other",
        }

    def distances(self, images: ImageArray) -> FloatArray:
        """Compute the distance of every image to every other.

        Parameters
        ----------
        images : (n, height, width, 3) uint8 array

        Returns
        -------
        distances : (n, n) float array, >= 0
        """
        import torch

        inputs = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
        vectors = compute_in_batches(self._vectors, inputs, self._settings.batch_size).double()
        require_finite(vectors.numpy(), "The trunk of LPIPS")
        norms = (vectors**2).sum(dim=1)
        squared = norms[:, None] + norms[None, :] - 2 * vectors @ vectors.T
        distances: FloatArray = squared.clamp(min=0).fill_diagonal_(0).numpy()
        return distances

    def _vectors(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return each image as a vector whose squared distances are LPIPS."""
        import lpips
        import torch

        model = self._model
        scaled = model.scaling_layer(pixels.to(self._device).float() / 127.5 - 1)
        parts = []
        for activation, linear in zip(model.net(scaled), model.lins, strict=True):
            n_places = activation.shape[-2] * activation.shape[-1]
            weight = linear.model[-1].weight.reshape(1, -1, 1, 1)
            unit = lpips.normalize_tensor(activation)
            parts.append((unit * torch.sqrt(weight / n_places)).flatten(1))
        return torch.cat(parts, dim=1)


def _require_size(images: ImageArray) -> None:
    if min(images.shape[1:3]) < MIN_SIZE_PX:
        raise ConfigError(
            f"Images of {images.shape[2]} x {images.shape[1]} pixels are too small for LPIPS; a "
            f"side needs at least {MIN_SIZE_PX}."
        )


def _mean_of_pairs(distances: FloatArray) -> float:
    """Average over pairs of different images."""
    n = len(distances)
    return float(distances.sum() / (n * (n - 1))) if n > 1 else float("nan")


def _existing(settings: LpipsSettings) -> Path:
    try:
        return find_weights(settings.weights_name, settings.weights_path)
    except WeightsMissingError as error:
        raise WeightsMissingError(f"LPIPS needs the weights of its trunk. {error}") from error


def _model(trunk: str, path: Path) -> Any:
    """Make the network without a download: an untrained trunk, then the weights of the file."""
    import lpips

    with warnings.catch_warnings():
        # lpips asks torchvision for its networks in the old way.
        warnings.filterwarnings("ignore", category=UserWarning, module="torchvision")
        model = lpips.LPIPS(
            net=trunk, version=VERSION, pretrained=False, pnet_rand=True, verbose=False
        )
    linear_path = Path(str(files("lpips") / "weights" / f"v{VERSION}" / f"{trunk}.pth"))
    load_state(model.lins, _linear_state(read_checkpoint(linear_path)), linear_path)
    load_state(model.net, _trunk_state(model.net, read_checkpoint(path)), path)
    if any(bool((linear.model[-1].weight < 0).any()) for linear in model.lins):
        raise WeightsError(
            f"{linear_path} has negative weights, by which LPIPS is no distance. Reinstall lpips."
        )
    return model


def _linear_state(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Rename ``lin3.model.1.weight``, as in the file, to the third of a list."""
    return {key.removeprefix("lin"): value for key, value in state.items()}


def _trunk_state(trunk: torch.nn.Module, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Rename ``features.3.weight``, as torchvision has it, to the slice that lpips puts it in.

    What is missing stays missing, and the classifier is left out.
    """
    own = {f"features.{key.partition('.')[2]}": key for key in trunk.state_dict()}
    return {own[key]: value for key, value in state.items() if key in own}
