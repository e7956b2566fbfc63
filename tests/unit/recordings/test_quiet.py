"""A recording without spikes is found, and slow neurons are not taken for one."""

import numpy as np
import pytest

from signseg_rig.experiment import WindowSettings
from signseg_rig.recordings import QuietCheck
from signseg_rig.values import InvalidReason, ResponseBatch

WINDOWS = WindowSettings()
WINDOW_S = np.array([0.15, 0.045])
N = 40


def responses(
    rates_hz: np.ndarray, rng: np.random.Generator, *, n: int = N, n_invalid: int = 0
) -> ResponseBatch:
    """Poisson responses of units; the first few presentations are invalid."""
    counts = rng.poisson(rates_hz * WINDOW_S[:, None, None], (2, n, rates_hz.size))
    evoked_hz, baseline_hz = counts / WINDOW_S[:, None, None]
    evoked_hz[:n_invalid] = baseline_hz[:n_invalid] = np.nan
    return ResponseBatch(
        presentation_ids=tuple(f"p{index}" for index in range(n)),
        stimulus_index=np.arange(n),
        evoked_hz=evoked_hz,
        baseline_hz=baseline_hz,
        reasons=tuple(
            InvalidReason.FIXATION_BROKEN if index < n_invalid else None for index in range(n)
        ),
        unit_names=tuple(f"u{unit}" for unit in range(rates_hz.size)),
    )


def is_marked(batch: ResponseBatch) -> bool:
    """Check that what was valid is invalid now, and has no rate."""
    silent = InvalidReason.RECORDING_SILENT in batch.reasons
    assert not (silent and batch.is_valid.any())
    assert not silent or (np.isnan(batch.evoked_hz).all() and np.isnan(batch.baseline_hz).all())
    return silent


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("n_before", [0, 1, 20])
@pytest.mark.parametrize("n", [10, N])
def test_dead_headstage_is_found_in_its_first_block(
    rng: np.random.Generator, n_before: int, n: int
) -> None:
    check = QuietCheck(WINDOWS)
    rates_hz = rng.uniform(1, 9, 96)
    for _ in range(n_before):
        assert not is_marked(check.marked(responses(rates_hz, rng)))
    silent = responses(np.zeros(96), rng, n=n if n_before else N)
    assert is_marked(check.marked(silent))
    assert check.doubt(96) == ""
    assert not is_marked(check.marked(responses(rates_hz, rng)))


def test_what_was_invalid_before_keeps_its_reason(rng: np.random.Generator) -> None:
    marked = QuietCheck(WINDOWS).marked(responses(np.zeros(96), rng, n_invalid=3))
    assert marked.reasons[:4] == (
        *[InvalidReason.FIXATION_BROKEN] * 3,
        InvalidReason.RECORDING_SILENT,
    )


def test_silent_units_among_others_are_normal(rng: np.random.Generator) -> None:
    check = QuietCheck(WINDOWS)
    rates_hz = np.array([5.0, *[0.0] * 95])
    assert not any(is_marked(check.marked(responses(rates_hz, rng))) for _ in range(50))


def test_few_slow_units_add_up_until_it_cannot_be_chance(rng: np.random.Generator) -> None:
    check = QuietCheck(WINDOWS)
    usual = responses(np.zeros(1), rng)
    # 39 spikes in 40 times 195 ms: 5 Hz.
    usual.evoked_hz[0, 0] = 39 / WINDOW_S[0]
    check.marked(usual)
    verdicts, doubts = [], []
    for _ in range(5):
        verdicts.append(is_marked(check.marked(responses(np.zeros(1), rng))))
        doubts.append(check.doubt(1))
    # In blocks of 39 expected spikes it takes four to expect 123.
    assert verdicts == [False, False, False, True, True]
    assert "about 39 were expected" in doubts[0]
    assert "cannot be told" in doubts[2]
    assert doubts[3] == ""
    assert not is_marked(check.marked(responses(np.array([50.0]), rng)))


def test_short_stretch_without_a_spike_is_no_dead_headstage(rng: np.random.Generator) -> None:
    """As in a burst suppression, in which all units are silent for a second or two."""
    check = QuietCheck(WINDOWS)
    rates_hz = np.full(96, 20.0)
    check.marked(responses(rates_hz, rng))
    assert not is_marked(check.marked(responses(np.zeros(96), rng, n=9)))
    assert check.doubt(96) == ""


def test_recorded_responses_teach_what_measured_ones_did(rng: np.random.Generator) -> None:
    live, replayed = QuietCheck(WINDOWS), QuietCheck(WINDOWS)
    for _ in range(60):
        rates_hz = rng.choice([0.0, 0.3, 8.0], p=[0.6, 0.2, 0.2]) * np.ones(3)
        batch = responses(rates_hz, rng, n=int(rng.integers(1, 50)), n_invalid=1)
        replayed.recall(live.marked(batch))
        assert vars(replayed).keys() == vars(live).keys()
        assert (replayed._n_silent, replayed._rates_hz) == (live._n_silent, live._rates_hz)


def test_nothing_valid_says_nothing(rng: np.random.Generator) -> None:
    check = QuietCheck(WINDOWS)
    for _ in range(30):
        check.marked(responses(np.zeros(96), rng, n_invalid=N))
    assert check.doubt(96) == ""


@pytest.mark.parametrize(("n_units", "rate_hz"), [(1, 0.5), (2, 2.0), (10, 0.2)])
def test_false_alarms_are_rare(rng: np.random.Generator, n_units: int, rate_hz: float) -> None:
    """Runs of 300 blocks whose rates vary from block to block as the docstring says."""
    n_alarms = 0
    batch = responses(np.zeros(n_units), rng)
    for _ in range(10):
        check = QuietCheck(WINDOWS)
        gains = rng.gamma(4.0, 0.25, 300)
        spikes = rng.poisson(gains * rate_hz * n_units * N * WINDOW_S.sum())
        for count in spikes:
            batch.evoked_hz[0, 0] = count / WINDOW_S[0]
            n_alarms += is_marked(check.marked(batch))
    assert n_alarms == 0
