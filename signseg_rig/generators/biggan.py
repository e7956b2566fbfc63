"""BigGAN-deep: photograph-like images of ImageNet's classes (package pytorch-pretrained-biggan)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy.stats import truncnorm

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

N_HALF = 128
N_CLASSES = 1000
# Noise beyond this many deviations is drawn again, as in training's "truncation trick".
CUT = 2.0
EPS = 1e-4
N_POWER_ITERATIONS = 10
# Random weights draw images of 40 levels' contrast by it, and of 5 without.
RANDOM_GAIN = 8.0
# Up-sampling, and the channels in and out of each block in units of 128.
BLOCKS_128 = (
    *((False, 16, 16), (True, 16, 16), (False, 16, 16), (True, 16, 8), (False, 8, 8)),
    *((True, 8, 4), (False, 4, 4), (True, 4, 2), (False, 2, 2), (True, 2, 1)),
)
BLOCKS_256 = (*BLOCKS_128[:5], (True, 8, 8), (False, 8, 8), *BLOCKS_128[5:])
BLOCKS_512 = (*BLOCKS_256, (False, 1, 1), (True, 1, 1))


class BigGanSettings(ModelSettings):
    """Settings of the BigGAN generators.

    `search` says which half of the input is a code: the noise, the class embedding, or both. The
    other half stays: that of the class `class_index`, or noise drawn by `noise_seed`. Usual starts
    are ``sigma0`` 0.2 for both, 0.06 for the class and 0.3 for the noise. `truncation` scales the
    noise that codes begin with, and chooses the statistics of the batch normalisation.

    With `random_seed` images have a contrast of about 40 levels around gray. Their spectrum is not
    that of what the trained weights draw, so that they are no control for it.
    """

    search: Literal["full", "class", "noise"] = "full"
    class_index: int = Field(default=0, ge=0, lt=N_CLASSES)
    noise_seed: int = Field(default=0, ge=0)
    truncation: float = Field(default=0.7, gt=0, le=1)


class BigGan(Generator):
    """Images from noise and class (Brock, Donahue & Simonyan 2019), by their published weights.

    A code is the generator's input, 128 dimensions of noise and 128 of a class embedding, or that
    half of it which is searched.

    Parameters
    ----------
    settings : BigGanSettings

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
    Means and variances of the batch normalisation are given at truncations of 0, 0.02 and so on to
    1. Between these they are interpolated here: the package gives the larger weight to the farther
    of the two neighbours, and at some of the given truncations, such as 0.58, takes the neighbour.

    An output x in [-1, 1] becomes the level ``round(127.5 * (x + 1))``, halves to even.

    On a CPU channels come last in memory: an image of 128 px took 0.21 in place of 0.29 s on 2
    cores. Larger batches are not faster there.
    """

    Config: ClassVar[type[Settings]] = BigGanSettings
    required_packages = ("torch", "pytorch_pretrained_biggan")
    name: ClassVar[str]
    blocks: ClassVar[tuple[tuple[bool, int, int], ...]]

    def __init__(self, settings: BigGanSettings) -> None:
        self._device = require_device(settings.device)
        self._settings = settings
        self.n_dims = 2 * N_HALF if settings.search == "full" else N_HALF
        model: Any
        model, _ = trained_model(self.name, settings, self._build, _up_to_date)
        _set_truncation(model, settings.truncation)
        self._generator = model.generator
        put_channels_last(self._generator, self._device)
        # A class vector is a column of the embedding's weights.
        self._embeddings = model.embeddings.weight.cpu().numpy().T
        noise_rng = np.random.default_rng(settings.noise_seed)
        self._noise = _noise(1, settings.truncation, noise_rng)

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

        whole = self._completed(checked_codes(codes, self.n_dims, self.name))
        inputs = torch.from_numpy(whole).to(self._device)
        return compute_in_batches(self._images, inputs, self._settings.batch_size).numpy()

    def sample_codes(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw truncated noise, and embeddings of classes; see `Generator.sample_codes`."""
        noise = _noise(n, self._settings.truncation, rng)
        classes = self._embeddings[rng.integers(N_CLASSES, size=n)].astype(np.float64)
        halves = {"noise": noise, "class": classes, "full": np.hstack([noise, classes])}
        codes: FloatArray = halves[self._settings.search]
        return codes

    def _completed(self, codes: FloatArray) -> FloatArray:
        """Add the half that is not searched."""
        noise = np.repeat(self._noise.astype(np.float32), len(codes), axis=0)
        embedding = np.repeat(self._embeddings[[self._settings.class_index]], len(codes), axis=0)
        halves = {"noise": [codes, embedding], "class": [noise, codes], "full": [codes]}
        return np.hstack(halves[self._settings.search])

    def _images(self, inputs: torch.Tensor) -> torch.Tensor:
        import torch

        # At a truncation of 1 the package does not interpolate.
        values: torch.Tensor = self._generator(inputs, 1.0)
        levels = (127.5 * (values + 1)).round().clamp(0, 255).to(torch.uint8)
        return levels.permute(0, 2, 3, 1)

    def _build(self) -> torch.nn.Module:
        from pytorch_pretrained_biggan import BigGAN, BigGANConfig

        model: Any = BigGAN(BigGANConfig(output_dim=self.image_size_px, layers=self.blocks))
        # The package leaves these to whatever was in memory. What is before the last layer decides
        # on the contrast, for the last one's weights are normalised.
        model.generator.bn.weight.data.fill_(RANDOM_GAIN)
        model.generator.bn.bias.data.zero_()
        for module in model.modules():
            if hasattr(module, "weight_orig"):
                _settle_spectral_norm(module)
        built: torch.nn.Module = model
        return built


class BigGanDeep128(BigGan):
    """Of 128 x 128 pixels."""

    name = "biggan_deep_128"
    image_size_px = 128
    blocks = BLOCKS_128


class BigGanDeep256(BigGan):
    """Of 256 x 256 pixels."""

    name = "biggan_deep_256"
    image_size_px = 256
    blocks = BLOCKS_256


class BigGanDeep512(BigGan):
    """Of 512 x 512 pixels."""

    name = "biggan_deep_512"
    image_size_px = 512
    blocks = BLOCKS_512


def at_truncation(rows: torch.Tensor, truncation: float) -> torch.Tensor:
    """Interpolate statistics that are given at equal steps of truncation from 0 to 1.

    Parameters
    ----------
    rows : (n_steps + 1, n_channels) tensor
    truncation : float, from 0 to 1

    Returns
    -------
    statistics : (n_channels,) tensor
    """
    n_steps = len(rows) - 1
    # 0.58 * 50 is 28.999999999999996: rounded, what is meant to be a step is one.
    position = round(truncation * n_steps, 9)
    lower = min(math.floor(position), n_steps - 1)
    share = position - lower
    return rows[lower] * (1 - share) + rows[lower + 1] * share


def _set_truncation(model: torch.nn.Module, truncation: float) -> None:
    """Put the statistics of one truncation in every place where the package may look for them."""
    from pytorch_pretrained_biggan.model import BigGANBatchNorm

    for module in model.modules():
        if isinstance(module, BigGANBatchNorm):
            for rows in (module.running_means, module.running_vars):
                rows.copy_(at_truncation(rows, truncation).expand_as(rows).clone())


def _settle_spectral_norm(module: Any) -> None:
    """Find the largest singular vectors of random weights, as training would on the way."""
    matrix = module.weight_orig.detach().flatten(1)
    left = module.weight_u
    for _ in range(N_POWER_ITERATIONS):
        right = _unit(matrix.T @ left)
        left = _unit(matrix @ right)
    module.weight_u.copy_(left)
    module.weight_v.copy_(right)


def _unit(vector: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.nn.functional.normalize(vector, dim=0, eps=EPS)


def _noise(n: int, truncation: float, rng: np.random.Generator) -> FloatArray:
    noise: FloatArray = truncation * truncnorm.rvs(-CUT, CUT, size=(n, N_HALF), random_state=rng)
    return noise


def _up_to_date(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return weights that any version of torch wrote as the one of today does.

    Early ones kept the normalised weight as well, and not the right singular vector, which is what
    one step of the power iteration makes of the left one.
    """
    state = dict(state)
    normalised = [key for key in state if key.endswith(".weight_orig")]
    for key in normalised:
        name = key.removesuffix("_orig")
        state.pop(name, None)
        if f"{name}_v" not in state and f"{name}_u" in state:
            state[f"{name}_v"] = _unit(state[key].flatten(1).T @ state[f"{name}_u"])
    return state
