"""The units of a sweep: how each answers to images, intact and with connections removed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from signseg_rig.datasets import open_images
from signseg_rig.errors import ConfigError, NeuronModelError
from signseg_rig.interfaces import Network, Readout
from signseg_rig.networks import HiddenLayer
from signseg_rig.neurons import NeuronModels, allow_sign_ablation, require_never_negative
from signseg_rig.seeds import named_rng
from signseg_rig.signs import AblatedWeights, GradedAblation, Scope, both_signs, matched_random
from signseg_rig.sweeps.settings import SweepSettings
from signseg_rig.sweeps.tasks import Task
from signseg_rig.values import FloatArray, ImageArray

See = Callable[[ImageArray], FloatArray]


class LinearUnit:
    """A linear readout of features.

    Parameters
    ----------
    weights : (n_features,) float array
    bias : float
        An ablation leaves it as it is.
    """

    def __init__(self, weights: FloatArray, bias: float) -> None:
        self._weights = weights
        self._bias = bias

    def __call__(self, features: FloatArray) -> FloatArray:
        """Return the responses, (n,), to features (n, n_features)."""
        # Not by BLAS, whose last bits depend on how many rows there are.
        scores: FloatArray = np.einsum("if,f->i", features.astype(np.float64), self._weights)
        return scores + self._bias


class Lesioned(NamedTuple):
    """A unit under a condition.

    Parameters
    ----------
    see : callable
        Gives what the unit reads, (n, n_features), of images. Units that see alike share one.
    unit : LinearUnit
    n_removed : int
        Connections.
    realized_strength : float
        See `AblatedWeights`; of a hidden layer, whose channels are ablated one by one, their mean.
    removed_magnitude : float
        Sum of the magnitudes of the connections removed, or of their contributions.
    """

    see: See
    unit: LinearUnit
    n_removed: int
    realized_strength: float
    removed_magnitude: float


class Units(ABC):
    """The units of a sweep."""

    @abstractmethod
    def lesion(self, tasks: Sequence[Task]) -> list[Lesioned]:
        """Return the units of tasks under their conditions; the intact ones stay as they are."""

    @abstractmethod
    def intact_response(self, unit: str, image: ImageArray) -> float:
        """Return what an intact unit answers to an image (height, width, 3)."""


class ReadoutUnits(Units):
    """Linear readouts of one network: its own classes, or neuron models that were fitted on it.

    An ablation keeps the bias, or the intercept: the convention ``"raw"`` of neuron models.

    Parameters
    ----------
    settings : SweepSettings
    network : Network

    Raises
    ------
    ConfigError
        There is no such unit.
    NeuronModelError
        The neuron models cannot be read, were fitted on another network, or are ablated already, or
        features take both signs, so that those of weights mean nothing.
    """

    def __init__(self, settings: SweepSettings, network: Network) -> None:
        self._seed = settings.seed
        self._see: See = network.features
        if settings.neurons is not None:
            models = _as_fitted(settings.neurons)
            self._see = _seen_by(models, network, settings)
            names, readout = models.unit_ids, Readout(models.coef, models.intercept)
        else:
            names, readout = network.unit_names, network.readout
        if missing := [unit for unit in settings.units if unit not in names]:
            raise ConfigError(
                f"There is no unit {', '.join(map(repr, missing))} among the {len(names)}, such as "
                f"{', '.join(map(repr, names[:3]))}."
            )
        self._weights = {
            unit: np.asarray(readout.weights[[names.index(unit)]], dtype=np.float64)
            for unit in settings.units
        }
        self._bias = {unit: float(readout.bias[names.index(unit)]) for unit in settings.units}

    def lesion(self, tasks: Sequence[Task]) -> list[Lesioned]:
        """Remove weights of the readout: all units go on seeing the same features."""
        return [self._lesioned(task) for task in tasks]

    def intact(self, unit: str, see: See | None = None) -> Lesioned:
        """Return an intact unit, which may be made to see other features."""
        weights = LinearUnit(self._weights[unit][0], self._bias[unit])
        return Lesioned(see or self._see, weights, 0, 0.0, 0.0)

    def intact_response(self, unit: str, image: ImageArray) -> float:
        """Return what an intact unit answers to an image."""
        see, answer, *_ = self.intact(unit)
        return float(answer(see(image[None]))[0])

    def _lesioned(self, task: Task) -> Lesioned:
        if task.condition.is_intact:
            return self.intact(task.unit)
        weights = self._weights[task.unit]
        ablated = _ablated(weights, None, "unit", task, self._seed)
        return Lesioned(
            self._see,
            LinearUnit(ablated.weights[0], self._bias[task.unit]),
            int(ablated.n_removed[0]),
            float(ablated.realized_strength[0]),
            _magnitude(weights, ablated),
        )


class HiddenUnits(Units):
    """Classes of a network of which a hidden layer is ablated, for each class by itself.

    Parameters
    ----------
    settings : SweepSettings
        With `hidden`.
    network : Network

    Raises
    ------
    ConfigError
        There is no such unit or layer.
    DataSetError, PictureError
        The images by which contributions are judged cannot be read.
    """

    def __init__(self, settings: SweepSettings, network: Network) -> None:
        assert settings.hidden is not None
        self._seed = settings.seed
        self._network = network
        self._hidden = settings.hidden
        self._readout = ReadoutUnits(settings, network)
        self._layer = HiddenLayer(network, self._hidden.layer)
        self._images = list(open_images(self._hidden.images).read())
        self._contributions = cache(self._compute_contributions)

    def lesion(self, tasks: Sequence[Task]) -> list[Lesioned]:
        """Remove connections of the hidden layer: tasks of one lesion see by one network."""
        lesioned: dict[object, Lesioned] = {}
        for task in tasks:
            key = self._key(task)
            if key not in lesioned:
                lesioned[key] = self._lesioned(task)
        return [lesioned[self._key(task)] for task in tasks]

    def intact_response(self, unit: str, image: ImageArray) -> float:
        """Return what an intact unit answers to an image."""
        return self._readout.intact_response(unit, image)

    def _key(self, task: Task) -> object:
        # Random connections are drawn anew for each repeat.
        return task.unit, task.condition, task.repeat if task.condition.is_random else None

    def _lesioned(self, task: Task) -> Lesioned:
        if task.condition.is_intact:
            return self._readout.intact(task.unit)
        by = self._contributions(task.unit)
        ablated = _ablated(self._layer.weights, by, self._hidden.scope, task, self._seed)
        intact = self._readout.intact(task.unit, self._layer.lesioned(ablated).features)
        shares = ablated.realized_strength[np.isfinite(ablated.realized_strength)]
        return intact._replace(
            n_removed=int(ablated.n_removed.sum()),
            realized_strength=float(shares.mean()) if shares.size else np.nan,
            removed_magnitude=_magnitude(by, ablated),
        )

    def _compute_contributions(self, unit: str) -> FloatArray:
        # One by one: images of a folder need not be of one size.
        each = (
            self._layer.as_rows(self._network.contributions(image[None], self._hidden.layer, unit))
            for image in self._images
        )
        mean: FloatArray = sum(each, np.zeros(self._layer.weights.shape)) / len(self._images)
        return mean


def load_units(settings: SweepSettings) -> Units:
    """Load the network of a sweep and give its units.

    Raises
    ------
    ConfigError
        There is no such unit or layer.
    NeuronModelError
        The neuron models cannot be read, were fitted on another network, or are ablated already.
    """
    network: Network = settings.network.load()(settings.network.settings)
    kind = ReadoutUnits if settings.hidden is None else HiddenUnits
    return kind(settings, network)


def _seen_by(models: NeuronModels, network: Network, settings: SweepSettings) -> See:
    """Return what neuron models read of images, of which the signs of weights mean something."""
    reader = models.reader(network)
    is_anyway = allow_sign_ablation(
        models.signs,
        f"{settings.neurons}, models which read {models.features},",
        signed_features_anyway=settings.signed_features_anyway,
    )
    if is_anyway or reader.is_rectified:
        return reader.features

    def checked(images: ImageArray) -> FloatArray:
        features = reader.features(images)
        require_never_negative(features, models.described)
        return features

    return checked


def _as_fitted(path: Path) -> NeuronModels:
    models = NeuronModels.load(path)
    if models.ablation is not None:
        raise NeuronModelError(
            f"{path} holds models that are ablated already ({models.ablation}): units to be called "
            "intact would not be. Name the file of the models as they were fitted."
        )
    return models


def _magnitude(judged: FloatArray, ablated: AblatedWeights) -> float:
    return float(np.abs(judged[ablated.removed_mask], dtype=np.float64).sum())


def _ablated(
    weights: FloatArray, by: FloatArray | None, scope: Scope, task: Task, seed: int
) -> AblatedWeights:
    condition = task.condition
    if condition.sign == "both":
        return both_signs(weights, strength=condition.strength, scope=scope, by=by)
    assert condition.sign != "intact"
    ablation = GradedAblation(weights, sign=condition.sign, scope=scope, by=by)
    removed = ablation.at(condition.strength)
    if not condition.match:
        return removed
    rng = named_rng(seed, *task.control_stream)
    return matched_random(weights, removed, match=condition.match, rng=rng, by=by)
