"""Compare the conditions of a sweep: curves over strength, paired tests, areas between curves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from signseg_rig.seeds import named_rng
from signseg_rig.signs import Sign
from signseg_rig.stats import (
    PairedTest,
    adjust_fdr,
    area_between_curves,
    hierarchical_bootstrap,
    paired_test,
)
from signseg_rig.types import FloatArray
from signseg_rig.visualization.measurement import Number, is_outcome
from signseg_rig.visualization.tasks import Condition

# What a sweep is judged by, and what pages show. What else a metric tells, such as its controls and
# the verdicts of single networks that have a mean, is in the tables.
MAIN = (
    *("reached_activation", "intact_response", "across", "across.mean"),
    *("score", "detection_rate", "low_share", "high_share", "slope"),
)
# Parts of the names of values that are of the intact or of random images alone: up to rounding the
# same under all conditions.
STANDARDS = frozenset({"within_intact", "random", "within_random"})


@dataclass(frozen=True, slots=True)
class Comparison:
    """A condition against the intact units.

    Parameters
    ----------
    measure : str
    condition : Condition
    mean : float
        Over units, of the means over repeats.
    change : float
        Mean change from the intact unit.
    low, high : float
        95 % band of the change, by a bootstrap over units and repeats within them.
    test : PairedTest
        Of units, the condition against intact.
    q_value : float
        Its p-value, corrected over the conditions of the measure (Benjamini & Hochberg).
    """

    measure: str
    condition: Condition
    mean: float
    change: float
    low: float
    high: float
    test: PairedTest
    q_value: float


@dataclass(frozen=True, slots=True)
class AreaBetween:
    """How far apart the curves of two signs are, over all strengths.

    Parameters
    ----------
    measure : str
    test : PairedTest
        Of units: the area between "negative removed" and "positive removed", against 0. The area
        is positive where removing the positive weights lowers the measure more.
    q_value : float
        Its p-value, corrected over the main measures (Benjamini & Hochberg); NaN for any other.
    """

    measure: str
    test: PairedTest
    q_value: float


def is_main(measure: str) -> bool:
    """Tell whether a measure is one of those that a sweep is judged by, and that pages show."""
    return any(measure == name or measure.endswith(f".{name}") for name in MAIN)


def is_compared(measure: str) -> bool:
    """Tell whether conditions may differ in a measure: not in counts, nor in its standards."""
    _, *parts = measure.split(".")
    return is_outcome(measure) and STANDARDS.isdisjoint(parts)


class Table:
    """Numbers of a sweep by measure and condition.

    Parameters
    ----------
    numbers : sequence of Number
    seed : int
        Of the bootstrap.
    """

    def __init__(self, numbers: Sequence[Number], seed: int) -> None:
        self._seed = seed
        self._cells: dict[tuple[str, Condition], dict[str, list[float]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for number in numbers:
            self._cells[number.measure, number.condition][number.unit].append(number.value)
        self.measures = tuple(dict.fromkeys(number.measure for number in numbers))
        self.units = tuple(dict.fromkeys(number.unit for number in numbers))
        self.conditions = tuple(dict.fromkeys(number.condition for number in numbers))

    def per_unit(self, measure: str, condition: Condition) -> FloatArray:
        """Give a mean over repeats for each unit, (n_units,), NaN where nothing is known."""
        own = self._cells[measure, condition]
        return np.array([_mean(own.get(unit, [])) for unit in self.units])

    def mean(self, measure: str, condition: Condition) -> float:
        """Give the mean over units of the means over repeats, NaN where nothing is known."""
        return _mean(list(self.per_unit(measure, condition)))

    def change(self, measure: str, condition: Condition) -> float:
        """Give the mean over units of the change from intact, NaN where nothing is known."""
        intact = self.per_unit(measure, Condition())
        return _mean(list(self.per_unit(measure, condition) - intact))

    def comparisons(self, measure: str) -> list[Comparison]:
        """Compare every condition of a measure with the intact units.

        Nothing is compared of a measure that is the same under all conditions by design, as are
        those of the intact and the random images that come with some metrics, nor of counts and of
        the strength of the ablation itself, nor of what is known of no unit. Where no unit differs,
        that is a result.
        """
        if not is_compared(measure):
            return []
        intact = self.per_unit(measure, Condition())
        others = [condition for condition in self.conditions if condition != Condition()]
        tests = []
        for condition in others:
            rng = self._rng(measure, condition, "test")
            tests.append(paired_test(self.per_unit(measure, condition), intact, rng=rng))
        if not any(test.n_pairs for test in tests):
            return []
        q_values = adjust_fdr([test.p_value for test in tests])
        return [
            self._comparison(measure, condition, test, float(q_value))
            for condition, test, q_value in zip(others, tests, q_values, strict=True)
        ]

    def areas(self) -> list[AreaBetween]:
        """Compare the curves of the two signs, for the measures in which conditions may differ."""
        found = {}
        for measure in filter(is_compared, self.measures):
            curves = self._curves(measure, "negative"), self._curves(measure, "positive")
            strengths = self.strengths("positive")
            if len(strengths) < 2 or strengths != self.strengths("negative"):
                continue
            areas = area_between_curves(strengths, *curves)
            rng = named_rng(self._seed, "area", measure)
            test = paired_test(areas, np.zeros_like(areas), rng=rng)
            if test.n_pairs:
                found[measure] = test
        # What else is measured, and by how many networks, has no say in what is shown.
        q_values = adjust_fdr(
            [test.p_value if is_main(measure) else np.nan for measure, test in found.items()]
        )
        return [
            AreaBetween(measure, test, float(q_value))
            for (measure, test), q_value in zip(found.items(), q_values, strict=True)
        ]

    def strengths(self, sign: Sign) -> list[float]:
        """Give the strengths of a sign from 0, the intact unit, upwards."""
        return [
            0.0,
            *sorted(
                one.strength for one in self.conditions if one.sign == sign and not one.control
            ),
        ]

    def _curves(self, measure: str, sign: Sign) -> FloatArray:
        conditions = [Condition(), *(Condition(sign, one) for one in self.strengths(sign)[1:])]
        return np.array([self.per_unit(measure, condition) for condition in conditions]).T

    def _comparison(
        self, measure: str, condition: Condition, test: PairedTest, q_value: float
    ) -> Comparison:
        values, units = self.changes(measure, condition)
        rng = self._rng(measure, condition, "band")
        band = hierarchical_bootstrap(values, [units], rng)
        return Comparison(
            measure=measure,
            condition=condition,
            mean=self.mean(measure, condition),
            change=test.difference,
            low=band.low,
            high=band.high,
            test=test,
            q_value=q_value,
        )

    def changes(self, measure: str, condition: Condition) -> tuple[FloatArray, list[str]]:
        """Give all repeats of all units less the unit's intact mean, (n,), and whose they are."""
        values: list[float] = []
        units: list[str] = []
        for unit, own in self._cells[measure, condition].items():
            intact = _mean(self._cells[measure, Condition()].get(unit, []))
            values.extend(value - intact for value in own)
            units.extend([unit] * len(own))
        return np.array(values), units

    def _rng(self, measure: str, condition: Condition, purpose: str) -> np.random.Generator:
        return named_rng(self._seed, purpose, measure, *condition.words)


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
