import numpy as np
import pytest

from signseg_rig.stats import hierarchical_mean, mean_interval


def test_parts_of_a_group_count_the_same():
    values = [0, 0, 0, 6, 1, 3]
    networks = ["a", "a", "a", "a", "b", "b"]
    units = [0, 0, 0, 1, 0, 1]
    result = hierarchical_mean(values, [networks, units])
    assert result.mean == ((0 + 6) / 2 + (1 + 3) / 2) / 2
    assert result.n_groups == (2, 4)
    assert result.n_values == 6
    assert np.isnan([result.low, result.high]).all()


def test_interval_is_that_of_the_means_of_the_outermost_groups():
    rng = np.random.default_rng(1)
    values, networks = rng.normal(size=24), np.repeat(range(4), 6)
    units = np.tile([0, 0, 0, 0, 1, 1], 4)
    found = hierarchical_mean(values, [networks, units])
    own = values.reshape(4, 6)
    means = (own[:, :4].mean(axis=1) + own[:, 4:].mean(axis=1)) / 2
    assert found.mean == pytest.approx(means.mean())
    assert (found.low, found.high) == pytest.approx(mean_interval(means))


def test_the_same_label_in_two_groups_is_two_groups():
    result = hierarchical_mean([1, 2, 3, 4], [[0, 0, 1, 1], [5, 6, 5, 6]])
    assert result.n_groups == (2, 4)


def test_nan_is_left_out_and_its_group_with_it():
    result = hierarchical_mean([1, 2, np.nan, 4], [[0, 0, 1, 2]])
    assert (result.mean, result.n_groups, result.n_values) == (2.75, (2,), 3)


def test_fewer_than_three_groups_have_no_interval():
    result = hierarchical_mean([1, 2], [["a", "a"]])
    assert result.mean == 1.5
    assert np.isnan([result.low, result.high]).all()
    nothing = hierarchical_mean([np.nan], [["a"]])
    assert np.isnan(nothing.mean)
    assert nothing.n_values == 0


@pytest.mark.parametrize(
    ("values", "levels"), [([1, 2], []), ([1, 2], [[0]]), ([[1, 2]], [[0, 1]]), ([np.inf], [[0]])]
)
def test_refuses_what_is_not_nested(values, levels):
    with pytest.raises(ValueError, match="hierarchical mean"):
        hierarchical_mean(values, levels)
