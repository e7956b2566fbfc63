"""Tests of what ablated models choose: of one session over its neurons, and over sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats as scipy_stats

from signseg_rig.neurons.choices import Choices, Removal
from signseg_rig.stats import adjust_fdr, crossed_mean, mean_interval
from signseg_rig.values import FloatArray

MIN_NEURONS = 6
# From two sessions a t interval is three times as wide as from three with the same scatter.
MIN_SESSIONS = 3
LEVEL = 0.95
EQUAL = {
    "": "equal share",
    "equal_magnitude": "equal magnitude",
    "equal_number": "equal number",
}
# What a difference between signs says, wherever it is printed.
MEANING = (
    "Positive below negative says that positive weights find the images that drive the neuron "
    "most. Whether excitation and inhibition of the neuron see different things cannot be told "
    "from it: simulated neurons with both alike give -0.10 to -0.49 SD."
)
# The differences of each comparison (strength, a, b) for each neuron and fold.
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
        Its 95 % interval: of a session over its neurons and the images of the folds, see
        `crossed_mean`; over sessions Student's. NaN where there are too few.
    p_value, q_value : float
        Two-sided, of the t test that belongs to the interval; q is corrected over all comparisons
        of the session, or of all sessions. NaN where there are too few.
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
    Neurons of a session share its images, so that both are taken for samples: neurons, and the
    images of the folds. Over sessions the t interval of their means is given, since a bootstrap
    band of few sessions is too narrow. In 63 simulated sessions each of 240 images, 60 features and
    20 neurons with a noise of 0.7 of their SD, tested at 5 % (a standard error of 3 %):

    - Features of both signs, where signs mean nothing: positive differs from negative in 2 %, and
      the 95 % interval covers in 98 %; with neurons whose weights lie in 3 dimensions in 0 % and
      100 %. Evenly spread features of 0 to 1: 5 % and 95 %. Over 3 such sessions 5 to 10 % of 21.
    - Rectified features, and neurons with excitation and inhibition alike: positive lies below
      negative by 0.24 SD, with p <= 0.05 in 51 %, and by 0.49 SD (65 %) where rates cannot be below
      0. With features that are split, and neurons that read them unsplit, by weights of either
      sign: by 0.10 SD (14 %) and 0.26 SD (18 %). Neurons of which a third of the inputs excite,
      twice as strongly: by 0.71 SD (100 %). Intervals cover in 97 % or more.

    So the sign of a difference is found, and is true of these models. That it says more, no control
    was found to show. What excites singles out the best images, and what inhibits only spares them.
    For neurons turned over, that is, for the images that they like least, the difference is the
    same where excitation and inhibition are alike and responses are linear (in 5 to 8 % of sessions
    it is not); but where rates cannot be below 0 the least liked images are told apart badly, and
    it is not the same in 38 to 80 %. Neurons simulated from the fitted models, turned over, with
    the same distribution of rates, fail alike.
    """
    found: list[ChoiceTest] = []
    for name, choices in sessions.items():
        found += _corrected([_over_neurons(name, *pair) for pair in _pairs(choices).items()])
    if len(sessions) > 1:
        found += _corrected(_over_sessions([_pairs(one) for one in sessions.values()]))
    return found


def _pairs(choices: Choices) -> Pairs:
    by_fold = choices.by_fold
    pairs: Pairs = {}
    for strength in dict.fromkeys(removal.strength for removal in by_fold):
        for control, word in EQUAL.items():
            one, other = (
                by_fold[Removal(sign, control, strength)]  # type: ignore[arg-type]
                for sign in ("positive", "negative")
            )
            pairs[strength, f"positive, {word}", f"negative, {word}"] = one - other
        for sign in ("positive", "negative"):
            for match, word in (("number", "as many"), ("magnitude", "as much")):
                one, other = (
                    by_fold[Removal(sign, control, strength)]  # type: ignore[arg-type]
                    for control in ("", match)
                )
                pairs[strength, sign, f"random, {word} as {sign}"] = one - other
    return pairs


def _over_neurons(
    session: str, compared: tuple[float, str, str], differences: FloatArray
) -> ChoiceTest:
    known = differences[np.isfinite(differences).all(axis=1)]
    by_neuron = known.mean(axis=1)
    if len(known) < MIN_NEURONS:
        remark = (
            f"too few: {len(known)} neurons say nothing about others, at least {MIN_NEURONS} are "
            "needed"
        )
        return _test(session, compared, by_neuron, (np.nan, np.nan, np.nan), remark)
    found = crossed_mean(known, level=LEVEL)
    return _test(session, compared, by_neuron, (found.low, found.high, found.p_value))


def _over_sessions(sessions: list[Pairs]) -> list[ChoiceTest]:
    tests = []
    for compared in sessions[0]:
        means = np.array([_mean(one[compared].mean(axis=1)) for one in sessions])
        known = means[np.isfinite(means)]
        remark = ""
        if len(known) < MIN_SESSIONS:
            remark = (
                f"too few: {len(known)} sessions say nothing about others, at least "
                f"{MIN_SESSIONS} are needed"
            )
        is_tested = not remark and np.ptp(known) > 0
        p_value = float(scipy_stats.ttest_1samp(known, 0).pvalue) if is_tested else np.nan
        told = (*mean_interval(known, level=LEVEL), p_value)
        tests.append(_test("", compared, known, told, remark))
    return tests


def _test(
    session: str,
    compared: tuple[float, str, str],
    known: FloatArray,
    low_high_p: tuple[float, float, float],
    remark: str = "",
) -> ChoiceTest:
    return ChoiceTest(
        *(session, *compared, len(known), _mean(known), *low_high_p),
        *(np.nan, _rank_biserial(known), remark),
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
