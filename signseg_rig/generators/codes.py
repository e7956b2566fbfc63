"""Codes and models as torch takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from signseg_rig.errors import ConfigError
from signseg_rig.values import FloatArray

if TYPE_CHECKING:
    import torch


def checked_codes(codes: FloatArray, n_dims: int, name: str) -> FloatArray:
    """Return codes in single precision, or say what is wrong with them.

    Parameters
    ----------
    codes : (n, n_dims) float array
    n_dims : int
    name : str
        Of the generator, for the message.

    Raises
    ------
    ConfigError
        They have another shape, or are not finite.
    """
    codes = np.asarray(codes)
    if codes.ndim != 2 or codes.shape[1] != n_dims:
        raise ConfigError(
            f"Codes of {name} should have the shape (n, {n_dims}); got {codes.shape}."
        )
    # Also what is finite in double precision only would come out as a blank image.
    with np.errstate(over="ignore"):
        single = codes.astype(np.float32, order="C")
    if not np.isfinite(single).all():
        first = int(np.flatnonzero(~np.isfinite(single).all(axis=1))[0])
        raise ConfigError(
            f"Codes of {name} should be finite in single precision; code {first} of {len(codes)} "
            "is not. Whatever proposed it has diverged."
        )
    return single


def put_channels_last(model: torch.nn.Module, device: torch.device) -> None:
    """Lay out convolutions as a CPU computes them fastest."""
    import torch

    if device.type == "cpu":
        model.to(memory_format=torch.channels_last)
