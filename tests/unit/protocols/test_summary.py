import numpy as np
import pytest

from signseg_protocols.history import History
from signseg_protocols.summary import summarize
from signseg_simulators.spiking import SpikingSettings, modulated_rates_hz

N_TESTED = 5


def history(evolved_means, references) -> History:
    """Generations of two codes, one above and one below the mean."""
    made = History()
    for mean, scores in zip(evolved_means, references, strict=True):
        made.add(np.array([mean - 1.0, mean + 1.0]), np.array(scores, dtype=float))
    return made


def row(made: History, **changes) -> dict[str, str | float]:
    result = summarize(
        {"face": made}, n_tested=N_TESTED, rng=lambda _name: np.random.default_rng(0), told=()
    )
    assert result.is_success is (result.rows[0][-1] == "yes")
    return dict(zip(result.columns, result.rows[0], strict=True))


def test_a_rise_is_found_and_described():
    cells = row(history(np.arange(20.0), [[7, 9]] * 20))
    assert cells == {
        "thread": "face",
        "n_generations": 20,
        "first_block": 0.0,
        "early_blocks": 2.0,
        "late_blocks": 17.0,
        "early_references": 8.0,
        "late_references": 8.0,
        "n_blocks_tested": 5,
        "p_value": pytest.approx(1 / 252),
        "rose": "yes",
    }


def test_a_rise_that_the_references_share_is_none():
    drift = np.arange(20.0)
    cells = row(history(drift, drift[:, None] + [[7, 9]]))
    assert cells["late_blocks"] - cells["early_blocks"] == 15
    assert cells["p_value"] == 1.0
    assert cells["rose"] == "no"


def test_a_rise_is_found_where_all_rates_fall():
    drift = -3 * np.arange(20.0)
    cells = row(history(np.arange(20.0) + drift, drift[:, None] + [[7, 9]]))
    assert cells["late_blocks"] < cells["early_blocks"]
    assert cells["rose"] == "yes"


N_SIMULATED = 120


def simulated_rises(rng, *, drift: float, rise: float = 1.0, baseline_hz: float = 0.0) -> float:
    """Share of runs called a rise; evolved images begin at 3 times the rate of the references."""
    spiking = SpikingSettings(drift=drift)
    n_blocks, window_s, n_rises = 30, 0.15, 0
    for seed in range(N_SIMULATED):
        references_hz, made = rng.uniform(10, 30, 8), History()
        for block in range(n_blocks):
            growth = 1 + (rise - 1) * block / (n_blocks - 1)
            evolved_hz = 60 * growth * rng.uniform(0.7, 1.3, 16)
            rates_hz = np.concatenate([evolved_hz, references_hz])[:, None]
            drifted_hz = modulated_rates_hz(spiking, rates_hz, block=block, seed=seed)[:, 0]
            scores = rng.poisson(drifted_hz * window_s) / window_s - baseline_hz
            made.add(scores[:16], scores[16:])
        n_rises += row(made)["rose"] == "yes"
    return n_rises / N_SIMULATED


@pytest.mark.parametrize("baseline_hz", [0.0, 5.0])
@pytest.mark.parametrize("drift", [0.0, 0.1, 0.3])
def test_drift_of_the_gain_is_no_rise(rng, drift, baseline_hz):
    # Nominal 5 %; 11 % is 3 standard errors above. The difference alone has 16 % and 37 %.
    assert simulated_rises(rng, drift=drift, baseline_hz=baseline_hz) <= 0.11


@pytest.mark.parametrize("drift", [0.0, 0.3])
def test_a_rise_is_found_in_noise_and_drift_of_the_gain(rng, drift):
    assert simulated_rises(rng, drift=drift, rise=2.0) >= 0.8


def test_a_rise_of_the_gain_alone_is_none():
    gain = np.linspace(1, 2, 20)
    cells = row(history(30 * gain, gain[:, None] * [[7, 9]]))
    assert cells["late_blocks"] - cells["early_blocks"] > 20
    assert cells["rose"] == "no"


@pytest.mark.parametrize("offset", [-2.0, 0.5, 2.0])
def test_references_whose_mean_is_noise_hide_no_rise(offset):
    """Contrasts of two units, and rates above a baseline, may have a mean of either sign near 0."""
    n_rises = 0
    for seed in range(20):
        noise = np.random.default_rng(seed).normal(0, 20, (30, 22))
        rise = np.linspace(40, 80, 30)[:, None]
        made = History()
        for scores in noise + np.hstack([rise.repeat(16, axis=1), np.full((30, 6), offset)]):
            made.add(scores[:16], scores[16:])
        n_rises += row(made)["rose"] == "yes"
    assert n_rises >= 18


def test_references_that_do_not_respond_take_off_additive_drift_alone():
    cells = row(history(np.arange(20.0), [[-3, 1]] * 20))
    assert cells["rose"] == "yes"


def test_one_high_block_is_no_rise(rng):
    means = np.zeros(20)
    means[12] = 100
    assert row(history(means, [[7, 9]] * 20))["rose"] == "no"


@pytest.mark.parametrize(
    ("n_generations", "n_tested", "rose"), [(1, 0, "too short"), (5, 2, "too short"), (7, 3, "yes")]
)
def test_short_runs_test_fewer_blocks(n_generations, n_tested, rose):
    cells = row(history(np.arange(float(n_generations)), [[7, 9]] * n_generations))
    assert cells["n_blocks_tested"] == n_tested
    assert cells["rose"] == rose
    assert np.isnan(cells["p_value"]) == (rose == "too short")


def test_blocks_without_a_score_are_passed_over():
    means = np.arange(14.0)
    means[[0, 13]] = np.nan
    references = [[7.0, 9.0]] * 14
    references[1] = [np.nan, np.nan]
    cells = row(history(means, references))
    assert np.isnan(cells["first_block"])
    assert cells["early_blocks"] == np.mean([2, 3, 4, 5, 6])
    assert cells["late_blocks"] == np.mean([8, 9, 10, 11, 12])
    assert cells["n_blocks_tested"] == 5


def test_references_have_no_drift_because_other_ones_are_valid():
    """Without drift, the early blocks lack the low reference and the late ones the high one."""
    references = np.tile([5.0, 15.0, 100.0], (20, 1))
    references[:10, 0] = references[10:, 2] = np.nan
    cells = row(history(np.arange(20.0), references))
    assert cells["early_references"] == cells["late_references"] == pytest.approx(40.0)


def test_success_takes_every_thread():
    rising, flat = history(np.arange(20.0), [[7, 9]] * 20), history(np.zeros(20), [[7, 9]] * 20)
    result = summarize(
        {"rising": rising, "flat": flat},
        n_tested=N_TESTED,
        rng=lambda _name: np.random.default_rng(0),
        told=(),
    )
    assert [cells[-1] for cells in result.rows] == ["yes", "no"]
    assert not result.is_success
