"""Random orders of images: any, with groups left together, or shifted as a whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from signseg_rig.errors import ConfigError
from signseg_rig.values import IntArray


def draw_shuffles(
    n_images: int, n_shuffles: int, rng: np.random.Generator, groups: Sequence[object] | None = None
) -> list[IntArray]:
    """Draw orders in which groups change places with others of their size.

    Parameters
    ----------
    n_images, n_shuffles : int
    rng : numpy.random.Generator
    groups : sequence of n_images hashables, optional
        Images of one group stay together, in their order. By default each is its own.

    Returns
    -------
    orders : list of (n_images,) int arrays
        Which image comes to each place.
    """
    rows: dict[object, list[int]] = {}
    for image, group in enumerate(range(n_images) if groups is None else groups):
        rows.setdefault(group, []).append(image)
    by_size: dict[int, list[list[int]]] = {}
    for images in rows.values():
        by_size.setdefault(len(images), []).append(images)
    members = [np.array(groups_of_size) for groups_of_size in by_size.values()]
    orders: list[IntArray] = []
    for _ in range(n_shuffles):
        order = np.empty(n_images, dtype=np.intp)
        for places in members:
            order[places] = rng.permutation(places)
        orders.append(order)
    return orders


def draw_shifts(n_images: int, n_shuffles: int, rng: np.random.Generator) -> list[IntArray]:
    """Draw orders that begin elsewhere in the true one, and turn back at its ends.

    Parameters
    ----------
    n_images, n_shuffles : int
    rng : numpy.random.Generator

    Returns
    -------
    orders : list of (n_images,) int arrays
        Different ones, and so no more than ``2 * n_images - 1``. Some images come twice, and others
        not at all.

    Notes
    -----
    Images that follow each other are neighbours in the true order, everywhere: what is slow over
    the true order is as slow over these. In a circle, or in blocks that change places, values would
    jump where pieces meet, and be predicted worse for that: p <= 0.05 came out for 36 % (circle) of
    unrelated neurons whose rates and features walk at random, and for 20 to 90 % (blocks) of those
    that vary slowly about a mean.
    """
    there_and_back = np.concatenate([np.arange(n_images), np.arange(n_images)[::-1]])
    begins = rng.permutation(np.arange(1, 2 * n_images))[:n_shuffles]
    return [np.roll(there_and_back, -int(begin))[:n_images] for begin in begins]


def block_groups(
    n_images: int, n_blocks: int, groups: Sequence[object] | None = None
) -> list[object]:
    """Return the stretch of the order to which each image belongs, as a group of it.

    Parameters
    ----------
    n_images : int
    n_blocks : int
        How many stretches of equal length there are.
    groups : sequence of n_images hashables, optional
        Images that belong together anyway: stretches that share such a group become one.

    Returns
    -------
    groups : list of n_images ints

    Raises
    ------
    ConfigError
        There are more blocks than images, or fewer than 2.
    """
    if not 2 <= n_blocks <= n_images:
        raise ConfigError(
            f"The order of {n_images} images can be cut into 2 to {n_images} blocks; got "
            f"{n_blocks}."
        )
    block = np.arange(n_images) * n_blocks // n_images
    first: dict[object, int] = {}
    for image, group in enumerate(range(n_images) if groups is None else groups):
        here, there = block[image], first.setdefault(group, block[image])
        if here != there:
            block[block == here] = there
            first = {known: there if one == here else one for known, one in first.items()}
    return list(block.tolist())
