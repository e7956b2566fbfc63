"""Optimizers that propose codes and learn from their scores; higher is better everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from signseg_rig.interfaces import Optimizer
from signseg_rig.plugins import load_plugin
from signseg_rig.settings import settings_of

__all__ = ["make_optimizer"]


def make_optimizer(kind: str, *, n_dims: int, seed: int = 0, **settings: Any) -> Optimizer:
    """Make an optimizer by the name of its plugin.

    Parameters
    ----------
    kind : str
        ``"cma_es"``, ``"genetic"``, ``"random_search"``, or that of an installed plugin.
    n_dims : int, > 0
        Dimensions of a code.
    seed : int, >= 0
        Seed of its random stream; NumPy's global one is never touched.
    **settings
        Keys of the optimizer's `Config`.

    Returns
    -------
    optimizer : Optimizer

    Raises
    ------
    PluginNotFoundError
        There is no optimizer of this name.
    ConfigError
        A setting is unknown or out of bounds.

    Examples
    --------
    >>> optimizer = make_optimizer("cma_es", n_dims=3, seed=1, n_codes=8)
    >>> codes = optimizer.ask()
    >>> optimizer.tell(codes, -(codes**2).sum(axis=1))
    >>> codes.shape
    (8, 3)
    """
    plugin = load_plugin("optimizers", kind)
    chosen = settings_of(plugin.Config, settings, f"The optimizer {kind!r}")
    optimizer: Optimizer = plugin(chosen, n_dims=n_dims, rng=np.random.default_rng(seed))
    return optimizer
