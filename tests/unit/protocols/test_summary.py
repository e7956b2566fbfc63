import numpy as np
import pytest

from signseg_protocols.controls import THE_SEARCH_DID_IT
from signseg_protocols.history import History
from signseg_protocols.summary import summarize

N_TESTED = 5


def history(evolved_means, references) -> History:
    """Generations of two codes, one above and one below the mean."""
    made = History()
    for mean, scores in zip(evolved_means, references, strict=True):
        made.add(np.array([mean - 1.0, mean + 1.0]), np.array(scores, dtype=float))
    return made


def conclude(histories, **changes):
    settings = {"n_tested": N_TESTED, "rng": lambda *_names: np.random.default_rng(0)}
    return summarize(histories, **(settings | changes))


def row(made: History, **changes) -> dict[str, str | float]:
    result = conclude({"face": made}, **changes)
    cells = dict(zip(result.columns, result.rows[0], strict=True))
    assert result.is_success is (cells["verdict"] == "rose")
    return cells


def test_a_rise_is_found_and_described():
    cells = row(history(np.arange(20.0), [[7, 9]] * 20))
    # Welch's interval of 15 with two variances of 2.5 in five blocks: t(0.975, 8 df) = 2.306.
    half = 2.306 * np.sqrt(2 * 2.5 / 5)
    change = {
        "change": 15.0,
        "change_low": pytest.approx(15 - half, abs=1e-3),
        "change_high": pytest.approx(15 + half, abs=1e-3),
    }
    assert cells == {
        "thread": "face",
        "verdict": "rose",
        "n_generations": 20,
        "n_blocks_tested": 5,
        "first_block": 0.0,
        "early_blocks": 2.0,
        "late_blocks": 17.0,
        "early_references": 8.0,
        "late_references": 8.0,
        **change,
        **{name.replace("change", "change_less_sum"): value for name, value in change.items()},
        "ratio_less_gain": pytest.approx(np.nan, nan_ok=True),
        "ratio_less_gain_low": pytest.approx(np.nan, nan_ok=True),
        "ratio_less_gain_high": pytest.approx(np.nan, nan_ok=True),
        "p_raw": pytest.approx(1 / 252),
        "p_sum": pytest.approx(1 / 252),
        "p_gain": pytest.approx(0.0, abs=1e-5),
        "p_value": pytest.approx(1 / 252),
    }


def test_each_column_is_named_in_words_and_the_tests_are():
    result = conclude({"face": history(np.arange(20.0), [[7, 9]] * 20)})
    assert len(result.headings) == len(result.columns)
    assert not any("_" in heading for heading in result.headings)
    said = " ".join(result.notes)
    assert "permutation tests of block means" in said
    assert "one-sided" in said
    assert "0.05" in said


def test_a_rise_that_the_references_share_is_none():
    drift = np.arange(20.0)
    cells = row(history(drift, drift[:, None] + [[7, 9]]))
    assert cells["change"] == 15
    assert cells["change_less_sum"] == 0
    assert cells["p_value"] == 1.0
    assert cells["verdict"].startswith("cannot tell: the references changed, and it is a rise only")


def test_a_rise_of_the_gain_alone_is_none():
    gain = np.linspace(1, 2, 20)
    cells = row(history(30 * gain, gain[:, None] * [[7, 9]]))
    assert cells["change"] > 20
    assert cells["ratio_less_gain"] == pytest.approx(1.0)
    assert cells["verdict"].startswith("cannot tell: the references changed")


@pytest.mark.parametrize("evolved", [0.0, -5.0, 12.0])
def test_references_that_fade_alone_raise_nothing(evolved):
    cells = row(history(np.full(20, evolved), np.linspace(40, 20, 20)[:, None] + [[-3, 3]]))
    assert cells["p_sum"] < 0.01
    assert cells["verdict"].startswith("cannot tell: late images score no more than early ones")


def test_a_rise_against_falling_rates_cannot_be_told_from_references_that_fade_alone():
    drift = -3 * np.arange(20.0)
    cells = row(history(80 + np.arange(20.0) + drift, drift[:, None] + [[77, 79]]))
    assert cells["late_blocks"] < cells["early_blocks"]
    assert cells["verdict"].startswith("cannot tell: late images score no more than early ones")


def test_a_gain_that_no_reference_shows_may_be_all_there_is():
    """Evolved images at 30 Hz and references at none: nobody sees what made 30 Hz into 55."""
    gain = np.exp(np.linspace(-0.3, 0.3, 30))
    noise = np.tile([3.0, -3.0], 15)
    cells = row(history(30 * gain, noise[:, None] + [[-2, 2]]))
    assert cells["p_raw"] < 0.01
    assert cells["p_sum"] < 0.01
    assert "references hardly respond" in cells["verdict"]


@pytest.mark.parametrize("offset", [-2.0, 0.5, 2.0])
def test_a_neuron_that_was_silent_rises_beside_references_of_no_effect(rng, offset):
    evolved = np.linspace(0, 40, 30) + rng.normal(0, 1, 30)
    references = offset + rng.normal(0, 8, (30, 6))
    assert row(history(evolved, references))["verdict"] == "rose"


def test_references_that_change_without_responding_tell_nothing(rng):
    references = np.linspace(3, -6, 30)[:, None] + rng.normal(0, 1, (30, 4))
    cells = row(history(np.linspace(20, 24, 30) + rng.normal(0, 2, 30), references))
    assert cells["verdict"] == (
        "cannot tell: the references show no gain (they hardly respond), and they changed"
    )


def test_one_high_block_is_no_rise():
    means = np.full(20, 30.0)
    means[12] = 100
    assert row(history(means, [[7, 9]] * 20))["verdict"] == "did not rise"


def test_noise_that_may_hide_a_doubling_is_said(rng):
    noise = rng.normal(0, 12, (20, 2))
    cells = row(history(30 + noise[:, 0], noise[:, 1:] + [[7, 90]]), n_tested=3)
    assert "exclude that they doubled" in cells["verdict"]


@pytest.mark.parametrize(
    ("n_generations", "n_tested", "verdict"),
    [
        (1, 0, "cannot tell: 1 blocks have scores, and the tests need 6"),
        (5, 0, "cannot tell: 5 blocks have scores, and the tests need 6"),
        (7, 3, "rose"),
        (12, 4, "rose"),
        (40, 5, "rose"),
    ],
)
def test_short_runs_test_fewer_blocks(n_generations, n_tested, verdict):
    cells = row(history(5 * np.arange(float(n_generations)), [[7, 9]] * n_generations))
    assert cells["n_blocks_tested"] == n_tested
    assert cells["verdict"] == verdict


def test_blocks_without_a_score_are_passed_over():
    means = np.arange(17.0)
    means[[0, 16]] = np.nan
    references = [[7.0, 9.0]] * 17
    references[1] = [np.nan, np.nan]
    cells = row(history(means, references))
    assert np.isnan(cells["first_block"])
    assert cells["early_blocks"] == np.mean([2, 3, 4, 5])
    assert cells["late_blocks"] == np.mean([12, 13, 14, 15])
    assert cells["n_blocks_tested"] == 4


def test_references_have_no_drift_because_other_ones_are_valid():
    """Without drift, the early blocks lack the low reference and the late ones the high one."""
    references = np.tile([5.0, 15.0, 100.0], (20, 1))
    references[:10, 0] = references[10:, 2] = np.nan
    cells = row(history(np.arange(20.0), references))
    assert cells["early_references"] == cells["late_references"] == pytest.approx(40.0)


def test_success_takes_every_thread_but_the_controls():
    rising, flat = history(np.arange(20.0), [[7, 9]] * 20), history(np.zeros(20), [[7, 9]] * 20)
    threads = {"rising": rising, "flat": flat}
    assert not conclude(threads).is_success
    result = conclude(threads, controls={"rising": "flat"})
    assert result.is_success
    searches = [cells[result.columns.index("search")] for cells in result.rows]
    assert searches == [THE_SEARCH_DID_IT, "(the control of rising)"]
