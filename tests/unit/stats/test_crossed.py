"""The mean of a crossed table, against what its parts give and how often it covers."""

import numpy as np
import pytest
from scipy import stats

from signseg_rig.stats import crossed_mean, mean_interval


def test_rows_and_columns_both_add_to_the_variance():
    rng = np.random.default_rng(0)
    rows, columns = rng.normal(0, 1, (12, 1)), rng.normal(0, 2, (1, 7))
    found = crossed_mean(3 + rows + columns)
    per_row, per_column = rows.var(ddof=1) / 12, columns.var(ddof=1) / 7
    df = (per_row + per_column) ** 2 / (per_row**2 / 11 + per_column**2 / 6)
    reach = stats.t.ppf(0.975, df) * np.sqrt(per_row + per_column)
    mean = 3 + rows.mean() + columns.mean()
    assert found.mean == pytest.approx(mean)
    assert (found.low, found.high) == pytest.approx((mean - reach, mean + reach))


def test_of_columns_that_are_alike_it_is_students():
    rows = np.random.default_rng(1).normal(0.5, 1, 15)
    found = crossed_mean(np.repeat(rows[:, None], 4, axis=1))
    assert (found.low, found.high) == pytest.approx(mean_interval(rows))
    assert found.p_value == pytest.approx(stats.ttest_1samp(rows, 0).pvalue)


def test_what_columns_do_to_all_rows_does_not_average_out():
    rng = np.random.default_rng(2)
    n_covered = n_covered_by_rows = 0
    for _ in range(400):
        table = rng.normal(0, 1, (1, 10)) + rng.normal(0, 1, (30, 10))
        found = crossed_mean(table)
        low, high = mean_interval(table.mean(axis=1))
        n_covered += found.low <= 0 <= found.high
        n_covered_by_rows += low <= 0 <= high
    # 95 % of 400, and three standard deviations.
    assert n_covered >= 380 - 13
    assert n_covered_by_rows < 300


@pytest.mark.parametrize("shape", [(1, 5), (5, 1), (0, 5)])
def test_of_one_row_or_column_nothing_can_be_told(shape):
    found = crossed_mean(np.ones(shape) * np.arange(shape[1]))
    assert np.isnan([found.low, found.high, found.p_value]).all()


def test_of_values_that_are_all_the_same_there_is_no_interval():
    found = crossed_mean(np.full((4, 3), 2.0))
    assert found.mean == 2
    assert np.isnan([found.low, found.high, found.p_value]).all()


def test_a_level_outside_0_to_1_is_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        crossed_mean(np.ones((3, 3)), level=95)
