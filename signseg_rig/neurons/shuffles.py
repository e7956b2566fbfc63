"""Random orders of images that leave those of a group together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from signseg_rig.types import IntArray


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
