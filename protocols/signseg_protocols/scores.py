"""Scores: what an evolution maximises, computed from the rates of one unit or several."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from signseg_protocols.names import unknown_name
from signseg_rig.settings import Conflict, Problem, Settings, named_again
from signseg_rig.settings.toml_lines import KeyPath
from signseg_rig.values import FloatArray, ResponseBatch

UnitName = Annotated[str, Field(min_length=1, max_length=200)]


class Score(Settings):
    """The base of all scores; higher is better.

    `subtract_baseline` takes each presentation's baseline rate off its evoked rate.
    """

    subtract_baseline: bool = True

    @property
    @abstractmethod
    def used_units(self) -> tuple[str, ...]:
        """Names of the units that are read."""

    @property
    @abstractmethod
    def unit_keys(self) -> tuple[KeyPath, ...]:
        """Where each of the used units is named, from the score's own table."""

    @abstractmethod
    def combine(self, rates_hz: FloatArray) -> FloatArray:
        """Combine the rates of the used units.

        Parameters
        ----------
        rates_hz : (n_stimuli, n_used_units) float array, in spikes per second
            In the order of `used_units`; a stimulus without valid responses is NaN throughout.

        Returns
        -------
        scores : (n_stimuli,) float array
            NaN where a rate is.
        """

    def of(self, responses: ResponseBatch, n_stimuli: int) -> FloatArray:
        """Score the stimuli of a block.

        Parameters
        ----------
        responses : ResponseBatch
        n_stimuli : int
            Size of the batch that was shown.

        Returns
        -------
        scores : (n_stimuli,) float array
            NaN where a stimulus has no valid presentation.
        """
        rates_hz = responses.stimulus_means(n_stimuli, subtract_baseline=self.subtract_baseline)
        columns = [responses.unit_names.index(unit) for unit in self.used_units]
        return self.combine(rates_hz[:, columns])

    def of_presentations(self, responses: ResponseBatch) -> FloatArray:
        """Score each presentation by itself.

        Returns
        -------
        scores : (n_presentations,) float array
            NaN where a presentation is not valid.
        """
        evoked_hz, baseline_hz = responses.evoked_hz, responses.baseline_hz
        rates_hz = evoked_hz - baseline_hz if self.subtract_baseline else evoked_hz
        columns = [responses.unit_names.index(unit) for unit in self.used_units]
        scores = np.full(len(responses.reasons), np.nan)
        is_valid = responses.is_valid
        scores[is_valid] = self.combine(rates_hz[:, columns][is_valid])
        return scores

    def problems(self, where: str, unit_names: Collection[str]) -> list[Problem]:
        """List the units that the response source does not have; keys are from its own table."""
        remedy = "Name units of the response source."
        return [
            Problem(unknown_name(where, "unit", unit, unit_names, remedy=remedy), key)
            for unit, key in zip(self.used_units, self.unit_keys, strict=True)
            if unit not in unit_names
        ]


class ChannelScore(Score):
    """The rate of one unit, in spikes per second."""

    kind: Literal["channel"] = "channel"
    unit: UnitName

    @property
    def used_units(self) -> tuple[str, ...]:
        """The unit."""
        return (self.unit,)

    @property
    def unit_keys(self) -> tuple[KeyPath, ...]:
        """Where the units are named."""
        return (("unit",),)

    def combine(self, rates_hz: FloatArray) -> FloatArray:
        """Take the unit's rate."""
        return rates_hz[:, 0]


class MeanScore(Score):
    """The mean rate of several units, in spikes per second."""

    kind: Literal["mean"] = "mean"
    units: tuple[UnitName, ...] = Field(min_length=1)

    def conflicts(self) -> Iterator[Conflict]:
        """Yield each unit that is named again."""
        yield from named_again("units", self.units)

    @property
    def used_units(self) -> tuple[str, ...]:
        """The units."""
        return self.units

    @property
    def unit_keys(self) -> tuple[KeyPath, ...]:
        """Where the units are named."""
        return tuple(("units", position) for position in range(len(self.units)))

    def combine(self, rates_hz: FloatArray) -> FloatArray:
        """Average over units."""
        return np.asarray(rates_hz.mean(axis=1))


class ContrastScore(Score):
    """The rate of a preferred unit less that of another, in spikes per second."""

    kind: Literal["contrast"] = "contrast"
    preferred: UnitName
    other: UnitName

    def conflicts(self) -> Iterator[Conflict]:
        """Yield a unit that is compared with itself."""
        if self.preferred == self.other:
            message = f"preferred and other should be two units; both are {self.other!r}"
            yield Conflict(message, (("other",), ("preferred",)))

    @property
    def used_units(self) -> tuple[str, ...]:
        """The preferred unit and the other one."""
        return (self.preferred, self.other)

    @property
    def unit_keys(self) -> tuple[KeyPath, ...]:
        """Where the units are named."""
        return (("preferred",), ("other",))

    def combine(self, rates_hz: FloatArray) -> FloatArray:
        """Subtract the other unit's rate."""
        return np.asarray(rates_hz[:, 0] - rates_hz[:, 1])


class PatternScore(Score):
    """The cosine similarity, from -1 to 1, of the population's rates with target rates.

    With `subtract_baseline` the targets are rates above baseline too. A population that is
    silent has no direction; it scores 0.
    """

    kind: Literal["pattern"] = "pattern"
    targets_hz: dict[UnitName, float] = Field(min_length=2)

    def conflicts(self) -> Iterator[Conflict]:
        """Yield a pattern without direction."""
        if not any(self.targets_hz.values()):
            message = "targets_hz should not all be 0: no pattern is similar to that"
            yield Conflict(message, (("targets_hz",),))

    @property
    def used_units(self) -> tuple[str, ...]:
        """The units that have a target."""
        return tuple(self.targets_hz)

    @property
    def unit_keys(self) -> tuple[KeyPath, ...]:
        """Where the units are named."""
        return tuple(("targets_hz", unit) for unit in self.targets_hz)

    def combine(self, rates_hz: FloatArray) -> FloatArray:
        """Compute cos = r.t / (|r| |t|)."""
        targets_hz = np.array(list(self.targets_hz.values()))
        lengths = np.linalg.norm(rates_hz, axis=1)
        lengths[lengths == 0] = 1.0
        return np.asarray(rates_hz @ targets_hz / (lengths * np.linalg.norm(targets_hz)))


ScoreChoice = Annotated[
    ChannelScore | MeanScore | ContrastScore | PatternScore, Field(discriminator="kind")
]
