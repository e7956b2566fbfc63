"""The genetic algorithm of XDream, as a control beside CMA-ES."""

from __future__ import annotations

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from signseg_rig.errors import OptimizerError
from signseg_rig.interfaces import Optimizer
from signseg_rig.optimizers.told import asked_rows
from signseg_rig.settings import Settings
from signseg_rig.types import FloatArray


class GeneticSettings(Settings):
    """Settings of ``kind = "genetic"``, with the defaults that XDream was run with.

    The exception is `n_codes`: XDream's experiments showed 30 codes per generation, the default
    here is that of the other optimizers. `sigma0` is the standard deviation of the first
    generation, drawn around the zero code (XDream starts from codes of texture images, or likewise
    from noise where it is given none).
    """

    n_codes: int = Field(default=40, ge=4, le=10_000)
    sigma0: float = Field(default=1.0, gt=0, le=1e6)
    n_conserved: int = Field(default=10, ge=0, le=10_000)
    temperature: float = Field(default=2.0, gt=0, le=1000)
    parental_skew: float = Field(default=0.75, ge=0.5, le=1)
    mutation_rate: float = Field(default=0.25, ge=0, le=1)
    mutation_size: float = Field(default=0.75, ge=0, le=1e6)

    @model_validator(mode="after")
    def _leaves_room(self) -> Self:
        if self.n_conserved >= self.n_codes:
            raise ValueError(
                f"n_conserved ({self.n_conserved}) should be below n_codes ({self.n_codes}), or "
                "nothing new is ever tried"
            )
        return self


class Genetic(Optimizer):
    """Selection, recombination and mutation, with the best codes conserved.

    Parameters
    ----------
    settings : GeneticSettings
    n_dims : int
    rng : numpy.random.Generator

    Notes
    -----
    Ponce et al. 2019 and its program XDream. A code is a parent with a probability that grows as
    ``exp(score / kT)``, kT being `temperature` times the standard deviation of the scores. Each
    element of a child comes from the first parent with probability `parental_skew`, else from the
    second, and is mutated by normal noise with probability `mutation_rate`. The conserved codes
    are shown again.

    Two things differ from XDream. It cuts scores off at their 95th percentile before it computes
    who is a parent; here an outlier keeps its weight. It carries codes without a score over to the
    next generation; here they are no parents and are not conserved.
    """

    Config = GeneticSettings

    def __init__(self, settings: GeneticSettings, *, n_dims: int, rng: np.random.Generator) -> None:
        if n_dims < 1:
            raise OptimizerError(f"Codes have at least 1 dimension; got {n_dims}.")
        self.n_dims = n_dims
        self.n_codes = settings.n_codes
        self._settings = settings
        self._rng = rng
        self._next = rng.standard_normal((self.n_codes, n_dims)) * settings.sigma0
        self._asked: FloatArray = np.empty((0, n_dims))

    def ask(self) -> FloatArray:
        """Propose a generation; see `Optimizer.ask`."""
        self._asked = self._next
        return self._asked.copy()

    def tell(self, codes: FloatArray, scores: FloatArray) -> None:
        """Breed the next generation; see `Optimizer.tell`."""
        rows = asked_rows(self._asked, codes, scores)
        if rows.size == 0:
            return
        # In the order of asking, so that the order of telling leaves no trace in what is drawn.
        in_order = np.argsort(rows)
        parents, fitness = self._asked[rows[in_order]], scores[in_order]
        n_conserved = min(self._settings.n_conserved, len(parents))
        best = np.argsort(-fitness, kind="stable")[:n_conserved]
        children = self._children(parents, fitness, self.n_codes - n_conserved)
        self._next = np.concatenate([parents[best], self._mutated(children)])

    def _children(self, parents: FloatArray, fitness: FloatArray, n: int) -> FloatArray:
        spread = fitness.std() * self._settings.temperature
        weight = np.exp((fitness - fitness.max()) / spread) if spread > 0 else np.ones(len(fitness))
        pairs = self._rng.choice(len(parents), size=(2, n), p=weight / weight.sum())
        is_from_first = self._rng.random((n, self.n_dims)) < self._settings.parental_skew
        return np.where(is_from_first, parents[pairs[0]], parents[pairs[1]])

    def _mutated(self, children: FloatArray) -> FloatArray:
        noise = self._rng.standard_normal(children.shape) * self._settings.mutation_size
        is_mutated = self._rng.random(children.shape) < self._settings.mutation_rate
        return children + noise * is_mutated
