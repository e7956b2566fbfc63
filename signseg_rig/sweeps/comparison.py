"""Compare the conditions of a sweep: with intact units, with matched controls, sign with sign."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from signseg_rig.signs import Condition, Sign
from signseg_rig.stats import (
    PairedTest,
    adjust_fdr,
    differences_at,
    mean_difference,
    paired_test,
    why_not_significant,
)
from signseg_rig.sweeps.contrasts import (
    QUESTIONS,
    At,
    Contrast,
    list_contrasts,
    strengths_of,
    why_untested,
)
from signseg_rig.sweeps.measurement import N_REMOVED, REMOVED_MAGNITUDE, Number, is_outcome
from signseg_rig.values import FloatArray

# What a sweep is judged by, and what pages show. What else a metric tells, such as its controls and
# the verdicts of single networks that have a mean, is in the tables.
MAIN = (
    *("reached_activation", "intact_response", "across", "across.mean"),
    *("score", "detection_rate", "low_share", "high_share", "slope"),
)
# Parts of the names of values that are of the intact or of random images alone: up to rounding the
# same under all conditions.
STANDARDS = frozenset({"within_intact", "random", "within_random"})
REMOVED = {"magnitude": REMOVED_MAGNITUDE, "number": N_REMOVED}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A condition compared with another, over units.

    Parameters
    ----------
    measure : str
    contrast : Contrast
    mean, mean_against : float
        Over units, of the means over repeats, of the condition and of what it is compared with.
        NaN where they are compared between evolved strengths.
    place : float
        How much was removed, or how many, where the signs are compared: mean over units. NaN where
        they are not, or over a stretch.
    test : PairedTest
        Of units, the condition less what it is compared with.
    q_value : float
        Its p-value, corrected over the tests of the family (Benjamini & Hochberg).
    n_in_family : int
        Tests of the same question about the same measure.
    untested : str
        Why there is no test; empty where there is one.
    """

    measure: str
    contrast: Contrast
    mean: float
    mean_against: float
    place: float
    test: PairedTest
    q_value: float
    n_in_family: int
    untested: str

    @property
    def condition(self) -> Condition:
        """What is compared."""
        return self.contrast.condition

    @property
    def difference(self) -> float:
        """Mean over units of the difference."""
        return self.test.difference

    @property
    def p_value(self) -> float:
        """Two-sided; NaN where nothing is tested."""
        return float("nan") if self.untested else self.test.p_value

    @property
    def family(self) -> str:
        """Name what is corrected together."""
        return f"{self.measure} {QUESTIONS[self.contrast.question]}"

    @property
    def note(self) -> str:
        """Why there is no test, or why it could hardly be significant; empty where it could."""
        if self.untested or np.isnan(self.test.p_value):
            return self.untested
        if not self.test.n_untied:
            return "no unit differs"
        return why_not_significant(self.test.smallest_p, self.n_in_family)


def is_main(measure: str) -> bool:
    """Return whether a measure is one of those that a sweep is judged by, and that pages show."""
    return any(measure == name or measure.endswith(f".{name}") for name in MAIN)


def is_compared(measure: str) -> bool:
    """Return whether conditions may differ in a measure: not in counts, nor in its standards."""
    _, *parts = measure.split(".")
    return is_outcome(measure) and STANDARDS.isdisjoint(parts)


class Table:
    """Numbers of a sweep by measure and condition.

    Parameters
    ----------
    numbers : sequence of Number
    """

    def __init__(self, numbers: Sequence[Number]) -> None:
        self._cells: dict[tuple[str, Condition], dict[str, list[float]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for number in numbers:
            self._cells[number.measure, number.condition][number.unit].append(number.value)
        self.measures = tuple(dict.fromkeys(number.measure for number in numbers))
        self.units = tuple(dict.fromkeys(number.unit for number in numbers))
        self.conditions = tuple(dict.fromkeys(number.condition for number in numbers))
        self.contrasts = tuple(list_contrasts(self.conditions))

    def per_unit(self, measure: str, condition: Condition) -> FloatArray:
        """Return a mean over repeats for each unit, (n_units,), NaN where nothing is known."""
        own = self._cells[measure, condition]
        return np.array([_mean(own.get(unit, [])) for unit in self.units])

    def mean(self, measure: str, condition: Condition) -> float:
        """Return the mean over units of the means over repeats, NaN where nothing is known."""
        return _mean(list(self.per_unit(measure, condition)))

    def differences(self, measure: str, contrast: Contrast) -> FloatArray:
        """Return the difference of each unit, (n_units,), NaN where it is not known.

        Between evolved strengths a curve is taken to be linear. Where one sign has no weights, or
        something of a unit is not known next to the place, its difference is not known either.
        """
        condition, against = contrast.condition, contrast.against
        if not contrast.at:
            return self.per_unit(measure, condition) - self.per_unit(measure, against)
        places = self.places(contrast)
        curves = zip(
            *self._curve(measure, "positive", contrast.at),
            *self._curve(measure, "negative", contrast.at),
            strict=True,
        )
        found = np.full(len(self.units), np.nan)
        for unit, (x_a, a, x_b, b) in enumerate(curves):
            if _reaches_out(x_a) and _reaches_out(x_b):
                found[unit] = (
                    mean_difference(x_a, a, x_b, b)
                    if contrast.is_mean
                    else differences_at(x_a, a, x_b, b, [places[unit]])[0]
                )
        return found

    def places(self, contrast: Contrast) -> FloatArray:
        """Return how much was removed of each unit where it is compared, (n_units,)."""
        removed = REMOVED[contrast.at]
        return np.minimum(
            self.per_unit(removed, contrast.condition), self.per_unit(removed, contrast.against)
        )

    def comparisons(self, measure: str) -> list[Comparison]:
        """Compare every condition of a measure with what it can be compared with.

        Nothing is compared of a measure that is the same under all conditions by design, as are
        those of the intact and the random images that come with some metrics, nor of counts and of
        what the ablation itself removed, nor of what is known of no unit. Where no unit differs,
        that is a result.
        """
        if not is_compared(measure):
            return []
        tests = {one: self._test(measure, one) for one in self.contrasts}
        tests = {one: test for one, test in tests.items() if test.n_pairs}
        found: list[Comparison] = []
        for question in QUESTIONS:
            own = {one: test for one, test in tests.items() if one.question == question}
            found.extend(self._corrected(measure, own))
        return found

    def _test(self, measure: str, contrast: Contrast) -> PairedTest:
        differences = self.differences(measure, contrast)
        return paired_test(differences, np.zeros_like(differences))

    def _corrected(self, measure: str, tests: Mapping[Contrast, PairedTest]) -> list[Comparison]:
        """Return the comparisons of one family, their p-values corrected together."""
        untested = [why_untested(measure, one) for one in tests]
        p_values = [
            np.nan if why else test.p_value
            for why, test in zip(untested, tests.values(), strict=True)
        ]
        n_in_family = int(np.count_nonzero(np.isfinite(p_values)))
        nan = float("nan")
        return [
            Comparison(
                measure=measure,
                contrast=one,
                mean=nan if one.at else self.mean(measure, one.condition),
                mean_against=nan if one.at else self.mean(measure, one.against),
                place=_mean(list(self.places(one))) if one.at and not one.is_mean else nan,
                test=tests[one],
                q_value=float(q_value),
                n_in_family=n_in_family,
                untested=why,
            )
            for one, q_value, why in zip(tests, adjust_fdr(p_values), untested, strict=True)
        ]

    def _curve(self, measure: str, sign: Sign, at: At) -> tuple[FloatArray, FloatArray]:
        """Return what was removed and what was measured, (n_units, n_strengths) each."""
        strengths = strengths_of(self.conditions, sign)[1:]
        conditions = [Condition(), *(Condition(sign, one) for one in strengths)]
        x, y = (
            np.array([self.per_unit(name, condition) for condition in conditions]).T
            for name in (REMOVED[at], measure)
        )
        return x, y


def _reaches_out(removed: FloatArray) -> bool:
    """Check that ever more was removed, from nothing to something, and all of it is known."""
    is_rising = np.isfinite(removed).all() and (np.diff(removed) >= 0).all()
    return bool(is_rising and removed[0] == 0 < removed[-1])


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
