import numpy as np
import pytest

from signseg_protocols.history import History
from signseg_protocols.summary import summarize

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
