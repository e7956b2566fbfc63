"""DCGAN faces: a small, real GAN of rendered human faces (package gan-face-generate)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from signseg_rig.errors import ConfigError, WeightsError, WeightsMissingError
from signseg_rig.interfaces import Generator
from signseg_rig.settings import Settings
from signseg_rig.types import FloatArray, ImageArray
from signseg_rig.weights import find_weights, load_strictly, read_state

if TYPE_CHECKING:
    import torch

WIDTHS = (512, 256, 128, 64)


class DcganFacesSettings(Settings):
    """Settings of ``kind = "dcgan_faces"``."""

    weights_path: Path | None = None
    device: str = "cpu"


class DcganFaces(Generator):
    """Faces of 64 x 64 pixels from codes of 100 dimensions, standard normal in training.

    Parameters
    ----------
    settings : DcganFacesSettings

    Raises
    ------
    WeightsMissingError
        The weights are not on this machine.
    WeightsError
        The file holds something else.

    Notes
    -----
    Radford, Metz & Chintala 2016. The network's output in [-1, 1] becomes
    ``round(127.5 * (x + 1))``. Codes are rendered one at a time: the last bits of a convolution
    depend on what else is in the batch, and a rendered code must not.
    """

    Config: ClassVar[type[Settings]] = DcganFacesSettings
    n_dims = 100
    image_size_px = 64

    def __init__(self, settings: DcganFacesSettings) -> None:
        path = find_weights("dcgan_faces", settings.weights_path)
        state = read_state(path)
        if not isinstance(state, dict) or "netG_state_dict" not in state:
            raise WeightsError(
                f"{path} holds no 'netG_state_dict': it is not the weight file of dcgan_faces."
            )
        self._device = settings.device
        self._network = _network()
        # The published keys name the attribute that held the layers.
        layers = {
            key.removeprefix("main."): value for key, value in state["netG_state_dict"].items()
        }
        load_strictly(self._network, layers, path)
        self._network.to(settings.device).eval()

    @classmethod
    def problems(cls, settings: DcganFacesSettings) -> list[str]:
        """List what is missing, for `signseg-rig check`."""
        try:
            find_weights("dcgan_faces", settings.weights_path)
        except WeightsMissingError as error:
            return [str(error)]
        return []

    def render(self, codes: FloatArray) -> ImageArray:
        """Render codes to images; see `Generator.render`."""
        import torch

        codes = np.asarray(codes)
        if codes.ndim != 2 or codes.shape[1] != self.n_dims or not np.isfinite(codes).all():
            raise ConfigError(
                f"Codes of dcgan_faces are finite and of shape (n, {self.n_dims}); got shape "
                f"{codes.shape} with {int(np.sum(~np.isfinite(codes)))} values that are not finite."
            )
        inputs = torch.from_numpy(codes.astype(np.float32)).to(self._device)
        with torch.inference_mode():
            rendered = [self._network(code[None, :, None, None]) for code in inputs]
        if not rendered:
            return np.empty((0, self.image_size_px, self.image_size_px, 3), dtype=np.uint8)
        values = torch.cat(rendered).permute(0, 2, 3, 1).cpu().numpy()
        return np.clip(np.rint(127.5 * (values + 1)), 0, 255).astype(np.uint8)


def _network() -> torch.nn.Module:
    """Build the generator: five transposed convolutions, from 1 x 1 to 64 x 64."""
    from torch import nn

    network = nn.Sequential()
    n_in, stride, padding = DcganFaces.n_dims, 1, 0
    for width in WIDTHS:
        network.append(nn.ConvTranspose2d(n_in, width, 4, stride, padding, bias=False))
        network.append(nn.BatchNorm2d(width))
        network.append(nn.ReLU(inplace=True))
        n_in, stride, padding = width, 2, 1
    network.append(nn.ConvTranspose2d(n_in, 3, 4, stride, padding, bias=False))
    network.append(nn.Tanh())
    return network
