import math

import numpy as np
import pytest
import scipy.stats

from signseg_rig.stats import permutation, permutation_test
from signseg_rig.values import FloatArray

ALPHA = 0.05
N_BLOCKS = 5
# What 5 blocks against 5 can reach: the largest multiple of 1/252 that is at most 0.05.
EXACT_LEVEL = 12 / 252


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


@pytest.mark.parametrize(
    ("early", "late", "p_value"),
    [
        pytest.param([1, 2, 3], [4, 5, 6], 1 / 20, id="largest of all"),
        pytest.param([4, 5, 6], [1, 2, 3], 1.0, id="smallest of all"),
        pytest.param([1, 2, 4], [3, 5, 6], 2 / 20, id="second largest"),
        pytest.param([1], [2], 1 / 2, id="one against one"),
        pytest.param([0.1] * 5, [0.1] * 5, 1.0, id="silent neuron"),
        pytest.param([0, 0], [0, 1], 3 / 6, id="ties"),
    ],
)
def test_counts_the_permutations_that_reach_the_observed(early, late, p_value, rng):
    test = permutation_test(early, late, rng=rng)
    assert test.p_value == pytest.approx(p_value)
    assert test.is_exact
    assert test.n_permutations == math.comb(len(early) + len(late), len(late))
    assert test.difference == pytest.approx(np.mean(late) - np.mean(early))


@pytest.mark.parametrize(("n_early", "n_late"), [(3, 3), (5, 5), (4, 7), (8, 2)])
@pytest.mark.parametrize("has_ties", [False, True])
def test_agrees_with_scipy(n_early, n_late, has_ties, rng):
    early, late = rng.normal(size=n_early), rng.normal(0.5, size=n_late)
    if has_ties:
        early, late = early.round() * 0.1, late.round() * 0.1
    reference = scipy.stats.permutation_test(
        (late, early),
        lambda x, y, axis: np.mean(x, axis=axis) - np.mean(y, axis=axis),
        vectorized=True,
        alternative="greater",
        n_resamples=np.inf,
    )
    test = permutation_test(early, late, rng=rng)
    assert test.p_value == pytest.approx(reference.pvalue)
    assert test.difference == pytest.approx(reference.statistic)


def test_ties_survive_sums_in_another_order(rng):
    # 0.1 + 0.2 + 0.3 differs from 0.3 + 0.2 + 0.1 in the last bit.
    test = permutation_test([0.3, 0.2, 0.1], [0.1, 0.2, 0.3], rng=rng)
    exact = permutation_test([3, 2, 1], [1, 2, 3], rng=rng)
    assert test.p_value == exact.p_value


def test_samples_permutations_that_are_too_many(monkeypatch, rng):
    early, late = rng.normal(size=6), rng.normal(0.8, size=6)
    exact = permutation_test(early, late, rng=rng)
    monkeypatch.setattr(permutation, "MAX_ENUMERATED", 0)
    sampled = permutation_test(early, late, rng=rng, n_resamples=20_000)
    standard_error = math.sqrt(exact.p_value * (1 - exact.p_value) / 20_000)
    assert not sampled.is_exact
    assert sampled.n_permutations == 20_001
    assert sampled.p_value == pytest.approx(exact.p_value, abs=5 * standard_error)


def test_a_sampled_p_value_is_never_zero():
    rng = np.random.default_rng(0)
    test = permutation_test(np.zeros(20), np.ones(20), rng=rng, n_resamples=99)
    assert test.p_value == 1 / 100


def test_sampling_is_seeded():
    values = np.random.default_rng(3).normal(size=40)
    p_values = {
        permutation_test(values[:20], values[20:], rng=np.random.default_rng(7)).p_value
        for _ in range(3)
    }
    assert len(p_values) == 1


@pytest.mark.parametrize("bad", [[], [1.0, np.nan], [np.inf], [[1.0, 2.0]]])
def test_refuses_what_has_no_mean(bad, rng):
    with pytest.raises(ValueError, match="early blocks"):
        permutation_test(bad, [1.0], rng=rng)
    with pytest.raises(ValueError, match="late blocks"):
        permutation_test([1.0], bad, rng=rng)


def simulate_blocks(
    rng: np.random.Generator, *, gain_hz: float = 0.0, n_blocks: int = 20
) -> tuple[FloatArray, FloatArray]:
    """Evolved and reference means per block under strong drift that both share."""
    drift = np.cumsum(rng.normal(0.5, 1.0, n_blocks))
    evolved = drift + np.linspace(0, gain_hz, n_blocks) + rng.normal(0, 1, n_blocks)
    references = 7 + drift + rng.normal(0, 1, n_blocks)
    return evolved, references


def rejection_rate(values_of_a_run, *, n_runs: int = 2_000) -> float:
    rng = np.random.default_rng(1)
    p_values = []
    for _ in range(n_runs):
        values = values_of_a_run(rng)
        test = permutation_test(values[:N_BLOCKS], values[-N_BLOCKS:], rng=rng)
        p_values.append(test.p_value)
    return float(np.mean(np.array(p_values) <= ALPHA))


def test_shared_drift_alone_is_rejected_at_the_nominal_level():
    def difference(rng: np.random.Generator) -> FloatArray:
        evolved, references = simulate_blocks(rng)
        return evolved - references

    rate = rejection_rate(difference)
    standard_error = math.sqrt(EXACT_LEVEL * (1 - EXACT_LEVEL) / 2_000)
    assert rate == pytest.approx(EXACT_LEVEL, abs=4 * standard_error)


def test_drift_that_is_not_taken_off_misleads():
    assert rejection_rate(lambda rng: simulate_blocks(rng)[0], n_runs=300) > 0.5


def test_finds_a_rise_under_drift():
    def difference(rng: np.random.Generator) -> FloatArray:
        evolved, references = simulate_blocks(rng, gain_hz=5.0)
        return evolved - references

    assert rejection_rate(difference, n_runs=300) > 0.9


def test_presentations_are_not_exchangeable_where_blocks_share_noise():
    rng = np.random.default_rng(2)
    n_per_block, n_runs = 20, 200
    p_values = []
    for _ in range(n_runs):
        shared = rng.normal(0, 1, (2 * N_BLOCKS, 1))
        presentations = shared + rng.normal(0, 1, (2 * N_BLOCKS, n_per_block))
        early, late = presentations[:N_BLOCKS].ravel(), presentations[N_BLOCKS:].ravel()
        p_values.append(permutation_test(early, late, rng=rng, n_resamples=199).p_value)
    assert np.mean(np.array(p_values) <= ALPHA) > 0.2
