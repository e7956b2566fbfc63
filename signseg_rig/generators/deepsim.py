"""DeePSiM: images from the activity of AlexNet's fully connected layers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from signseg_rig.generators.codes import checked_codes, put_channels_last
from signseg_rig.interfaces import Generator
from signseg_rig.settings import Settings
from signseg_rig.torch_models import (
    ModelSettings,
    compute_in_batches,
    model_problems,
    require_device,
    trained_model,
)
from signseg_rig.values import FloatArray, ImageArray

if TYPE_CHECKING:
    import torch
    from torch import nn

N_HIDDEN = 4096
SLOPE = 0.3
# Standard deviation, in levels, of the images that random weights make of standard normal codes.
RANDOM_CONTRAST = 40.0
# Of the images that the generator was trained on, in the order blue, green, red.
MEAN_BGR = (104.0, 117.0, 123.0)
LINEAR_LAYERS = ("defc7", "defc6", "defc5")
# Name, channels in and out, kernel and stride; all are padded by one pixel.
DECONVOLUTIONS = (
    ("deconv5", 256, 256, 4, 2),
    ("conv5_1", 256, 512, 3, 1),
    ("deconv4", 512, 256, 4, 2),
    ("conv4_1", 256, 256, 3, 1),
    ("deconv3", 256, 128, 4, 2),
    ("conv3_1", 128, 128, 3, 1),
    ("deconv2", 128, 64, 4, 2),
    ("deconv1", 64, 32, 4, 2),
    ("deconv0", 32, 3, 4, 2),
)
# The names that XDream gives to the same layers, in the same order.
XDREAM_NAMES = (
    *("fc7", "fc6", "fc5", "tconv5_0", "tconv5_1", "tconv4_0", "tconv4_1"),
    *("tconv3_0", "tconv3_1", "tconv2", "tconv1", "tconv0"),
)


class DeepsimSettings(ModelSettings):
    """Settings of the DeePSiM generators.

    With `random_seed` images have a contrast of 40 levels around the mean of ImageNet. Their
    spectrum is not that of what the trained weights draw, so that they are no control for it.
    """


class Deepsim(Generator):
    """Images of 256 x 256 pixels, of textures and objects (Dosovitskiy & Brox 2016).

    Codes are activities of a layer of AlexNet, though also those that no image evokes make images.
    Evolutions usually begin at standard normal codes, and search with ``sigma0 = 3.0``.

    Parameters
    ----------
    settings : DeepsimSettings

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
    Three linear layers, then nine transposed convolutions; a leaky ReLU of slope 0.3 follows each
    but the last. What comes out is blue, green and red less their means in ImageNet; it becomes
    red, green and blue, the means are added, and levels are rounded (halves to even) and clipped
    to 0..255.

    Weight files have one of two sets of names: those of Caffe's layers, or XDream's, whose
    convolutions have no biases.

    On a CPU channels come last in memory, which is a fifth faster (17 in place of 21 ms an image,
    in batches of 5 on 2 cores).
    """

    Config: ClassVar[type[Settings]] = DeepsimSettings
    required_packages = ("torch",)
    image_size_px = 256
    name: ClassVar[str]

    def __init__(self, settings: DeepsimSettings) -> None:
        self._device = require_device(settings.device)
        self._batch_size = settings.batch_size
        self._network, _ = trained_model(self.name, settings, self._build, _renamed)
        put_channels_last(self._network, self._device)

    @classmethod
    def problems(cls, settings: Any) -> list[str]:
        """List what is missing, for `signseg-rig check`."""
        return model_problems(cls.name, settings)

    def render(self, codes: FloatArray) -> ImageArray:
        """Render codes to images; see `Generator.render`.

        Raises
        ------
        ConfigError
            The codes have another shape, or are not finite.
        """
        import torch

        inputs = torch.from_numpy(checked_codes(codes, self.n_dims, self.name)).to(self._device)
        return compute_in_batches(self._images, inputs, self._batch_size).numpy()

    def _images(self, codes: torch.Tensor) -> torch.Tensor:
        import torch

        mean = torch.tensor(MEAN_BGR, device=self._device)[:, None, None]
        levels: torch.Tensor = (self._network(codes) + mean).flip(1)
        return levels.clamp(0, 255).round().to(torch.uint8).permute(0, 2, 3, 1)

    def _build(self) -> torch.nn.Module:
        from torch import nn

        layers = nn.Sequential()
        n_in = self.n_dims
        for name in LINEAR_LAYERS:
            layers.add_module(name, nn.Linear(n_in, N_HIDDEN))
            layers.add_module(f"relu_{name}", nn.LeakyReLU(SLOPE))
            n_in = N_HIDDEN
        layers.add_module("reshape", nn.Unflatten(1, (256, 4, 4)))
        for name, n_channels, n_out, kernel, stride in DECONVOLUTIONS:
            layers.add_module(name, nn.ConvTranspose2d(n_channels, n_out, kernel, stride, 1))
            layers.add_module(f"relu_{name}", nn.LeakyReLU(SLOPE))
        for layer in layers:
            if isinstance(layer, nn.Linear | nn.ConvTranspose2d):
                _draw(layer)
        layers.get_submodule("deconv0").get_parameter("weight").data.mul_(RANDOM_CONTRAST)
        return layers[:-1]


class DeepsimFc6(Deepsim):
    """From the 4,096 units of fc6."""

    name = "deepsim_fc6"
    n_dims = 4096


class DeepsimFc7(Deepsim):
    """From the 4,096 units of fc7."""

    name = "deepsim_fc7"
    n_dims = 4096


class DeepsimFc8(Deepsim):
    """From the 1,000 units of fc8, the classes before the softmax."""

    name = "deepsim_fc8"
    n_dims = 1000


def _draw(layer: nn.Linear | nn.ConvTranspose2d) -> None:
    """Draw weights that keep the variance (He et al. 2015); torch's own leave a uniform gray."""
    from torch import nn

    fan_in = (
        layer.weight[0].numel()
        if isinstance(layer, nn.Linear)
        else (layer.in_channels * layer.weight[0, 0].numel() / layer.stride[0] ** 2)
    )
    gain = nn.init.calculate_gain("leaky_relu", SLOPE)
    nn.init.normal_(layer.weight, std=gain / math.sqrt(fan_in))
    nn.init.zeros_(layer.get_parameter("bias"))


def _renamed(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return tensors of either set of names under those of Caffe's layers."""
    names = (*LINEAR_LAYERS, *(name for name, *_ in DECONVOLUTIONS))
    if any(key.startswith(XDREAM_NAMES[3]) for key in state):
        return _from_xdream(state, dict(zip(XDREAM_NAMES, names, strict=True)))
    # Some files hold the generator as "G" of something larger, or number a layer "defc7.1".
    return {re.sub(r"^(G\.)?(\w+)(\.\d+)?\.", r"\2.", key): value for key, value in state.items()}


def _from_xdream(
    state: Mapping[str, torch.Tensor], names: Mapping[str, str]
) -> dict[str, torch.Tensor]:
    import torch

    renamed = {
        f"{names.get(layer, layer)}.{kind}": value
        for (layer, _, kind), value in (
            (key.rpartition("."), value) for key, value in state.items()
        )
    }
    biases = {f"{name}.bias": torch.zeros(n_out) for name, _, n_out, *_ in DECONVOLUTIONS}
    return biases | renamed
