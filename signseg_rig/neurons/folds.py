"""Split images into folds that share no image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from signseg_rig.errors import ConfigError
from signseg_rig.types import IntArray


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
    if groups is None:
        numbers = np.arange(n_images)
    elif len(groups) != n_images:
        raise ConfigError(
            f"groups should name one group for each of {n_images} images; got {len(groups)}."
        )
    else:
        known = {group: number for number, group in enumerate(dict.fromkeys(groups))}
        numbers = np.array([known[group] for group in groups], dtype=np.int64)
    sizes = np.bincount(numbers)
    if not 2 <= n_folds <= len(sizes):
        what = "images" if groups is None else "groups of images"
        raise ConfigError(
            f"n_folds should be from 2 to {len(sizes)}, the number of {what}; got {n_folds}."
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
