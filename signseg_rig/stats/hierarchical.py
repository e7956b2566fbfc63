"""Bootstrap of a mean over nested groups, such as repeats of units of networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signseg_rig.stats.bands import check_level, percentile_band
from signseg_rig.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class HierarchicalMean:
    """A mean over nested groups, and its bootstrap band.

    Parameters
    ----------
    mean : float, in units of the values
        Mean over the outermost groups of their means, and so on inwards: within a group each of
        its parts counts the same, however many values it has.
    low, high : float
        Percentile band. NaN where there are fewer than two outermost groups.
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


# Either the values of an innermost group, or the groups within a group.
_Group = FloatArray | list["_Group"]


def hierarchical_bootstrap(
    values: npt.ArrayLike,
    levels: Sequence[npt.ArrayLike],
    rng: np.random.Generator,
    *,
    level: float = 0.95,
    n_resamples: int = 2_000,
) -> HierarchicalMean:
    """Give the mean of nested values with a band that respects their nesting.

    Parameters
    ----------
    values : (n,) float array-like
        NaN marks a value that is not known, and is left out.
    levels : sequence of (n,) array-likes
        Labels of the groups that a value belongs to, from the outermost: networks, then units. A
        label names a group within the group around it, so unit 3 of two networks is two units.
        What is left within the innermost groups are the repeats.
    rng : numpy.random.Generator
        Draws the resamples.
    level : float, in (0, 1)
        Coverage that is aimed at.
    n_resamples : int, > 0

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
    A resample draws outermost groups with replacement, in each of those drawn its parts, and so on
    to the values (Saravanan, Berman & Sober 2020). A group drawn twice is resampled twice. The
    outermost groups are the independent observations: with few of them the band is too narrow,
    whatever the number of values. Where groups differ little beyond their values' scatter it is
    too wide, since that scatter enters at every level.

    Examples
    --------
    >>> result = hierarchical_bootstrap(
    ...     [1, 3, 5, 7, 9], [["a", "a", "b", "b", "b"]], np.random.default_rng(0)
    ... )
    >>> result.mean, result.n_groups
    (4.5, (2,))
    """
    check_level(level)
    known, labels = _checked(values, levels)
    n_groups = tuple(len(set(map(tuple, labels[:, : depth + 1]))) for depth in range(len(levels)))
    low = high = mean = float("nan")
    if known.size:
        tree = _tree(known, labels)
        mean = _mean(tree)
        if n_groups[0] > 1:
            means = _resampled(tree, n_resamples, rng)
            low, high = percentile_band(means, level)
    return HierarchicalMean(mean, low, high, n_groups, known.size)


def _checked(values: npt.ArrayLike, levels: Sequence[npt.ArrayLike]) -> tuple[FloatArray, IntArray]:
    """Give the known values, and the labels of their groups as numbers, a column per level."""
    array = np.asarray(values, dtype=float)
    columns = [np.asarray(one) for one in levels]
    if array.ndim != 1 or not columns or any(one.shape != array.shape for one in columns):
        raise ValueError(
            "A hierarchical bootstrap needs a flat list of values and at least one level with a "
            f"label for each; got values of shape {array.shape} and levels of shapes "
            f"{[one.shape for one in columns]}."
        )
    if np.isinf(array).any():
        raise ValueError(
            "A hierarchical bootstrap needs values that are finite or NaN; one is infinite."
        )
    is_known = ~np.isnan(array)
    numbers = [np.unique(one, return_inverse=True)[1] for one in columns]
    return array[is_known], np.stack(numbers, axis=1)[is_known]


def _tree(values: FloatArray, labels: IntArray) -> _Group:
    if labels.shape[1] == 0:
        return values
    outermost = labels[:, 0]
    return [
        _tree(values[outermost == label], labels[outermost == label, 1:])
        for label in np.unique(outermost)
    ]


def _mean(group: _Group) -> float:
    parts = [_mean(part) for part in group] if isinstance(group, list) else group
    return float(np.mean(parts))


def _resampled(group: _Group, n: int, rng: np.random.Generator) -> FloatArray:
    """Give n independent resampled means of a group."""
    chosen = rng.integers(len(group), size=(n, len(group)))
    means: FloatArray
    if not isinstance(group, list):
        means = group[chosen].mean(axis=1)
        return means
    drawn = np.empty(chosen.shape)
    for index, part in enumerate(group):
        is_chosen = chosen == index
        drawn[is_chosen] = _resampled(part, int(is_chosen.sum()), rng)
    means = drawn.mean(axis=1)
    return means
