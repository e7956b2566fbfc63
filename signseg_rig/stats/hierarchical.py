"""The mean of nested groups, such as repeats of units of networks, and its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signseg_rig.stats.intervals import check_level, has_interval, mean_interval
from signseg_rig.values import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class HierarchicalMean:
    """A mean over nested groups, and its confidence interval.

    Parameters
    ----------
    mean : float, in units of the values
        Mean over the outermost groups of their means, and so on inwards: within a group each of
        its parts counts the same, however many values it has.
    low, high : float
        NaN where there are fewer than three outermost groups, or most values are one and the same.
    n_groups : tuple of int
        Groups of each level, from the outermost.
    n_values : int
        Values that are known.
    """

    mean: float
    low: float
    high: float
    n_groups: tuple[int, ...]
    n_values: int


def hierarchical_mean(
    values: npt.ArrayLike, levels: Sequence[npt.ArrayLike], *, level: float = 0.95
) -> HierarchicalMean:
    """Return the mean of nested values with an interval that respects their nesting.

    Parameters
    ----------
    values : (n,) float array-like
        NaN marks a value that is not known, and is left out.
    levels : sequence of (n,) array-likes
        Labels of the groups that a value belongs to, from the outermost: networks, then units. A
        label names a group within the group around it, so unit 3 of two networks is two units.
        What is left within the innermost groups are the repeats.
    level : float, in (0, 1)
        Coverage.

    Returns
    -------
    result : HierarchicalMean

    Raises
    ------
    ValueError
        Values and labels do not have one length, there are no levels, a value is infinite, or the
        level is not between 0 and 1.

    Notes
    -----
    The outermost groups are the independent observations, and the interval is Student's of their
    means, see `mean_interval`: what scatters within them is in their scatter. Measured with 5
    units a group, 20,000 samples each, for normal values whose groups differ by 0, 0.5 and 1 of
    their units' standard deviation: .949 to .952 with 3, 5, 7, 10 and 20 groups. Counts with a mean
    of 0.1 have none. A hierarchical bootstrap (Saravanan, Berman & Sober 2020), which resamples
    groups and then their parts, covered .83 to .95 with 3 groups and .91 to .99 with 5: too narrow
    where groups differ, and too wide where they do not, as the scatter of values enters at every
    level.

    Examples
    --------
    >>> result = hierarchical_mean([1, 3, 5, 7, 9], [["a", "a", "b", "b", "b"]])
    >>> result.mean, result.n_groups
    (4.5, (2,))
    """
    check_level(level)
    known, labels = _checked(values, levels)
    n_groups = tuple(len(set(map(tuple, labels[:, : depth + 1]))) for depth in range(len(levels)))
    means = _group_means(known, labels)
    low = high = float("nan")
    if has_interval(known):
        low, high = mean_interval(means, level=level)
    mean = float(means.mean()) if means.size else float("nan")
    return HierarchicalMean(mean, low, high, n_groups, known.size)


def _checked(values: npt.ArrayLike, levels: Sequence[npt.ArrayLike]) -> tuple[FloatArray, IntArray]:
    """Return the known values, and the labels of their groups as numbers, a column per level."""
    array = np.asarray(values, dtype=float)
    columns = [np.asarray(one) for one in levels]
    if array.ndim != 1 or not columns or any(one.shape != array.shape for one in columns):
        raise ValueError(
            "A hierarchical mean needs a flat list of values and at least one level with a "
            f"label for each; got values of shape {array.shape} and levels of shapes "
            f"{[one.shape for one in columns]}."
        )
    if np.isinf(array).any():
        raise ValueError(
            "A hierarchical mean needs values that are finite or NaN; one is infinite."
        )
    is_known = ~np.isnan(array)
    numbers = [np.unique(one, return_inverse=True)[1] for one in columns]
    return array[is_known], np.stack(numbers, axis=1)[is_known]


# SciPy has nothing for nested groups; its bootstrap would draw values as if they were independent.
def _group_means(values: FloatArray, labels: IntArray) -> FloatArray:
    """Return the mean of each outermost group: of its values, or of its groups' means."""
    outermost = labels[:, 0]
    parts = [outermost == label for label in np.unique(outermost)]
    if labels.shape[1] == 1:
        return np.array([values[part].mean() for part in parts])
    return np.array([_group_means(values[part], labels[part, 1:]).mean() for part in parts])
