"""The gate's tests equal least squares and SciPy's, and let pass what they should."""

import numpy as np
import pytest
from scipy import stats

from signseg_rig.neurons import gate_channels
from signseg_rig.neurons.gates import image_anova


@pytest.fixture
def trials():
    """Driven, silent, visual but not selective; some trials are missing."""
    rng = np.random.default_rng(0)
    signal = np.stack([rng.normal(0, 3, 40), np.zeros(40), np.full(40, 4.0)])
    trials = 10 + signal[..., None] + rng.normal(0, 2, (3, 40, 6))
    trials[:, rng.random((40, 6)) < 0.1] = np.nan
    return trials


def test_anova_equals_least_squares_with_and_without_images(trials):
    """Both models by their design matrices; trials are missing here and there."""
    for unit, p in zip(trials, image_anova(trials), strict=True):
        image, repeat = np.nonzero(np.isfinite(unit))
        images, repeats = np.eye(40)[image], np.eye(6)[repeat]
        values = unit[image, repeat]
        both, rank = residual_squares(np.hstack([images, repeats]), values)
        without, rank_without = residual_squares(repeats, values)
        f_value = (without - both) / (rank - rank_without) / (both / (len(values) - rank))
        expected = stats.f.sf(f_value, rank - rank_without, len(values) - rank)
        assert p == pytest.approx(expected, rel=1e-6)


def residual_squares(design, values):
    fitted, _, rank, _ = np.linalg.lstsq(design, values)
    return ((values - design @ fitted) ** 2).sum(), rank


@pytest.mark.parametrize("n_repeats", [2, 4])
def test_tuned_neurons_pass_whatever_repeats_share(n_repeats):
    rng = np.random.default_rng(5)
    gain = np.exp(np.linspace(-0.4, 0.4, n_repeats))
    rates = 20 * rng.gamma(4, 0.25, (100, 160, 1)) * gain
    gate = gate_channels(rng.poisson(rates * 0.15) / 0.15)
    assert gate.passes.mean() > 0.95
    untuned = gate_channels(rng.poisson(np.full((300, 160, 1), 20.0) * gain * 0.15) / 0.15)
    assert (untuned.p_images <= 0.05).mean() == pytest.approx(0.05, abs=0.025)
    assert untuned.passes.mean() <= 0.02


def test_anova_without_repeats_or_variation_is_nan():
    single = np.random.default_rng(0).normal(size=(1, 5, 1))
    assert np.isnan(image_anova(single))[0]
    assert np.isnan(image_anova(np.full((1, 5, 3), 2.0)))[0]
    # No variation between repeats at all: the images differ for certain.
    exact = np.repeat(np.arange(5.0)[None, :, None], 3, axis=2)
    assert image_anova(exact)[0] == 0


def test_evoked_equals_a_paired_t_test_of_the_trials_there_are(trials):
    baseline = 10 + np.random.default_rng(1).normal(0, 2, trials.shape)
    gate = gate_channels(trials, baseline)
    for unit in range(3):
        known = np.isfinite(trials[unit])
        expected = stats.ttest_rel(trials[unit][known], baseline[unit][known]).pvalue
        assert gate.p_evoked[unit] == pytest.approx(expected)


def test_lets_pass_what_is_selective_reliable_and_evoked(trials):
    baseline = 5 + np.random.default_rng(1).normal(0, 2, trials.shape)
    assert gate_channels(trials, baseline).passes.tolist() == [True, False, False]
    assert gate_channels(trials).passes.tolist() == [True, False, False]
    assert gate_channels(trials).p_evoked is None
    unmoved = gate_channels(trials, trials.copy())
    assert np.isnan(unmoved.p_evoked).all()
    assert not unmoved.passes.any()


def test_false_alarms_are_as_rare_as_alpha_says():
    noise = np.random.default_rng(2).standard_normal((2000, 12, 4))
    rate = (image_anova(noise) <= 0.05).mean()
    assert 0.035 < rate < 0.065


def poisson_rates(rng, rate_hz, window_s, shape):
    return rng.poisson(np.asarray(rate_hz) * window_s, shape) / window_s


@pytest.mark.parametrize("rate_hz", [1.0, 5.0, 20.0, 80.0])
def test_windows_of_other_lengths_evoke_nothing(rate_hz):
    """Counts in 150 ms and in 45 ms have one mean rate, and other shapes."""
    rng = np.random.default_rng(3)
    shape = (1000, 40, 5)
    evoked = poisson_rates(rng, rate_hz, 0.15, shape)
    baseline = poisson_rates(rng, rate_hz, 0.045, shape)
    p = gate_channels(evoked, baseline).p_evoked
    # 10 and 50 of 1,000 are expected.
    assert (p <= 0.01).sum() < 22
    assert 28 < (p <= 0.05).sum() < 75


@pytest.mark.parametrize("factor", [0.6, 1.4])
def test_detects_evoked_and_suppressed_rates(factor):
    rng = np.random.default_rng(4)
    shape = (50, 100, 5)
    evoked = poisson_rates(rng, 20.0 * factor, 0.15, shape)
    baseline = poisson_rates(rng, 20.0, 0.045, shape)
    assert (gate_channels(evoked, baseline).p_evoked <= 0.01).all()


def test_trials_that_all_differ_alike_are_evoked():
    baseline = np.full((1, 3, 2), 4.0)
    assert gate_channels(baseline + 2, baseline).p_evoked[0] == 0
    assert np.isnan(gate_channels(baseline[:, :1, :1] + 2, baseline[:, :1, :1]).p_evoked[0])
