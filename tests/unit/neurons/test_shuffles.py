"""Shuffles move groups as wholes, and every way that this can be done comes up."""

import numpy as np

from signseg_rig.neurons.shuffles import draw_shuffles


def drawn(n_images, groups=None):
    orders = draw_shuffles(n_images, 200, np.random.default_rng(0), groups)
    return {tuple(order.tolist()) for order in orders}


def test_groups_stay_whole_and_change_places_with_those_of_their_size():
    orders = drawn(8, ["a", "b", "b", "c", "d", "d", "e", "b"])
    for order in orders:
        assert sorted(order) == list(range(8))
        # The only group of three, and the only pair, have nobody to change places with.
        assert [order[place] for place in (1, 2, 7)] == [1, 2, 7]
        assert order[4:6] == (4, 5)
    assert {(order[0], order[3], order[6]) for order in orders} == {
        (0, 3, 6),
        (0, 6, 3),
        (3, 0, 6),
        (3, 6, 0),
        (6, 0, 3),
        (6, 3, 0),
    }


def test_pairs_change_places():
    assert drawn(4, ["x", "y", "y", "x"]) == {(0, 1, 2, 3), (1, 0, 3, 2)}


def test_without_groups_every_order_comes():
    assert len(drawn(3)) == 6
