"""Measure the images of a sweep: one number for each unit, condition and measure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from signseg_rig.errors import SweepError
from signseg_rig.interfaces import Generator, Metric, MetricContext
from signseg_rig.seeds import named_rng
from signseg_rig.signs import Condition
from signseg_rig.sweeps.devices import on_devices_here
from signseg_rig.sweeps.results import Result, ResultFolder
from signseg_rig.sweeps.settings import SweepSettings
from signseg_rig.sweeps.tasks import conditions, list_tasks
from signseg_rig.values import ImageArray

# Half of them are the centre of similarities, the other half their floor.
N_RANDOM_IMAGES = 40
REACHED, INTACT_RESPONSE = "reached_activation", "intact_response"
N_REMOVED, REALIZED_STRENGTH = "n_removed", "realized_strength"
REMOVED_MAGNITUDE = "removed_magnitude"
N_NAMED = 3  # of results that cannot be used


@dataclass(frozen=True, slots=True)
class Number:
    """One number behind a figure.

    Parameters
    ----------
    unit : str
    condition : Condition
    repeat : int or None
        Of a random control, its draw. None where the number is of all repeats together.
    measure : str
        ``"reached_activation"``: the highest score of the evolution, of the unit as it was ablated;
        ``"intact_response"``: what the intact unit gives for that image; ``"n_removed"``,
        ``"realized_strength"`` and ``"removed_magnitude"``: of the unit's weights, see `Result`; or
        ``"<metric>.<value>"``, see the metric.
    value : float
        NaN where it does not exist.
    """

    unit: str
    condition: Condition
    repeat: int | None
    measure: str
    value: float


@dataclass(frozen=True, slots=True, eq=False)
class SweepImages:
    """The results of a sweep that there are so far.

    Parameters
    ----------
    settings : SweepSettings
    results : dict of (unit, condition) to list of Result or None
        In the order of the repeats, or of the draws of a random control; None for those that are
        missing.
    network : str
        What names the network among the sources of chance, see `Task`.
    """

    settings: SweepSettings
    results: Mapping[tuple[str, Condition], Sequence[Result | None]]
    network: str = ""

    @classmethod
    def read(cls, settings: SweepSettings) -> SweepImages:
        """Read all results that there are.

        Raises
        ------
        SweepError
            There is none, or one is damaged.
        """
        folder = ResultFolder(settings.folder)
        tasks, finished = list_tasks(settings), folder.finished()
        there = [task.key for task in tasks if task.key in finished]
        if not there:
            others = (
                f" of these settings and this version; {len(finished)} of others are left alone"
            )
            raise SweepError(
                f"{settings.folder} has no result yet{others if finished else ''}. Run "
                "'signseg-rig visualize' with its settings first."
            )
        if faults := folder.faults(there, settings.n_generations):
            raise SweepError(" ".join(list(faults.values())[:N_NAMED]))
        results: dict[tuple[str, Condition], list[Result | None]] = {}
        for task in tasks:
            own = results.setdefault((task.unit, task.condition), [])
            own.append(folder.read(task.key) if task.key in finished else None)
        return cls(settings, results, tasks[0].network)

    @property
    def units_without_comparison(self) -> tuple[str, ...]:
        """Units with no two finished repeats when intact: their images meet no independent one."""
        return tuple(
            unit
            for unit in self.settings.units
            if sum(one is not None for one in self.results[unit, Condition()]) < 2
        )

    @property
    def software(self) -> list[Mapping[str, str]]:
        """What each result says that it was computed with."""
        every = (one for own in self.results.values() for one in own)
        return [one.software for one in every if one is not None]

    @property
    def n_missing(self) -> int:
        """How many evolutions have no result."""
        return sum(one is None for own in self.results.values() for one in own)


def measure_sweep(
    images: SweepImages,
    visualized: Mapping[str, str | int | float],
    *,
    on_progress: Callable[[int, int], None] = lambda _n_done, _n_all: None,
) -> tuple[list[Number], dict[str, dict[str, str | float]]]:
    """Measure the results of a sweep with the metrics of its settings.

    Where this machine lacks a device that they name, another one measures; see `on_devices_here`.

    Parameters
    ----------
    images : SweepImages
    visualized : mapping
        `identity` of the network whose units were evolved, or neuron models on its features.
    on_progress : callable
        Called with the numbers of units that are measured and that there are.

    Returns
    -------
    numbers : list of Number
    described : dict of str to dict
        How each metric computes, by its name.

    Notes
    -----
    All conditions of a unit and repeat are evolved with the same random numbers, which makes their
    images more alike than those of two repeats. Hence an image is compared with intact images of
    the *other* repeats, and the value of a condition is the mean over its images (counts are
    summed); for the intact unit the same rule gives what its images have in common with each other.
    Where no other repeat of the intact unit is finished a value that compares is NaN. All other
    values are measured on whole sets.
    """
    settings, _ = on_devices_here(images.settings)
    generator: Generator = settings.generator.load()(settings.generator.settings)
    rng = named_rng(settings.seed, "random images", images.network)
    codes = generator.sample_codes(N_RANDOM_IMAGES, rng)
    context = MetricContext(generator.render(codes), visualized)
    metrics: dict[str, Metric] = {
        name: choice.load()(choice.settings) for name, choice in settings.metrics.items()
    }
    numbers: list[Number] = []
    for n_done, unit in enumerate(settings.units):
        on_progress(n_done, len(settings.units))
        own = {condition: images.results[unit, condition] for condition in conditions(settings)}
        numbers.extend(_activations(unit, own))
        for name, metric in metrics.items():
            numbers.extend(_measured(unit, own, metric, name, context))
    on_progress(len(settings.units), len(settings.units))
    return numbers, {name: metric.describe() for name, metric in metrics.items()}


def is_count(measure: str) -> bool:
    """Return whether a measure counts images, pairs or weights."""
    return measure.rpartition(".")[2].startswith("n_")


def is_outcome(measure: str) -> bool:
    """Return whether a measure may differ between conditions by what they did, not by design."""
    return not is_count(measure) and measure not in (REALIZED_STRENGTH, REMOVED_MAGNITUDE)


def _activations(unit: str, own: Mapping[Condition, Sequence[Result | None]]) -> Iterator[Number]:
    for condition, results in own.items():
        for repeat, result in enumerate(results):
            if result is not None:
                yield Number(unit, condition, repeat, REACHED, float(result.scores.max()))
                yield Number(unit, condition, repeat, INTACT_RESPONSE, float(result.intact_score))
                for name in (N_REMOVED, REALIZED_STRENGTH, REMOVED_MAGNITUDE):
                    yield Number(unit, condition, repeat, name, float(getattr(result, name)))


def _measured(
    unit: str,
    own: Mapping[Condition, Sequence[Result | None]],
    metric: Metric,
    name: str,
    context: MetricContext,
) -> Iterator[Number]:
    """Measure the images of a unit, of all conditions against the same intact ones in turn."""
    reference = _images(own[Condition()])
    if reference is None:
        return
    of_sets = {
        condition: metric.measure(whole, reference, context)
        for condition, results in own.items()
        if (whole := _images(results)) is not None
    }
    is_needed = any(metric.compares(key) for values in of_sets.values() for key in values)
    compared = _compared(own, metric, context) if is_needed else {}
    for condition, values in of_sets.items():
        for key, of_set in values.items():
            each = [one[key] for one in compared.get(condition, ())]
            value = _combined(key, each) if metric.compares(key) else of_set
            yield Number(unit, condition, None, f"{name}.{key}", value)


def _compared(
    own: Mapping[Condition, Sequence[Result | None]], metric: Metric, context: MetricContext
) -> dict[Condition, list[dict[str, float]]]:
    """Measure each image against the intact images of the other repeats, as far as there are."""
    intact = own[Condition()]
    compared: dict[Condition, list[dict[str, float]]] = {condition: [] for condition in own}
    # Random controls may have more draws than the intact unit has repeats.
    for repeat in range(max(map(len, own.values()))):
        others = _images([*intact[:repeat], *intact[repeat + 1 :]])
        for condition, results in own.items():
            image = _images(results[repeat : repeat + 1])
            if image is not None and others is not None:
                compared[condition].append(metric.measure(image, others, context))
    return compared


def _combined(key: str, each: Sequence[float]) -> float:
    known = [value for value in each if np.isfinite(value)]
    if is_count(key):
        return float(sum(known))
    return float(np.mean(known)) if known else float("nan")


def _images(results: Sequence[Result | None]) -> ImageArray | None:
    found = [result.best_image for result in results if result is not None]
    return np.stack(found) if found else None
