"""CMA-ES through the `cma` package, for neurons: noisy, sometimes silent, never stopped early."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import cma
import numpy as np
from cma.sigma_adaptation import CMAAdaptSigmaCSA
from pydantic import Field

from signseg_rig.errors import OptimizerError
from signseg_rig.interfaces import Optimizer
from signseg_rig.optimizers.told import asked_rows
from signseg_rig.settings import Settings
from signseg_rig.types import FloatArray, IntArray

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
        is_diagonal = settings.covariance == "diagonal" or (
            settings.covariance == "auto" and n_dims > MAX_FULL_DIMS
        )
        options: dict[str, Any] = {
            "popsize": settings.n_codes,
            "CMA_diagonal": is_diagonal,
            # NaN is the one seed that leaves NumPy's global generator alone.
            "seed": np.nan,
            "randn": _Normal(rng),
            "AdaptSigma": _StepSizeControl,
            "verbose": -9,
        }
        with _quiet():
            self._strategy = cma.CMAEvolutionStrategy(np.zeros(n_dims), settings.sigma0, options)
        self._asked: FloatArray = np.empty((0, n_dims))
        self._solutions: list[FloatArray] = []

    def ask(self) -> FloatArray:
        """Propose a generation; see `Optimizer.ask`."""
        self._solutions = self._strategy.ask()
        self._asked = np.array(self._solutions, dtype=np.float64)
        return self._asked.copy()

    def tell(self, codes: FloatArray, scores: FloatArray) -> None:
        """Learn from a generation; see `Optimizer.tell`. Without any code it learns nothing."""
        rows = asked_rows(self._asked, codes, scores)
        if rows.size:
            with _quiet():
                self._strategy.tell(self._solutions, _costs(rows, scores, self.n_codes))


class _StepSizeControl(CMAAdaptSigmaCSA):  # type: ignore[misc]
    """Cumulative step-size adaptation, as the package does by default."""

    def check_consistency(self, _strategy: object) -> None:
        """Check nothing: the package's own check draws from NumPy's global generator."""


class _Normal:
    """The package's source of chance; it calls this as it would call ``numpy.random.randn``."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def __call__(self, *shape: int) -> FloatArray:
        return self._rng.standard_normal(shape)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the package from warning about what is normal for a neuron that hardly answers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


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
