"""Random search: the control that learns nothing."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from signseg_rig.errors import OptimizerError
from signseg_rig.interfaces import Optimizer
from signseg_rig.optimizers.told import asked_rows
from signseg_rig.settings import Settings
from signseg_rig.values import FloatArray


class RandomSearchSettings(Settings):
    """Settings of ``kind = "random_search"``; `sigma0` is the standard deviation of the codes."""

    n_codes: int = Field(default=40, ge=1, le=10_000)
    sigma0: float = Field(default=1.0, gt=0, le=1e6)


class RandomSearch(Optimizer):
    """Draws every generation afresh from a normal distribution around the zero code.

    Parameters
    ----------
    settings : RandomSearchSettings
    n_dims : int
    rng : numpy.random.Generator
    """

    Config = RandomSearchSettings

    def __init__(
        self, settings: RandomSearchSettings, *, n_dims: int, rng: np.random.Generator
    ) -> None:
        if n_dims < 1:
            raise OptimizerError(f"Codes have at least 1 dimension; got {n_dims}.")
        self.n_dims = n_dims
        self.n_codes = settings.n_codes
        self._sigma = settings.sigma0
        self._rng = rng
        self._asked: FloatArray = np.empty((0, n_dims))

    def ask(self) -> FloatArray:
        """Propose a generation; see `Optimizer.ask`."""
        self._asked = self._rng.standard_normal((self.n_codes, self.n_dims)) * self._sigma
        return self._asked.copy()

    def tell(self, codes: FloatArray, scores: FloatArray) -> None:
        """Check what it is told, and forget it; see `Optimizer.tell`."""
        asked_rows(self._asked, codes, scores)
