"""Neurons that answer as models that were fitted to recorded ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from signseg_rig.errors import RigError
from signseg_rig.interfaces import Network, Simulator, SimulatorContext
from signseg_rig.neurons import NeuronModels
from signseg_rig.settings import (
    Conflict,
    InputPath,
    PluginChoice,
    PluginGroup,
    Settings,
    named_again,
)
from signseg_rig.values import FloatArray, ImageArray


class NeuronModelPopulationSettings(Settings):
    """A file of neuron models, and the network that they were fitted on.

    The expected rate is what the model predicts, between 0 and `max_rate_hz`.
    """

    path: InputPath
    units: tuple[str, ...] | None = Field(default=None, min_length=1)
    network: Annotated[PluginChoice, PluginGroup("networks")] = Field(
        default={"kind": "efficientnet_lite0"}, validate_default=True
    )
    max_rate_hz: float = Field(default=500.0, gt=0, le=10_000)

    def conflicts(self) -> Iterator[Conflict]:
        """Yield each unit that is named again: a name has to mean one unit."""
        yield from named_again("units", self.units or ())


class NeuronModelPopulation(Simulator):
    """Simulated neurons from a neuron-model file, such as ``signseg-rig fit`` writes.

    Parameters
    ----------
    settings : NeuronModelPopulationSettings
    context : SimulatorContext

    Raises
    ------
    NeuronModelError
        The file cannot be read, has no such unit, or was fitted on another network.
    """

    Config: ClassVar[type[Settings]] = NeuronModelPopulationSettings

    def __init__(self, settings: NeuronModelPopulationSettings, context: SimulatorContext) -> None:
        del context  # its neurons are as they are; chance enters with their spikes
        self._models = _models(settings)
        network: Network = settings.network.load()(settings.network.settings)
        self._reader = self._models.reader(network)
        self._max_rate_hz = settings.max_rate_hz
        self.unit_names = self._models.unit_ids

    @classmethod
    def problems(cls, settings: Any) -> list[str]:
        """List what is wrong with the file or the network, for `signseg-rig check`."""
        try:
            models = _models(settings)
        except RigError as error:
            return [str(error)]
        fitted = models.features.network
        chosen = {"kind": settings.network.kind, **dict(settings.network.settings)}
        # Without loading it; whether its weights are those of the fit shows when it is loaded.
        differing = "; ".join(
            f"{key} is {chosen[key]!r}, fitted was {fitted[key]!r}"
            for key in sorted(fitted.keys() & chosen.keys())
            if fitted[key] != chosen[key]
        )
        if not differing:
            return []
        where = f"The models of {settings.path} were fitted on another network than the one chosen"
        return [f"{where}: {differing}. Set 'network' as it was for the fit."]

    @classmethod
    def foreseen_unit_names(cls, settings: Any) -> tuple[str, ...] | None:
        """Read the names of the units in the file; see `Simulator.foreseen_unit_names`."""
        try:
            return _models(settings).unit_ids
        except RigError:  # which `problems` tells
            return None

    def rates_hz(self, images: ImageArray) -> FloatArray:
        """Return the expected evoked rates; see `Simulator.rates_hz`."""
        # One by one: what a neuron answers must not depend on which images come with it.
        features = np.concatenate([self._reader.features(image[None]) for image in images])
        return np.clip(self._models.predict(features), 0, self._max_rate_hz)

    def ground_truth(self) -> dict[str, FloatArray]:
        """Return the coefficients and intercepts of the simulated neurons."""
        return {"weights": self._models.coef, "bias": self._models.intercept}


def _models(settings: NeuronModelPopulationSettings) -> NeuronModels:
    models = NeuronModels.load(settings.path)
    return models if settings.units is None else models.select(settings.units)
