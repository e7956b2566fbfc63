"""Tests of what ablated models choose: of one session over its neurons, and over sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats as scipy_stats

from signseg_rig.neurons.choices import Choices, Removal
from signseg_rig.stats import adjust_fdr
from signseg_rig.types import FloatArray

# Two-sided, the least p of a signed-rank test of n pairs is 2 / 2**n: 0.06 of five.
MIN_NEURONS = 6
# From two sessions a t interval is three times as wide as from three with the same scatter.
MIN_SESSIONS = 3
LEVEL = 0.95
EQUAL = {
    "": "equal share",
    "equal_magnitude": "equal magnitude",
    "equal_number": "equal number",
}
# The differences of each comparison (strength, a, b) for each neuron.
Pairs = dict[tuple[float, str, str], FloatArray]


@dataclass(frozen=True, slots=True)
class ChoiceTest:
    """The comparison of two ablations by what the neurons answered to the images chosen.

    Parameters
    ----------
    session : str
        ``""`` over all sessions.
    strength : float
    a, b : str
        What is compared, as ``a - b``.
    n : int
        Neurons of a session, or sessions.
    difference : float, in standard deviations of a neuron's responses
        Mean over neurons; over sessions, the mean of their means.
    low, high : float
        Its 95 % interval (Student's t); NaN where there are too few.
    p_value, q_value : float
        Two-sided: over neurons of the signed-rank test, over sessions of the t test of their means;
        q is corrected over all comparisons of the session, or of all sessions. NaN where there are
        too few.
    rank_biserial : float, in [-1, 1]
        Effect size over the neurons, or sessions.
    remark : str
        Why no significance is possible, if so.
    """

    session: str
    strength: float
    a: str
    b: str
    n: int
    difference: float
    low: float
    high: float
    p_value: float
    q_value: float
    rank_biserial: float
    remark: str

    @property
    def compared(self) -> str:
        """What is compared, in few words."""
        a, b = self.a.partition(", ")[0], self.b.partition(", ")
        return f"{a} - {''.join(b)}".removesuffix(f" as {a}")


def compare_choices(sessions: Mapping[str, Choices]) -> list[ChoiceTest]:
    """Compare ablations with each other, in each session and over all of them.

    Positive is compared with negative removed: with the same share, with as much summed magnitude,
    and with as many weights removed of both. Each is compared with random weights, matched to it in
    number and in magnitude. Nothing is compared with the intact model, see `ablated_choices`.

    Parameters
    ----------
    sessions : mapping of str to Choices
        By name; all of the same strengths.

    Returns
    -------
    tests : list of ChoiceTest
        Of each session, and then over all where there is more than one.

    Notes
    -----
    Over sessions the t interval of their means is given, since a bootstrap band of few sessions is
    too narrow. In simulated sessions of 240 images, 60 features and 20 neurons with a noise of 0.7
    of their SD, tested at 5 %:

    - Features of both signs, where signs mean nothing, and neurons with weights of their own:
      positive differs from negative in 5 % of 210 sessions, and the 95 % interval covers in 94 %.
    - The same with neurons whose weights lie in 3 dimensions: 11 % of 84 sessions, coverage 91 %.
      Neurons of one session are no independent observations then, and its p speaks of these neurons
      only. Over 3, 5 and 7 such sessions: 7 % of 28, 6 % of 16 and 8 % of 12.
    @@SPLIT
    - Rectified features, and neurons with excitation and inhibition alike: positive lies below
      negative by 0.24 SD, with p <= 0.05 in 66 % of 84 sessions. That is no false alarm, as these
      neurons have such inputs. But features of few large and many small values are enough for it:
      what excites singles out the best images, what inhibits only spares them. A difference does
      not say that excitation and inhibition see different things.
    """
    found: list[ChoiceTest] = []
    for name, choices in sessions.items():
        found += _corrected([_over_neurons(name, *pair) for pair in _pairs(choices).items()])
    if len(sessions) > 1:
        found += _corrected(_over_sessions([_pairs(one) for one in sessions.values()]))
    return found


def _pairs(choices: Choices) -> Pairs:
    removed = choices.removed
    pairs: Pairs = {}
    for strength in dict.fromkeys(removal.strength for removal in removed):
        for control, word in EQUAL.items():
            one, other = (
                removed[Removal(sign, control, strength)]  # type: ignore[arg-type]
                for sign in ("positive", "negative")
            )
            pairs[strength, f"positive, {word}", f"negative, {word}"] = one - other
        for sign in ("positive", "negative"):
            for match, word in (("number", "as many"), ("magnitude", "as much")):
                one, other = (
                    removed[Removal(sign, control, strength)]  # type: ignore[arg-type]
                    for control in ("", match)
                )
                pairs[strength, sign, f"random, {word} as {sign}"] = one - other
    return pairs


def _over_neurons(
    session: str, compared: tuple[float, str, str], difference: FloatArray
) -> ChoiceTest:
    known = difference[np.isfinite(difference)]
    remark = ""
    if len(known) < MIN_NEURONS:
        remark = (
            f"too few: of {len(known)} neurons none could be significant, at least {MIN_NEURONS} "
            "are needed"
        )
    untied = known[known != 0]
    p_value = float(scipy_stats.wilcoxon(untied).pvalue) if untied.size else 1.0
    return _test(session, compared, known, np.nan if remark else p_value, remark)


def _over_sessions(sessions: list[Pairs]) -> list[ChoiceTest]:
    tests = []
    for compared in sessions[0]:
        means = np.array([_mean(one[compared]) for one in sessions])
        known = means[np.isfinite(means)]
        remark = ""
        if len(known) < MIN_SESSIONS:
            remark = (
                f"too few: {len(known)} sessions say nothing about others, at least "
                f"{MIN_SESSIONS} are needed"
            )
        is_tested = not remark and np.ptp(known) > 0
        p_value = float(scipy_stats.ttest_1samp(known, 0).pvalue) if is_tested else np.nan
        tests.append(_test("", compared, known, p_value, remark))
    return tests


def _test(
    session: str,
    compared: tuple[float, str, str],
    known: FloatArray,
    p_value: float,
    remark: str,
) -> ChoiceTest:
    low, high = (np.nan, np.nan) if remark else _interval(known)
    return ChoiceTest(
        *(session, *compared, len(known), _mean(known), low, high),
        *(p_value, np.nan, _rank_biserial(known), remark),
    )


def _corrected(tests: list[ChoiceTest]) -> list[ChoiceTest]:
    q_values = adjust_fdr([one.p_value for one in tests])
    return [replace(one, q_value=float(q)) for one, q in zip(tests, q_values, strict=True)]


def _rank_biserial(differences: FloatArray) -> float:
    """Return the share of the rank sum above 0 less that below (Kerby 2014)."""
    untied = differences[differences != 0]
    ranks = scipy_stats.rankdata(np.abs(untied))
    return float((np.sign(untied) * ranks).sum() / ranks.sum()) if untied.size else np.nan


def _mean(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else np.nan


def _interval(values: FloatArray) -> tuple[float, float]:
    """Return Student's t interval of a mean."""
    error = values.std(ddof=1) / np.sqrt(len(values))
    reach = float(scipy_stats.t.ppf((1 + LEVEL) / 2, len(values) - 1) * error)
    return float(values.mean()) - reach, float(values.mean()) + reach
