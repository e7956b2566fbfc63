"""Verdicts on simulated runs of known truth; `signseg_protocols.error_rates` has all of it."""

import numpy as np
import pytest

from signseg_protocols.error_rates import WITH_RISE, WITHOUT_RISE, Scenario, simulate, verdicts
from signseg_protocols.estimates import difference
from signseg_protocols.rises import measure_rise

N_RUNS = 60
N_TESTED = 5
ENDS = (slice(None, N_TESTED), slice(-N_TESTED, None))


def share_of_rises(scenario, rng) -> float:
    return verdicts(scenario, N_RUNS, n_tested=N_TESTED, rng=rng)["rose"] / N_RUNS


@pytest.mark.parametrize("name", WITHOUT_RISE)
def test_nothing_rises_where_images_stay_the_same(rng, name):
    # Nominal 5 %; 3.5 standard errors above are 15 %.
    assert share_of_rises(WITHOUT_RISE[name], rng) <= 0.15


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("to twice", 0.55),
        ("to twice, gain exp(+-0.1)", 0.5),
        ("to twice, gain grows by exp(+-0.3)", 0.4),
        ("to twice, no baseline", 0.85),
        ("from 1 to 30 Hz, references 1 Hz", 0.65),
    ],
)
def test_a_rise_is_found_in_noise_and_drift(rng, name, least):
    """With 10 blocks on either side, the default, more of them are: see the table."""
    assert share_of_rises(WITH_RISE[name], rng) >= least


def test_simulated_scores_have_the_mean_and_variance_of_poisson_counts(rng):
    evolved, references = simulate(WITHOUT_RISE["evolved 15 Hz, references 15 Hz, gain 0"], 50, rng)
    assert evolved.mean() == pytest.approx(15, abs=0.4)
    # (15 + 5) / 0.15 + 5 / 0.045, and the images' own: (0.3 x 15) ** 2 / 3.
    assert evolved.var() == pytest.approx(133.3 + 111.1 + 6.75, rel=0.05)
    assert references.mean(axis=(0, 2)) == pytest.approx(np.full(30, 15.0), abs=3)


def test_counts_of_more_than_poisson_variance_have_the_variance_that_is_asked_for(rng):
    evolved, _ = simulate(Scenario(fano=3.0, baseline_hz=0.0), 50, rng)
    assert evolved.mean() == pytest.approx(15, abs=0.4)
    assert evolved.var() == pytest.approx(3 * 15 / 0.15 + 6.75, rel=0.05)


@pytest.mark.parametrize(("drift", "variance"), [("walk", 31 / 60), ("jump", 1.0)])
def test_gain_walks_and_jumps_as_far_as_said(rng, drift, variance):
    evolved, _ = simulate(Scenario(1e6, gain=1.0, drift=drift, baseline_hz=0.0), 400, rng)
    x = np.log(evolved.mean(axis=2) / 1e6)
    assert x.var() == pytest.approx(variance, rel=0.15)
    n_jumps = np.count_nonzero(np.abs(np.diff(x, axis=1)) > 1.5, axis=1)
    assert (n_jumps == (drift == "jump")).all()


def test_intervals_cover_the_truth_as_often_as_they_say(rng):
    """60 and 20 Hz at a gain of exp(+-0.1): the ratio is 1, the changes follow from the gain."""
    gain = np.exp(0.1 * np.linspace(-1, 1, 30))
    grown = gain[ENDS[1]].mean() - gain[ENDS[0]].mean()
    truth = {"change": 60 * grown, "change_less_sum": 40 * grown, "ratio_less_gain": 1.0}
    n_covered = dict.fromkeys(truth, 0)
    runs = simulate(Scenario(60, 20, 0.1, drift="up"), 400, rng)
    for evolved, references in zip(*runs, strict=True):
        sides = [
            means[block] for means in (evolved.mean(-1), references.mean(-1)) for block in ENDS
        ]
        rise = measure_rise(*sides, rng=rng)
        for what, value in truth.items():
            estimate = getattr(rise, what)
            n_covered[what] += estimate.low <= value <= estimate.high
    # 95 %, within 3.5 standard errors.
    assert all(0.912 <= n / 400 <= 0.988 for n in n_covered.values()), n_covered


def test_welchs_interval_is_scipys(rng):
    from scipy.stats import ttest_ind

    early, late = rng.normal(0, 1, 6), rng.normal(2, 4, 9)
    estimate = difference(early, late)
    expected = ttest_ind(late, early, equal_var=False).confidence_interval(0.95)
    assert (estimate.low, estimate.high) == pytest.approx((expected.low, expected.high))
