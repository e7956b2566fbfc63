"""CMA-ES through the `cma` package, for neurons: noisy, sometimes silent, never stopped early."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from signseg_rig.errors import OptimizerError
from signseg_rig.interfaces import Optimizer
from signseg_rig.optimizers.told import asked_rows
from signseg_rig.settings import Settings
from signseg_rig.values import FloatArray, IntArray

MAX_FULL_DIMS = 512


class CmaEsSettings(Settings):
    """Settings of ``kind = "cma_es"``.

    `sigma0` is the first step size in units of the code: 1 for generators with standard normal
    codes; published for DeePSiM fc6 3.0, for BigGAN 0.2 (Wang & Ponce 2022). `covariance` "auto"
    is full to 512 dimensions and diagonal above: there a full one would take seconds a
    generation and would hardly adapt at 40 codes.
    """

    n_codes: int = Field(default=40, ge=4, le=10_000)
    sigma0: float = Field(default=1.0, gt=0, le=1e6)
    covariance: Literal["auto", "full", "diagonal"] = "auto"


class CmaEs(Optimizer):
    """Covariance matrix adaptation, started at the zero code.

    Parameters
    ----------
    settings : CmaEsSettings
    n_dims : int
    rng : numpy.random.Generator

    Notes
    -----
    CMA-ES learns from ranks alone, so ranks are what it is told: the scale of the scores and equal
    scores (a silent neuron) do not matter, and ties go by the order of asking, which is random.
    Codes without a score get the middle ranks, between the better and the worse half of the
    scored ones: there recombination weights are nearest to zero, so what was not seen counts
    neither as good nor as bad.
    """

    Config = CmaEsSettings

    def __init__(self, settings: CmaEsSettings, *, n_dims: int, rng: np.random.Generator) -> None:
        if n_dims < 2:
            raise OptimizerError(f"CMA-ES needs codes of at least 2 dimensions; got {n_dims}.")
        self.n_dims = n_dims
        self.n_codes = settings.n_codes
        self.is_diagonal = settings.covariance == "diagonal" or (
            settings.covariance == "auto" and n_dims > MAX_FULL_DIMS
        )
        from signseg_rig.optimizers.cma_package import Strategy

        self._strategy = Strategy(
            n_dims=n_dims,
            n_codes=settings.n_codes,
            sigma0=settings.sigma0,
            is_diagonal=self.is_diagonal,
            rng=rng,
        )
        self._asked: FloatArray = np.empty((0, n_dims))

    def ask(self) -> FloatArray:
        """Propose a generation; see `Optimizer.ask`."""
        self._asked = self._strategy.ask()
        return self._asked.copy()

    def tell(self, codes: FloatArray, scores: FloatArray) -> None:
        """Learn from a generation; see `Optimizer.tell`. Without any code it learns nothing."""
        rows = asked_rows(self._asked, codes, scores)
        if rows.size:
            self._strategy.tell(_costs(rows, scores, self.n_codes))


def _costs(rows: IntArray, scores: FloatArray, n_codes: int) -> list[float]:
    """Rank all codes of a generation, best first: the package minimises."""
    order = rows[np.lexsort((rows, -scores))]
    unscored = np.setdiff1d(np.arange(n_codes), rows)
    middle = (len(order) + 1) // 2
    ranking = np.concatenate([order[:middle], unscored, order[middle:]])
    costs = np.empty(n_codes)
    costs[ranking] = np.arange(n_codes)
    ranked: list[float] = costs.tolist()
    return ranked
