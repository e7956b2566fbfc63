"""Ceilings are given where a reliability is known well enough, and nowhere else."""

import numpy as np
import pytest

from signseg_rig.neurons import noise_ceiling, split_half_reliability


def poisson_trials(rng, n_units, n_images, n_repeats, tuning):
    rates = 1.5 * (rng.gamma(4, 0.25, (n_units, n_images, 1)) if tuning else 1.0)
    return rng.poisson(rates * np.ones((n_units, n_images, n_repeats))).astype(float)


def test_neurons_without_tuning_rarely_have_a_ceiling():
    trials = poisson_trials(np.random.default_rng(0), 150, 60, 4, tuning=False)
    ceiling = noise_ceiling(trials)
    has_ceiling = np.isfinite(ceiling.ceiling_r)
    assert has_ceiling.mean() < 0.09
    assert [not reason for reason in ceiling.reasons] == has_ceiling.tolist()
    assert np.isnan(ceiling.normalized_ev(np.full(150, 0.2))[~has_ceiling]).all()
    assert {reason.split()[0] for reason in ceiling.reasons if reason} == {"no", "reliability"}


def test_standard_error_is_the_spread_over_samples():
    trials = poisson_trials(np.random.default_rng(1), 100, 100, 4, tuning=True)
    ceiling = noise_ceiling(trials)
    np.testing.assert_array_equal(ceiling.reliability, split_half_reliability(trials))
    spread = ceiling.reliability.std()
    assert np.sqrt(np.mean(ceiling.standard_error**2)) == pytest.approx(spread, rel=0.25)
    assert np.isfinite(ceiling.ceiling_r).mean() > 0.9


@pytest.mark.parametrize(
    ("n_images", "n_repeats", "reason"),
    [(40, 1, "fewer than 10 images"), (9, 4, "fewer than 10"), (10, 4, "too few images to tell")],
)
def test_says_why_there_is_none(n_images, n_repeats, reason):
    trials = poisson_trials(np.random.default_rng(2), 1, n_images, n_repeats, tuning=True) + (
        10 * np.arange(n_images)[:, None]
    )
    ceiling = noise_ceiling(trials)
    assert ceiling.reasons[0].startswith(reason)
    assert np.isnan(ceiling.ceiling_r[0])
