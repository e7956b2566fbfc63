"""EfficientNet-Lite0: an ImageNet network that is quick on a laptop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from signseg_rig.errors import ConfigError
from signseg_rig.interfaces import Network, Readout
from signseg_rig.networks.imagenet import class_names
from signseg_rig.settings import Settings
from signseg_rig.types import FloatArray, ImageArray
from signseg_rig.weights import (
    ModelSettings,
    compute_in_batches,
    file_sha256,
    find_weights,
    load_state,
    model_problems,
    read_state,
    reproducible_inference,
    require_device,
)

if TYPE_CHECKING:
    import torch

NAME = "efficientnet_lite0"
N_BLOCKS = 16
PENULTIMATE = "penultimate"
# The network was trained on (x - 127) / 128; the ImageNet mean and deviation cost 9 points.
PIXEL_MEAN, PIXEL_SCALE = 127.0, 128.0


class EfficientNetLite0Settings(ModelSettings):
    """Settings of ``kind = "efficientnet_lite0"``.

    `input_size_px` is what images are scaled to: 224 as in training; 112 is three times as fast
    and leaves features that are still selective, though not for quite the same images.
    """

    input_size_px: int = Field(default=224, ge=32, le=1024)


class EfficientNetLite0(Network):
    """ReLU6 network with a readout of 1,000 ImageNet classes from 1,280 features.

    Layers are ``"stem"``, ``"blocks.0"`` to ``"blocks.15"``, flattened in the order channel, row,
    column, and ``"penultimate"``: what the readout reads, averaged over the image.

    Parameters
    ----------
    settings : EfficientNetLite0Settings

    Raises
    ------
    ConfigError
        This machine has no such device.
    WeightsMissingError
        The weights are not on this machine.
    WeightsError
        The file holds something else.

    Notes
    -----
    An image is scaled to a square, whatever its own shape, by bicubic interpolation with
    antialiasing (a = -0.5, as Pillow's), and clipped to 0..255.

    With another batch size, or another number of threads, features come out otherwise in the last
    bits (up to 2e-5). At 112 px batches of 20 are twice as fast on a CPU as one image at a time.
    """

    Config: ClassVar[type[Settings]] = EfficientNetLite0Settings
    required_packages = ("torch", "efficientnet_lite_pytorch")
    layer_names = ("stem", *(f"blocks.{index}" for index in range(N_BLOCKS)), PENULTIMATE)

    def __init__(self, settings: EfficientNetLite0Settings) -> None:
        self._device = require_device(settings.device)
        self._batch_size = settings.batch_size
        self._input_size_px = settings.input_size_px
        path = find_weights(NAME, settings.weights_path)
        model = _model(settings.input_size_px)
        load_state(model, read_state(path), path)
        self.identity = {
            "kind": NAME,
            "weights_sha256": file_sha256(path),
            "input_size_px": settings.input_size_px,
        }
        self._stages = _stages(model.to(self._device).eval())
        self.unit_names = class_names()
        state = model.state_dict()
        self._readout = Readout(_array(state["_fc.weight"]), _array(state["_fc.bias"]))

    @classmethod
    def problems(cls, settings: Any) -> list[str]:
        """List what is missing, for `signseg-rig check`."""
        return model_problems(NAME, settings)

    def features(self, images: ImageArray, layer: str | None = None) -> FloatArray:
        """Compute a layer's features; see `Network.features`.

        Raises
        ------
        ConfigError
            There is no such layer, or the images are no colour images of bytes.
        """
        import torch

        stages = self._stages_to(PENULTIMATE if layer is None else layer)
        inputs = torch.from_numpy(_channels_first(images))
        values = compute_in_batches(
            lambda batch: self._run(stages, batch).flatten(1), inputs, self._batch_size
        )
        return _array(values)

    def layer_shape(self, layer: str) -> tuple[int, ...]:
        """Give the shape of a layer; see `Network.layer_shape`.

        Raises
        ------
        ConfigError
            There is no such layer.
        """
        import torch

        stages = self._stages_to(layer)
        with reproducible_inference():
            values = self._run(stages, torch.zeros(1, 3, 1, 1))
        return tuple(values.shape[1:]) if layer != PENULTIMATE else (values.shape[1],)

    @property
    def readout(self) -> Readout:
        """The weights and biases of the 1,000 classes."""
        return Readout(self._readout.weights.copy(), self._readout.bias.copy())

    def _stages_to(self, layer: str) -> list[torch.nn.Module]:
        if layer not in self.layer_names:
            raise ConfigError(
                f"{NAME} has no layer {layer!r}; it has {', '.join(self.layer_names)}."
            )
        return self._stages[: self.layer_names.index(layer) + 1]

    def _run(self, stages: list[torch.nn.Module], image: torch.Tensor) -> torch.Tensor:
        values = self._preprocessed(image)
        for stage in stages:
            values = stage(values)
        return values

    def _preprocessed(self, image: torch.Tensor) -> torch.Tensor:
        """Scale to the input size and to the range of training."""
        import torch

        levels = image.to(self._device).float()
        size = (self._input_size_px, self._input_size_px)
        if levels.shape[-2:] != size:
            levels = torch.nn.functional.interpolate(
                levels, size=size, mode="bicubic", antialias=True
            ).clamp(0, 255)
        return (levels - PIXEL_MEAN) / PIXEL_SCALE


def _model(input_size_px: int) -> torch.nn.Module:
    from efficientnet_lite_pytorch import EfficientNet

    # from_name builds the layers and loads nothing. Their padding is fixed for one input size:
    # without image_size a network for 112 px would pad its last blocks as for 224 px.
    model: torch.nn.Module = EfficientNet.from_name("efficientnet-lite0", image_size=input_size_px)
    return model


def _stages(model: torch.nn.Module) -> list[torch.nn.Module]:
    """Take the network apart: one stage from each named layer to the next."""
    from torch import nn

    part = dict(model.named_children())
    stem = nn.Sequential(part["_conv_stem"], part["_bn0"], part["_swish"])
    head = nn.Sequential(part["_conv_head"], part["_bn1"], part["_swish"], nn.AdaptiveAvgPool2d(1))
    return [stem, *part["_blocks"].children(), head]


def _channels_first(images: ImageArray) -> ImageArray:
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8:
        raise ConfigError(
            f"Images should be uint8 of shape (n, height, width, 3); got {images.dtype} of shape "
            f"{images.shape}."
        )
    # A copy in one memory order for all: torch chooses its algorithm by the order, too.
    return np.array(images.transpose(0, 3, 1, 2), order="C")


def _array(tensor: torch.Tensor) -> FloatArray:
    array: FloatArray = tensor.cpu().numpy()
    return array
