"""What all networks of torch layers do alike; a family adds its layers and its weight files."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from signseg_rig.errors import ConfigError
from signseg_rig.interfaces import Network, Readout, WeightLayer, no_readout
from signseg_rig.networks.imagenet import class_names
from signseg_rig.networks.rectification import is_never_negative
from signseg_rig.torch_models import (
    compute_in_batches,
    model_problems,
    read_checkpoint,
    repeatable_algorithms,
    reproducible_inference,
    require_device,
    trained_model,
)
from signseg_rig.values import FloatArray, ImageArray, array_sha256

if TYPE_CHECKING:
    import torch

PENULTIMATE = "penultimate"


class TorchNetwork(Network):
    """A network with a readout of the 1,000 ImageNet classes, taken apart into named stages.

    Features are flattened in the order channel, row, column.

    Parameters
    ----------
    settings : ModelSettings
        With `input_size_px`, the size to which images are scaled.

    Raises
    ------
    ConfigError
        This machine has no such device.
    WeightsMissingError
        The weights are not on this machine.
    WeightsError
        The file holds something else.

    Attributes
    ----------
    name : str
        Of the plugin, and of its weights in the catalogue.
    level_mean, level_deviation : tuple of 3 float
        For red, green and blue, in levels from 0 to 255: the network sees
        ``(level - mean) / deviation``.

    Notes
    -----
    An image is scaled to a square, whatever its own shape, by bicubic interpolation with
    antialiasing (a = -0.5, as Pillow's), and clipped to 0..255.

    With another batch size, or another number of threads, features come out otherwise in the last
    bits.
    """

    required_packages: ClassVar[tuple[str, ...]] = ("torch",)
    name: ClassVar[str]
    level_mean: ClassVar[tuple[float, float, float]]
    level_deviation: ClassVar[tuple[float, float, float]]

    def __init__(self, settings: Any) -> None:
        self._settings = settings
        self._device = require_device(settings.device)
        self._model, weights = trained_model(
            self.name, settings, self._build, self._renamed, read=self._read
        )
        self._stages = self._staged(self._model)
        self._inside = self._inner_layers(self._model)
        self.layer_names = tuple(
            name for stage in self._stages for name in (*self._inside.get(stage, ()), stage)
        )
        self.unit_names = class_names() if self.has_readout else ()
        self.identity = {
            "kind": self.name,
            "weights_sha256": weights,
            "input_size_px": settings.input_size_px,
            "preprocessing": self._preprocessing,
        }

    @property
    def _preprocessing(self) -> str:
        """What `_preprocessed` does, in words: features depend on it as on the weights."""
        mean, deviation = (
            ", ".join(f"{value:g}" for value in values)
            for values in (self.level_mean, self.level_deviation)
        )
        return f"bicubic, antialiased, clipped; less {mean}; by {deviation}"

    @classmethod
    def problems(cls, settings: Any) -> list[str]:
        """List what is missing, for `signseg-rig check`."""
        return model_problems(cls.name, settings)

    @classmethod
    def foreseen_unit_names(cls, settings: Any) -> tuple[str, ...]:
        """Return the names of the readout's units; see `Network.foreseen_unit_names`."""
        del settings  # the classes of ImageNet, whatever is chosen
        return class_names() if cls.has_readout else ()

    @abstractmethod
    def _build(self) -> torch.nn.Module:
        """Make the model with the weights that it begins training with."""

    @abstractmethod
    def _staged(self, model: torch.nn.Module) -> dict[str, torch.nn.Module]:
        """Take the model apart: one stage from each named layer to the next, without the head."""

    def _inner_layers(self, model: torch.nn.Module) -> dict[str, dict[str, torch.nn.Module]]:
        """Return the layers inside each stage: of each what leads to it from the stage's beginning.

        For stages that are more than one layer after the other, as a residual block is.
        """
        del model  # most families have none
        return {}

    def _read(self, path: Path) -> dict[str, torch.Tensor]:
        """Return the tensors of a weight file."""
        return read_checkpoint(path)

    def _renamed(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the tensors of a weight file under the names of the model."""
        return state

    def features(self, images: ImageArray, layer: str | None = None) -> FloatArray:
        """Compute a layer's features; see `Network.features`.

        Raises
        ------
        ConfigError
            There is no such layer, or the images are no colour images of bytes.
        """
        stages = self._stages_to(self.layer_names[-1] if layer is None else layer)
        values = compute_in_batches(
            lambda batch: self._run(stages, batch).flatten(1),
            _channels_first(images),
            self._settings.batch_size,
        )
        return _array(values)

    def layer_shape(self, layer: str) -> tuple[int, ...]:
        """Return the shape of a layer; see `Network.layer_shape`.

        Raises
        ------
        ConfigError
            There is no such layer.
        """
        import torch

        stages = self._stages_to(layer)
        with reproducible_inference():
            return tuple(self._run(stages, torch.zeros(1, 3, 1, 1)).shape[1:])

    def is_rectified(self, layer: str | None = None) -> bool:
        """Return whether the operations that lead to a layer show it; see `Network.is_rectified`.

        Raises
        ------
        ConfigError
            There is no such layer.
        """
        import torch

        stages = self._stages_to(self.layer_names[-1] if layer is None else layer)
        image = torch.zeros(1, 3, 1, 1)
        with torch.no_grad(), repeatable_algorithms():
            return is_never_negative(lambda: self._run(stages, image))

    @property
    def readout(self) -> Readout:
        """The weights and biases of the 1,000 classes."""
        if not self.has_readout:
            raise ConfigError(no_readout(self.name))
        head: Any = self._model.get_submodule(self.head_name)
        return Readout(_array(head.weight), _array(head.bias))

    def weight_layers(self) -> dict[str, WeightLayer]:
        """Return the weights of every layer that has some; see `Network.weight_layers`."""
        return {
            name: WeightLayer(_array(module.weight), getattr(module, "groups", 1))
            for name, module in _weighted(self._model).items()
        }

    def with_weights(self, weights: Mapping[str, FloatArray]) -> TorchNetwork:
        """Return a copy with other weights; see `Network.with_weights`.

        All that is not replaced is shared with this network and takes no memory.
        """
        import torch

        shared = {id(tensor): tensor for tensor in self._model.state_dict(keep_vars=True).values()}
        changed = copy.deepcopy(self, shared)
        identity = dict(self.identity)
        layers = _weighted(changed._model)  # noqa: SLF001 - of the same class
        for name, values in weights.items():
            weight = self._weight(name)
            array = np.array(values, dtype=np.float32, order="C")
            if array.shape != tuple(weight.shape) or not np.isfinite(array).all():
                raise ConfigError(
                    f"Weights of {name!r} should be finite and of shape {tuple(weight.shape)}; got "
                    f"{array.shape}, of which {np.count_nonzero(~np.isfinite(array))} values are "
                    "not finite."
                )
            layers[name].weight = torch.nn.Parameter(
                torch.from_numpy(array).to(self._device), requires_grad=False
            )
            identity[f"weights of {name}"] = array_sha256(array)
        changed.identity = identity
        return changed

    def contributions(self, images: ImageArray, layer: str, unit: str) -> FloatArray:
        """Return what connections contribute to a unit; see `Network.contributions`."""
        import torch

        if not self.has_readout:
            raise ConfigError(no_readout(self.name))
        if unit not in self.unit_names:
            raise ConfigError(f"{self.name} has no unit {unit!r}.")
        if not len(images):
            raise ConfigError("Contributions are averages over images; got none.")
        row = self.unit_names.index(unit)
        weight = self._weight(layer).clone().requires_grad_()
        # On the CPU: graphics processors of Apple have no double precision.
        total = torch.zeros(weight.shape, dtype=torch.float64)
        with repeatable_algorithms():
            for batch in torch.split(_channels_first(images), self._settings.batch_size):
                scores = torch.func.functional_call(
                    self._model, {f"{layer}.weight": weight}, self._preprocessed(batch)
                )
                (gradient,) = torch.autograd.grad(scores[:, row].sum(), weight)
                total += (gradient * weight).detach().cpu()
        return _array(total / len(images))

    def _weight(self, name: str) -> torch.Tensor:
        layers = _weighted(self._model)
        if name not in layers:
            raise ConfigError(f"{self.name} has no weights {name!r}; it has {', '.join(layers)}.")
        weight: torch.Tensor = layers[name].weight
        return weight

    def _stages_to(self, layer: str) -> list[torch.nn.Module]:
        before: list[torch.nn.Module] = []
        for name, stage in self._stages.items():
            ways = {**self._inside.get(name, {}), name: stage}
            if layer in ways:
                return [*before, ways[layer]]
            before.append(stage)
        raise ConfigError(
            f"{self.name} has no layer {layer!r}; it has {', '.join(self.layer_names)}."
        )

    def _run(self, stages: list[torch.nn.Module], image: torch.Tensor) -> torch.Tensor:
        values = self._preprocessed(image)
        for stage in stages:
            values = stage(values)
        return values

    def _preprocessed(self, image: torch.Tensor) -> torch.Tensor:
        """Scale to the input size and to the range of training."""
        import torch

        levels = image.to(self._device).float()
        size = (self._settings.input_size_px, self._settings.input_size_px)
        if levels.shape[-2:] != size:
            levels = torch.nn.functional.interpolate(
                levels, size=size, mode="bicubic", antialias=True
            ).clamp(0, 255)
        mean, deviation = (
            torch.tensor(values, device=self._device)[:, None, None]
            for values in (self.level_mean, self.level_deviation)
        )
        return (levels - mean) / deviation


def _weighted(model: torch.nn.Module) -> dict[str, Any]:
    """Find the layers of weights by name, in the order of the model."""
    from torch import nn

    modules: Any = model.named_modules()
    return {name: module for name, module in modules if isinstance(module, nn.Linear | nn.Conv2d)}


def _channels_first(images: ImageArray) -> torch.Tensor:
    import torch

    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8:
        raise ConfigError(
            f"Images should be uint8 of shape (n, height, width, 3); got {images.dtype} of shape "
            f"{images.shape}."
        )
    # A copy in one memory order for all: torch chooses its algorithm by the order, too.
    return torch.from_numpy(np.array(images.transpose(0, 3, 1, 2), order="C"))


def _array(tensor: torch.Tensor) -> FloatArray:
    # A copy: what shares memory with a model's weights would change them.
    array: FloatArray = tensor.detach().cpu().float().numpy().copy()
    return array
