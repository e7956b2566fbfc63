"""Notes of a fit: what limits its numbers, and why some are missing."""

import numpy as np
import pytest

from signseg_rig.datasets import from_arrays, open_images
from signseg_rig.neurons import PermutationNull, noise_ceiling
from signseg_rig.studies import fit_notes

N_IMAGES = 60


def data_of(rates):
    pixels = {f"{index:02}": np.full((2, 2, 3), index, np.uint8) for index in range(N_IMAGES)}
    return from_arrays(rates, open_images(pixels))


def null_of(n_shuffles, n_units):
    known = np.full(n_units, 0.5)
    return PermutationNull(np.zeros((n_shuffles, n_units)), known, known)


@pytest.fixture
def rates():
    rng = np.random.default_rng(0)
    return rng.poisson(5 * rng.gamma(4, 0.25, (5, N_IMAGES, 1)) * np.ones(4)).astype(float)


@pytest.fixture
def features():
    return np.random.default_rng(1).standard_normal((N_IMAGES, 20))


def notes(rates, features, *, n_shuffles=199, blocks=0):
    null = null_of(n_shuffles, len(rates))
    return " ".join(fit_notes(data_of(rates), features, noise_ceiling(rates), null, blocks))


def test_too_few_shuffles_for_any_significance(rates, features):
    assert (
        "10 shuffles the smallest p_value is 0.091: too few for any significance at 0.05. It "
        in (notes(rates, features, n_shuffles=10))
    )
    # Of 5 neurons with p = 1/20 each all have q = 1/20; one alone has 5/20.
    text = notes(rates, features, n_shuffles=19)
    assert "takes 5 of 5 neurons with this p_value; for one alone to reach it, 99 shuffles" in text
    assert "for one alone" not in notes(rates, features, n_shuffles=99)


def test_counts_neurons_without_a_ceiling_by_reason(rates, features):
    assert "no ceiling" not in notes(rates, features)
    rates[0] = np.random.default_rng(2).poisson(5.0, rates[0].shape)
    text = notes(rates, features)
    assert "1 of 5 neurons have no ceiling and no normalized_ev (" in text


def test_unequal_repeats_are_told(rates, features):
    assert "unequal" not in notes(rates, features)
    rates[:, 40:, 1:] = np.nan
    assert "unequal numbers of repeats, 20 of 60 a single one" in notes(rates, features)


def test_slow_features_and_responses_are_warned_of(rates, features):
    wave = 3 * np.sin(np.arange(N_IMAGES) / 5)
    assert "nothing speaks against that here" in notes(rates, features)
    # One of both does no harm.
    assert "nothing speaks against" in notes(rates, features + wave[:, None])
    slow = rates + 3 * wave[:, None] + 10
    text = notes(slow, features + wave[:, None])
    assert "Both vary slowly" in text
    assert "--shuffle-blocks 10" in text
    assert "Folds hold whole stretches" in notes(slow, features + wave[:, None], blocks=10)
