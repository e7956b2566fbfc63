"""The genetic algorithm of XDream, as a control beside CMA-ES."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pydantic import Field

from signseg_rig.errors import OptimizerError
from signseg_rig.interfaces import Optimizer
from signseg_rig.optimizers.told import asked_rows
from signseg_rig.settings import Conflict, Settings
from signseg_rig.values import FloatArray

OUTLIER_PERCENTILE = 95


class GeneticSettings(Settings):
    """Settings of ``kind = "genetic"``, with the defaults of XDream's recordings from neurons.

    The examples that came with the program later have 20 codes, none of them conserved, a
    temperature of 0.5 (it says selectivity 2), a parental skew of 0.5, and mutations at a rate of
    0.5 and of size 0.5. `sigma0` is the standard deviation of the first generation, drawn around
    the zero code as XDream draws it where it is given no codes to start from.
    """

    n_codes: int = Field(default=40, ge=4, le=10_000)
    sigma0: float = Field(default=1.0, gt=0, le=1e6)
    n_conserved: int = Field(default=10, ge=0, le=10_000)
    temperature: float = Field(default=2.0, gt=0, le=1000)
    parental_skew: float = Field(default=0.75, ge=0.5, le=1)
    mutation_rate: float = Field(default=0.25, ge=0, le=1)
    mutation_size: float = Field(default=0.75, ge=0, le=1e6)

    def conflicts(self) -> Iterator[Conflict]:
        """Yield conserved codes that leave no room for others."""
        if self.n_conserved >= self.n_codes:
            yield Conflict(
                f"n_conserved ({self.n_conserved}) should be below n_codes ({self.n_codes}), or "
                "nothing new is ever tried",
                (("n_conserved",), ("n_codes",)),
            )


class Genetic(Optimizer):
    """Selection, recombination and mutation, with the best codes conserved.

    Parameters
    ----------
    settings : GeneticSettings
    n_dims : int
    rng : numpy.random.Generator

    Notes
    -----
    Ponce et al. 2019, as in the program XDream of Xiao & Kreiman 2020. Of the codes that have a
    score, the best `n_conserved` are shown again and every other makes room for a child; codes
    without a score are shown again too. A code is a parent with a probability that grows as
    ``exp(score / kT)``, kT being `temperature` times the standard deviation of the scores; for
    this, scores above their 95th percentile count as that, so that one burst of spikes does not
    father a whole generation. Each element of a child comes from the first parent with probability
    `parental_skew`, else from the second, and is mutated by normal noise with probability
    `mutation_rate`.
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
        children = self._children(parents, fitness, len(parents) - n_conserved)
        unscored = np.delete(self._asked, rows, axis=0)
        self._next = np.concatenate([parents[best], self._mutated(children), unscored])

    def _children(self, parents: FloatArray, fitness: FloatArray, n: int) -> FloatArray:
        spread = fitness.std() * self._settings.temperature
        cut = np.minimum(fitness, np.percentile(fitness, OUTLIER_PERCENTILE))
        weight = np.exp((cut - cut.max()) / spread) if spread > 0 else np.ones(len(cut))
        pairs = self._rng.choice(len(parents), size=(2, n), p=weight / weight.sum())
        is_from_first = self._rng.random((n, self.n_dims)) < self._settings.parental_skew
        return np.where(is_from_first, parents[pairs[0]], parents[pairs[1]])

    def _mutated(self, children: FloatArray) -> FloatArray:
        noise = self._rng.standard_normal(children.shape) * self._settings.mutation_size
        is_mutated = self._rng.random(children.shape) < self._settings.mutation_rate
        return children + noise * is_mutated
