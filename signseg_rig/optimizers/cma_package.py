"""The `cma` package as a neuron needs it; importing it takes seconds, so `cma_es` does it late."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any

import cma
import numpy as np
from cma.sigma_adaptation import CMAAdaptSigmaCSA
from threadpoolctl import ThreadpoolController

from signseg_rig.values import FloatArray


class Strategy:
    """An evolution strategy that never touches NumPy's global generator, prints or warns.

    Its linear algebra has one thread: with more the last bits differ, which the search amplifies,
    so that machines of two and of four processors would find other codes.

    Parameters
    ----------
    n_dims, n_codes : int
    sigma0 : float
    is_diagonal : bool
        Whether the covariance is diagonal.
    rng : numpy.random.Generator
    """

    def __init__(
        self,
        *,
        n_dims: int,
        n_codes: int,
        sigma0: float,
        is_diagonal: bool,
        rng: np.random.Generator,
    ) -> None:
        options = {
            "popsize": n_codes,
            "CMA_diagonal": is_diagonal,
            # NaN is the one seed that leaves NumPy's global generator alone.
            "seed": np.nan,
            "randn": _Normal(rng),
            "AdaptSigma": _StepSizeControl,
            "verbose": -9,
        }
        with _quiet():
            self._strategy = cma.CMAEvolutionStrategy(np.zeros(n_dims), sigma0, options)
        self._solutions: list[FloatArray] = []

    def ask(self) -> FloatArray:
        """Draw a generation: (n_codes, n_dims) float array."""
        with _in_one_thread():
            self._solutions = self._strategy.ask()
        return np.array(self._solutions, dtype=np.float64)

    def tell(self, costs: list[float]) -> None:
        """Learn from the costs of the last generation; lower is better."""
        with _quiet(), _in_one_thread():
            self._strategy.tell(self._solutions, costs)


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


def _in_one_thread() -> AbstractContextManager[Any]:
    limited: AbstractContextManager[Any] = _blas().limit(limits=1, user_api="blas")
    return limited


@cache
def _blas() -> ThreadpoolController:
    # Finding the loaded libraries takes longer than a generation does; NumPy's is loaded by now.
    return ThreadpoolController()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the package from warning about what is normal for a neuron that hardly answers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
