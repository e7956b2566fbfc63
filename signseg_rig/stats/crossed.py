"""The mean of a table both of whose sides are samples, such as neurons by images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from signseg_rig.stats.intervals import check_level
from signseg_rig.values import FloatArray


@dataclass(frozen=True, slots=True)
class CrossedMean:
    """The mean of a crossed table, with what can be said of it.

    Parameters
    ----------
    mean : float
    low, high : float
        Of its interval; NaN where a side has fewer than two entries, or nothing differs.
    p_value : float
        Two-sided, of a mean of 0; NaN likewise.
    """

    mean: float
    low: float
    high: float
    p_value: float


def crossed_mean(values: npt.ArrayLike, *, level: float = 0.95) -> CrossedMean:
    """Return the mean of a table whose rows and columns are both samples.

    Rows that share their columns, as neurons share images, are no independent observations: what
    a column does to all rows does not average out with more of them.

    Parameters
    ----------
    values : (n_rows, n_columns) array
        Without NaN.
    level : float, in (0, 1)
        Of the interval.

    Returns
    -------
    mean : CrossedMean

    Raises
    ------
    ValueError
        `level` is not between 0 and 1.

    Notes
    -----
    In the model ``mean + row + column + rest``, all random, the variance of the mean is
    ``(MS_rows + MS_columns - MS_rest) / (n_rows * n_columns)`` (Searle, Casella & McCulloch,
    Variance components, 1992, ch. 4); it is taken to be at least what either side alone gives. Its
    degrees of freedom are Satterthwaite's. Of 4,000 simulated normal tables each of 20 x 10, 8 x 5,
    60 x 10 and 6 x 5 the interval of 95 % covers in .94 to .96 where rows or columns differ, or
    both do, and in .97 to .99 where neither does.
    """
    check_level(level)
    table: FloatArray = np.asarray(values, dtype=np.float64)
    n_rows, n_columns = table.shape
    mean = float(table.mean()) if table.size else np.nan
    if min(table.shape) < 2 or np.ptp(table) == 0:
        return CrossedMean(mean, np.nan, np.nan, np.nan)
    # SciPy's analysis of variance has one factor, and no error of the mean where it is random.
    by_row, by_column = table.mean(axis=1, keepdims=True), table.mean(axis=0, keepdims=True)
    df_rows, df_columns = n_rows - 1, n_columns - 1
    rows = n_columns * float(((by_row - mean) ** 2).sum()) / df_rows
    columns = n_rows * float(((by_column - mean) ** 2).sum()) / df_columns
    rest = float(((table - by_row - by_column + mean) ** 2).sum()) / (df_rows * df_columns)
    square, df = max(
        (rows, df_rows),
        (columns, df_columns),
        (rows + columns - rest, _satterthwaite(rows, df_rows, columns, df_columns, rest)),
    )
    error = np.sqrt(square / table.size)
    reach = float(stats.t.ppf((1 + level) / 2, df) * error)
    p_value = float(2 * stats.t.sf(abs(mean) / error, df))
    return CrossedMean(mean, mean - reach, mean + reach, p_value)


def _satterthwaite(
    rows: float, df_rows: int, columns: float, df_columns: int, rest: float
) -> float:
    parts = rows**2 / df_rows + columns**2 / df_columns + rest**2 / (df_rows * df_columns)
    return (rows + columns - rest) ** 2 / parts
