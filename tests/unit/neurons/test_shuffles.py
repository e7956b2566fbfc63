"""Shuffles move groups as wholes, and every way that this can be done comes up."""

import numpy as np
import pytest

from signseg_rig.errors import ConfigError
from signseg_rig.neurons.shuffles import block_groups, draw_shifts, draw_shuffles


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


def test_shifts_are_all_different_and_keep_neighbours_together():
    orders = draw_shifts(10, 30, np.random.default_rng(0))
    assert len({tuple(order.tolist()) for order in orders}) == len(orders) == 19
    for order in orders:
        assert np.isin(np.diff(order), [1, 0, -1]).all()
        assert (np.diff(order) == 0).sum() <= 1  # where it turns
        assert order.tolist() != list(range(10))
    assert len(draw_shifts(10, 4, np.random.default_rng(0))) == 4


def test_blocks_are_stretches_of_the_order():
    assert block_groups(7, 3) == [0, 0, 0, 1, 1, 2, 2]


def test_stretches_that_show_the_same_picture_are_one():
    # The first and the third share 'x', the third and the fourth 'y'; the second stays alone.
    groups = ["x", "a", "b", "c", "x", "y", "y", "d"]
    blocks = block_groups(8, 4, groups)
    assert blocks == [0, 0, 1, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("n_blocks", [1, 9])
def test_blocks_have_to_be_possible(n_blocks):
    with pytest.raises(ConfigError, match="cut into 2 to 8 blocks; got"):
        block_groups(8, n_blocks)
