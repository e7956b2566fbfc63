"""Neurons that are linear readouts of a network's features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from signseg_rig.errors import ConfigError
from signseg_rig.interfaces import Network, Simulator, SimulatorContext, no_readout
from signseg_rig.settings import Conflict, PluginChoice, PluginGroup, Problem, Settings, named_again
from signseg_rig.values import FloatArray, ImageArray
from signseg_rig.wording import close_match_hint


class ReadoutPopulationSettings(Settings):
    """Units of a network's readout, and what their drive means in spikes per second.

    The expected rate is ``baseline_hz + gain_hz * drive``, between 0 and `max_rate_hz`; the drive
    is what the readout gives, weights times features plus bias.
    """

    network: Annotated[PluginChoice, PluginGroup("networks")] = Field(
        default={"kind": "efficientnet_lite0"}, validate_default=True
    )
    units: tuple[str, ...] = Field(min_length=1)
    baseline_hz: float = Field(default=5.0, ge=0, le=1000)
    gain_hz: float = Field(default=6.0, gt=0, le=1000)
    max_rate_hz: float = Field(default=150.0, gt=0, le=10_000)

    def conflicts(self) -> Iterator[Conflict]:
        """Yield each unit that is named again: a name has to mean one unit."""
        yield from named_again("units", self.units)


class ReadoutPopulation(Simulator):
    """Simulated neurons: units of an ImageNet network's readout by default.

    Parameters
    ----------
    settings : ReadoutPopulationSettings
    context : SimulatorContext

    Raises
    ------
    ConfigError
        The network has no unit of such a name.
    """

    Config: ClassVar[type[Settings]] = ReadoutPopulationSettings

    def __init__(self, settings: ReadoutPopulationSettings, context: SimulatorContext) -> None:
        del context  # its neurons are as they are; chance enters with their spikes
        self._settings = settings
        self._network: Network = settings.network.load()(settings.network.settings)
        self.unit_names = settings.units
        names, readout = self._network.unit_names, self._network.readout
        if problems := [_no_unit(unit, names) for unit in settings.units if unit not in names]:
            raise ConfigError("\n".join(problems))
        rows = [names.index(unit) for unit in settings.units]
        self._weights = np.asarray(readout.weights)[rows].astype(np.float64)
        self._bias = np.asarray(readout.bias)[rows].astype(np.float64)

    @classmethod
    def problems(cls, settings: Any) -> list[Problem]:
        """List the units that the network does not have, for `signseg-rig check`."""
        network: type[Network] = settings.network.load()
        if not network.has_readout:
            return [Problem(no_readout(settings.network.kind), ("network",))]
        names = network.foreseen_unit_names(settings.network.settings)
        return [
            Problem(_no_unit(unit, names), ("units", position))
            for position, unit in enumerate(settings.units)
            if names is not None and unit not in names
        ]

    @classmethod
    def foreseen_unit_names(cls, settings: Any) -> tuple[str, ...]:
        """Return the names of the units; see `Simulator.foreseen_unit_names`."""
        return tuple(settings.units)

    def rates_hz(self, images: ImageArray) -> FloatArray:
        """Return the expected evoked rates; see `Simulator.rates_hz`."""
        # One by one: what a neuron answers must not depend on which images come with it, not
        # even in the last bit, or a resumed run would be another run.
        features = np.concatenate([self._network.features(image[None]) for image in images])
        # Not by BLAS, whose last bits depend on the number of images too.
        drive = np.einsum("if,uf->iu", features.astype(np.float64), self._weights) + self._bias
        settings = self._settings
        rate_hz: FloatArray = np.clip(
            settings.baseline_hz + settings.gain_hz * drive, 0, settings.max_rate_hz
        )
        return rate_hz

    def ground_truth(self) -> dict[str, FloatArray]:
        """Return the weights and biases of the simulated neurons."""
        return {"weights": self._weights, "bias": self._bias}


def _no_unit(unit: str, names: Sequence[str]) -> str:
    hint = close_match_hint(unit, names, n=3)
    return (
        f"The network has no unit {unit!r} among its {len(names)}.{hint} The names are those of "
        "its unit_names."
    )
