"""Split images into folds that share no image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from signseg_rig.errors import ConfigError
from signseg_rig.values import IntArray

N_INNER_FOLDS = 5


def assign_folds(
    n_images: int,
    n_folds: int,
    rng: np.random.Generator,
    groups: Sequence[object] | None = None,
) -> IntArray:
    """Assign images to folds at random, of sizes as equal as they can be.

    Parameters
    ----------
    n_images, n_folds : int
    rng : numpy.random.Generator
    groups : sequence of n_images hashable, optional
        Images of one group come into one fold: the same picture under two names, for instance.

    Returns
    -------
    fold : (n_images,) int array, from 0 to ``n_folds - 1``

    Raises
    ------
    ConfigError
        There are fewer than two folds, or fewer images or groups than folds.
    """
    numbers = group_numbers(n_images, groups)
    sizes = np.bincount(numbers)
    if not 2 <= n_folds <= len(sizes):
        raise ConfigError(
            f"n_folds should be from 2 to {len(sizes)}, the number of {_name(groups)}; got "
            f"{n_folds}."
        )
    fold_of_group = np.empty(len(sizes), dtype=np.int64)
    n_in_fold = np.zeros(n_folds, dtype=np.int64)
    # The largest first, each into the fold that has least; the order among equals is random.
    shuffled = rng.permutation(len(sizes))
    for group in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        smallest = n_in_fold.argmin()
        fold_of_group[group] = smallest
        n_in_fold[smallest] += sizes[group]
    return fold_of_group[numbers]


def assign_inner_folds(
    n_images: int, rng: np.random.Generator, groups: Sequence[object] | None = None
) -> IntArray:
    """Assign the images of one fit to the 5 folds by which it chooses among models.

    Parameters
    ----------
    n_images, rng, groups
        See `assign_folds`.

    Raises
    ------
    ConfigError
        There are fewer images or groups than that.
    """
    n_groups = len(np.unique(group_numbers(n_images, groups)))
    if n_groups < N_INNER_FOLDS:
        raise ConfigError(
            f"A fit to {n_groups} {_name(groups)} cannot choose among models: it divides them into "
            f"{N_INNER_FOLDS} inner folds, and needs as many at least. Give more images; with more "
            "outer folds (n_folds) each fit has a larger share of them."
        )
    return assign_folds(n_images, N_INNER_FOLDS, rng, groups)


def group_numbers(n_images: int, groups: Sequence[object] | None) -> IntArray:
    """Give each image the number of its group, (n_images,), from 0; without groups its own.

    Raises
    ------
    ConfigError
        There are more or fewer groups named than images.
    """
    if groups is None:
        return np.arange(n_images)
    if len(groups) != n_images:
        raise ConfigError(
            f"groups should name one group for each of {n_images} images; got {len(groups)}."
        )
    known = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    return np.array([known[group] for group in groups], dtype=np.int64)


def groups_of(images: IntArray, groups: Sequence[object] | None) -> list[object] | None:
    """Return the groups of some of the images; None where there are none."""
    return None if groups is None else [groups[image] for image in images]


def _name(groups: Sequence[object] | None) -> str:
    return "images" if groups is None else "groups of images"
