"""EfficientNet-Lite0: an ImageNet network that is quick on a laptop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from signseg_rig.errors import ConfigError, WeightsMissingError
from signseg_rig.interfaces import Network, Readout
from signseg_rig.networks.imagenet import class_names
from signseg_rig.settings import Settings
from signseg_rig.types import FloatArray, ImageArray
from signseg_rig.weights import find_weights, load_strictly, read_state

if TYPE_CHECKING:
    import torch

N_BLOCKS = 16
PENULTIMATE = "penultimate"
# The network was trained on (x - 127) / 128; the ImageNet mean and deviation cost 9 points.
PIXEL_MEAN, PIXEL_SCALE = 127.0, 128.0


class EfficientNetLite0Settings(Settings):
    """Settings of ``kind = "efficientnet_lite0"``.

    `input_size_px` is what images are scaled to: 224 as in training; 112 is four times as fast
    and leaves features that are still selective, though not for quite the same images.
    """

    weights_path: Path | None = None
    device: str = "cpu"
    input_size_px: int = Field(default=224, ge=32, le=1024)


class EfficientNetLite0(Network):
    """ReLU6 network with a 1280 -> 1000 readout; top-1 accuracy 0.88 on one image per class.

    Layers are ``"stem"``, ``"blocks.0"`` to ``"blocks.15"``, flattened in the order channel, row,
    column, and ``"penultimate"``: what the readout reads, averaged over the image.

    Parameters
    ----------
    settings : EfficientNetLite0Settings

    Raises
    ------
    WeightsMissingError
        The weights are not on this machine.
    WeightsError
        The file holds something else.
    """

    Config: ClassVar[type[Settings]] = EfficientNetLite0Settings
    layer_names = ("stem", *(f"blocks.{index}" for index in range(N_BLOCKS)), PENULTIMATE)

    def __init__(self, settings: EfficientNetLite0Settings) -> None:
        path = find_weights("efficientnet_lite0", settings.weights_path)
        self._settings = settings
        self._model = _model()
        load_strictly(self._model, read_state(path), path)
        self._model.to(settings.device).eval()
        self.unit_names = class_names()

    @classmethod
    def problems(cls, settings: EfficientNetLite0Settings) -> list[str]:
        """List what is missing, for `signseg-rig check`."""
        try:
            find_weights("efficientnet_lite0", settings.weights_path)
        except WeightsMissingError as error:
            return [str(error)]
        return []

    def features(self, images: ImageArray, layer: str | None = None) -> FloatArray:
        """Compute a layer's features; see `Network.features`."""
        import torch

        name = PENULTIMATE if layer is None else layer
        if name not in self.layer_names:
            raise ConfigError(
                f"efficientnet_lite0 has no layer {name!r}; it has {', '.join(self.layer_names)}."
            )
        if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8:
            raise ConfigError(
                "Images are uint8 of shape (n, height, width, 3); got "
                f"{images.dtype} of shape {images.shape}."
            )
        with torch.inference_mode():
            values = self._forward(self._preprocessed(images), name)
        features: FloatArray = values.flatten(1).cpu().numpy()
        return features

    @property
    def readout(self) -> Readout:
        """The 1,000 classes' weights and biases."""
        layer: Any = self._model._fc  # noqa: SLF001 - the package's public name for it
        return Readout(
            weights=layer.weight.detach().cpu().numpy().copy(),
            bias=layer.bias.detach().cpu().numpy().copy(),
        )

    def _preprocessed(self, images: ImageArray) -> torch.Tensor:
        """Scale to the input size (bicubic with antialiasing) and to the range of training."""
        import torch

        size = self._settings.input_size_px
        pixels = torch.from_numpy(np.ascontiguousarray(images)).to(self._settings.device)
        pixels = pixels.permute(0, 3, 1, 2).float()
        if pixels.shape[-2:] != (size, size):
            pixels = torch.nn.functional.interpolate(
                pixels, size=(size, size), mode="bicubic", antialias=True
            ).clamp(0, 255)
        return (pixels - PIXEL_MEAN) / PIXEL_SCALE

    def _forward(self, inputs: torch.Tensor, name: str) -> torch.Tensor:
        model: Any = self._model
        values = model._swish(model._bn0(model._conv_stem(inputs)))  # noqa: SLF001
        if name == "stem":
            return values  # type: ignore[no-any-return]
        for index, block in enumerate(model._blocks):  # noqa: SLF001
            values = block(values)
            if name == f"blocks.{index}":
                return values  # type: ignore[no-any-return]
        values = model._swish(model._bn1(model._conv_head(values)))  # noqa: SLF001
        return values.mean(dim=(2, 3))  # type: ignore[no-any-return]


def _model() -> torch.nn.Module:
    from efficientnet_lite_pytorch import EfficientNet

    # from_name builds the layers and loads nothing.
    model: torch.nn.Module = EfficientNet.from_name("efficientnet-lite0")
    return model
