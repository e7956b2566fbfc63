"""DCGAN faces: a small, real GAN of rendered human faces (package gan-face-generate)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from signseg_rig.generators.codes import checked_codes
from signseg_rig.generators.random_dcgan import draw_weights
from signseg_rig.interfaces import Generator
from signseg_rig.settings import Settings
from signseg_rig.torch_models import (
    ModelSettings,
    compute_in_batches,
    model_problems,
    read_checkpoint,
    require_device,
    trained_model,
)
from signseg_rig.values import FloatArray, ImageArray

if TYPE_CHECKING:
    import torch
    from torch import nn

NAME = "dcgan_faces"
N_DIMS = 100
WIDTHS = (512, 256, 128, 64)


class DcganFacesSettings(ModelSettings):
    """Settings of ``kind = "dcgan_faces"``.

    With `random_seed` images have the mean, the contrast and much of the spectrum of the faces, and
    show none: see `random_dcgan.draw_weights`.
    """


class DcganFaces(Generator):
    """Faces of 64 x 64 pixels from codes of 100 dimensions, standard normal in training.

    Parameters
    ----------
    settings : DcganFacesSettings

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
    The architecture is that of Radford, Metz & Chintala 2016. Its output x in [-1, 1] becomes the
    level ``round(127.5 * (x + 1))``, halves to even.

    On an Intel CPU the pixels were the same for every batch size, and with one thread or two.
    """

    Config: ClassVar[type[Settings]] = DcganFacesSettings
    required_packages = ("torch",)
    n_dims = N_DIMS
    image_size_px = 64

    def __init__(self, settings: DcganFacesSettings) -> None:
        self._device = require_device(settings.device)
        self._batch_size = settings.batch_size
        self._network, _ = trained_model(
            NAME,
            settings,
            _network if settings.random_seed is None else _random_network,
            _renamed,
            read=partial(read_checkpoint, keys=("netG_state_dict",)),
        )

    @classmethod
    def problems(cls, settings: Any) -> list[str]:
        """List what is missing, for `signseg-rig check`."""
        return model_problems(NAME, settings)

    def render(self, codes: FloatArray) -> ImageArray:
        """Render codes to images; see `Generator.render`.

        Raises
        ------
        ConfigError
            The codes have another shape, or are not finite.
        """
        import torch

        inputs = torch.from_numpy(checked_codes(codes, N_DIMS, NAME)).to(self._device)[
            :, :, None, None
        ]
        images = compute_in_batches(self._network, inputs, self._batch_size)
        values = images.permute(0, 2, 3, 1).numpy()
        return np.rint(127.5 * (values + 1)).astype(np.uint8)


def _renamed(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    # The published names begin with the attribute that held the layers.
    return {key.removeprefix("main."): tensor for key, tensor in state.items()}


def _random_network() -> torch.nn.Module:
    network = _network().eval()
    draw_weights(network)
    return network


def _network() -> nn.Sequential:
    """Build the generator: five transposed convolutions, from 1 x 1 to 64 x 64."""
    from torch import nn

    network = nn.Sequential()
    n_in, stride, padding = N_DIMS, 1, 0
    for width in WIDTHS:
        network.append(nn.ConvTranspose2d(n_in, width, 4, stride, padding, bias=False))
        network.append(nn.BatchNorm2d(width))
        network.append(nn.ReLU(inplace=True))
        n_in, stride, padding = width, 2, 1
    network.append(nn.ConvTranspose2d(n_in, 3, 4, stride, padding, bias=False))
    network.append(nn.Tanh())
    return network
