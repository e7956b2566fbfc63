"""Do tasks of a sweep: what a worker process has, and what it does with it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from signseg_rig.errors import ConfigError
from signseg_rig.interfaces import Generator, Network, Optimizer
from signseg_rig.neurons import NeuronModels
from signseg_rig.seeds import named_rng
from signseg_rig.signs import AblatedWeights, ablate, matched_random
from signseg_rig.types import FloatArray, ImageArray
from signseg_rig.visualization.evolution import Evolution, Search, evolve_together
from signseg_rig.visualization.results import Result, ResultFolder
from signseg_rig.visualization.sweep_settings import SweepSettings
from signseg_rig.visualization.tasks import INTACT, Task


class Readouts:
    """The units of a sweep: linear readouts of a network's features.

    Parameters
    ----------
    settings : SweepSettings

    Raises
    ------
    ConfigError
        There is no such unit.
    NeuronModelError
        The neuron models cannot be read, or were fitted on another network.
    """

    def __init__(self, settings: SweepSettings) -> None:
        network: Network = settings.network.load()(settings.network.settings)
        self._see: Callable[[ImageArray], FloatArray] = network.features
        if settings.neurons is None:
            names, (weights, bias) = network.unit_names, network.readout
        else:
            models = NeuronModels.load(settings.neurons)
            self._see = models.reader(network).features
            names, weights, bias = models.unit_ids, models.coef, models.intercept
        if missing := [unit for unit in settings.units if unit not in names]:
            raise ConfigError(
                f"There is no unit {', '.join(map(repr, missing))} among the {len(names)}, such as "
                f"{', '.join(map(repr, names[:3]))}."
            )
        rows = [names.index(unit) for unit in settings.units]
        self._rows = {unit: row for row, unit in enumerate(settings.units)}
        self._weights = np.asarray(weights, dtype=np.float64)[rows]
        self._bias = np.asarray(bias, dtype=np.float64)[rows]

    def see(self, images: ImageArray) -> FloatArray:
        """Give the features (n, n_features) of images."""
        return self._see(images)

    def weights(self, unit: str) -> FloatArray:
        """Give the weights of a unit, (1, n_features)."""
        return self._weights[[self._rows[unit]]]

    def bias(self, unit: str) -> float:
        """Give the bias of a unit; an ablation leaves it as it is."""
        return float(self._bias[self._rows[unit]])


def do_tasks(sweep: str, folder: str, tasks: Sequence[Task]) -> int:
    """Do some tasks together, and write their results; what worker processes run.

    Parameters
    ----------
    sweep : str
        The settings as TOML.
    folder : str
        Of the sweep.
    tasks : sequence of Task

    Returns
    -------
    n_done : int
    """
    settings, generator, readouts = _workbench(sweep)
    ablated = [_ablated(settings, readouts, task) for task in tasks]
    searches = [
        Search(
            _optimizer(settings, generator, task),
            _Scorer(one.weights[0], readouts.bias(task.unit)),
        )
        for task, one in zip(tasks, ablated, strict=True)
    ]
    evolutions = evolve_together(generator, readouts.see, searches, settings.n_generations)
    results = ResultFolder(Path(folder))
    for task, one, evolution in zip(tasks, ablated, evolutions, strict=True):
        results.write(task.key, _result(readouts, task, one, evolution))
    return len(tasks)


class _Scorer:
    """A linear readout of features."""

    def __init__(self, weights: FloatArray, bias: float) -> None:
        self._weights = weights
        self._bias = bias

    def __call__(self, features: FloatArray) -> FloatArray:
        # Not by BLAS, whose last bits depend on how many rows there are.
        scores: FloatArray = np.einsum("if,f->i", features.astype(np.float64), self._weights)
        return scores + self._bias


@cache
def _workbench(sweep: str) -> tuple[SweepSettings, Generator, Readouts]:
    """Load the models of a sweep once in a process, each with one thread.

    With other numbers of threads the last bits would differ, and workers share the processors.
    """
    import torch

    torch.set_num_threads(1)
    settings = SweepSettings.model_validate(tomllib.loads(sweep))
    generator: Generator = settings.generator.load()(settings.generator.settings)
    return settings, generator, Readouts(settings)


def _ablated(settings: SweepSettings, readouts: Readouts, task: Task) -> AblatedWeights:
    weights, condition = readouts.weights(task.unit), task.condition
    if condition.sign == INTACT:
        return ablate(weights, sign="positive", strength=0)
    removed = ablate(weights, sign=condition.sign, strength=condition.strength)  # type: ignore[arg-type]
    if not condition.control:
        return removed
    rng = named_rng(
        settings.seed,
        *("control", task.unit, condition.sign, condition.control),
        *(repr(condition.strength), task.repeat),
    )
    return matched_random(weights, removed, match=condition.control, rng=rng)  # type: ignore[arg-type]


def _optimizer(settings: SweepSettings, generator: Generator, task: Task) -> Optimizer:
    # The same stream for every condition: what differs between them is then the ablation alone.
    rng = named_rng(settings.seed, "optimizer", task.unit, task.repeat)
    optimizer: Optimizer = settings.optimizer.load()(
        settings.optimizer.settings, n_dims=generator.n_dims, rng=rng
    )
    return optimizer


def _result(
    readouts: Readouts, task: Task, ablated: AblatedWeights, evolution: Evolution
) -> Result:
    intact = _Scorer(readouts.weights(task.unit)[0], readouts.bias(task.unit))
    features = readouts.see(evolution.best_image[None])
    return Result(
        best_code=evolution.best_code,
        best_image=evolution.best_image,
        scores=evolution.scores,
        intact_score=intact(features)[0],
        n_removed=ablated.n_removed[0],
        realized_strength=ablated.realized_strength[0],
    )
