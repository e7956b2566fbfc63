"""Random streams: the same by name, independent of each other and of the global ones."""

import enum
from typing import Any

import numpy as np
import pytest

from signseg_rig.seeds import named_rng


def test_a_name_gives_the_same_stream_again() -> None:
    first, second = (named_rng(7, "order", 3).random(5) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_streams_differ_by_seed_and_by_every_name() -> None:
    uses = [(0, "a"), (1, "a"), (0, "b"), (0, "a", 0), (0, "a", 1), (0, "a", "0"), (0, "ab")]
    streams = [tuple(named_rng(*use).integers(2**62, size=4).tolist()) for use in uses]
    assert len(set(streams)) == len(uses)


def test_names_are_not_run_together() -> None:
    assert named_rng(0, "a", "b").random() != named_rng(0, "ab").random()


def test_streams_stay_as_they_were_when_runs_were_recorded() -> None:
    """A run is resumed by replaying it: other numbers would make old records worthless."""
    assert named_rng(0, "order", 0).integers(10**6, size=3).tolist() == [712421, 335409, 941340]


def test_the_global_generator_is_left_alone() -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - it is what must not change
    named_rng(3, "noise").random(100)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_streams_of_neighbouring_uses_are_uncorrelated() -> None:
    streams = np.stack([named_rng(1, "noise", n).standard_normal(4000) for n in range(20)])
    correlations = np.corrcoef(streams)[np.triu_indices(20, k=1)]
    # 190 sample correlations of independent streams have a standard deviation of 1/sqrt(4000).
    assert np.abs(correlations).max() < 5 / np.sqrt(4000)


class Use(enum.StrEnum):
    ORDER = "order"


@pytest.mark.parametrize(
    ("name", "plain"),
    [(np.int64(3), 3), (np.uint8(3), 3), (np.str_("order"), "order"), (Use.ORDER, "order")],
)
def test_a_name_of_numpy_is_the_name_that_it_writes(name: Any, plain: str | int) -> None:
    assert named_rng(1, name, 2).random() == named_rng(1, plain, 2).random()
    assert named_rng(np.int64(7), "a").random() == named_rng(7, "a").random()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name", [0.7, np.float64(0.7), None, True, np.bool_(True), ("a", 1), b"a", np.arange(2)]
)
def test_what_is_not_written_the_same_everywhere_names_no_stream(name: Any) -> None:
    with pytest.raises(TypeError, match="A name of a random stream should be text or a whole"):
        named_rng(1, "strength", name)


@pytest.mark.parametrize("seed", [1.0, None, True, "1"])
def test_a_seed_is_a_whole_number(seed: Any) -> None:
    with pytest.raises(TypeError, match="The seed of a random stream should be a whole number"):
        named_rng(seed, "a")
