"""Chunks to recordings: each event once, on one clock, and nothing that was not received."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signseg_rig.errors import ResponseError
from signseg_rig.recordings import Stream
from signseg_rig.values import Chunk, InvalidReason, SourceInfo, Stretch, SyncEvents

INFO = SourceInfo(("left", "right"), 1000.0)


def chunk(*spikes: tuple[int, float], edges_s: Any = (), **changes: Any) -> Chunk:
    return Chunk(
        np.array([unit for unit, _ in spikes], dtype=np.intp),
        np.array([time_s for _, time_s in spikes], dtype=np.float64),
        SyncEvents.of_edges(np.array(edges_s, dtype=np.float64)),
        **changes,
    )


def stream_of(*chunks: Chunk, info: SourceInfo = INFO) -> Stream:
    stream = Stream(info)
    for one in chunks:
        stream.add(one)
    return stream


def times_of(stream: Stream, start_s: float = -np.inf) -> list[list[float]]:
    recording = stream.recording(start_s, begun_s=start_s)
    return [times_s.tolist() for times_s in recording.spikes_s]


def test_spikes_are_sorted_by_unit_and_time() -> None:
    stream = stream_of(
        chunk((1, 0.5), (0, 0.2), (0, 0.1)), chunk((0, 0.15), (1, 0.3), edges_s=[0.4, 0.2])
    )
    assert times_of(stream) == [[0.1, 0.15, 0.2], [0.3, 0.5]]
    recording = stream.recording(-np.inf, begun_s=0.0)
    assert recording.sync.times_s.tolist() == [0.2, 0.4]


def test_what_comes_twice_is_there_once() -> None:
    first = chunk((0, 0.1), (1, 0.1), edges_s=[0.3])
    stream = stream_of(first, first, chunk((0, 0.1004)))  # the same sample
    recording = stream.recording(-np.inf, begun_s=0.0)
    assert times_of(stream) == [[0.1], [0.1]]
    assert recording.sync.times_s.tolist() == [0.3]
    assert recording.n_duplicates == 4


def test_watermark_is_what_was_received_less_the_delay() -> None:
    stream = stream_of(
        chunk(complete_until_s=2.0), chunk(complete_until_s=1.9), info=replace(INFO, delay_s=0.1)
    )
    assert stream.complete_until_s == pytest.approx(1.9)


def test_without_a_watermark_what_comes_later_has_to_do() -> None:
    info = replace(INFO, has_watermark=False, delay_s=0.2)
    assert stream_of(chunk((0, 1.0), (1, 3.0)), info=info).complete_until_s == pytest.approx(2.8)
    assert stream_of(chunk(edges_s=[4.0]), info=info).complete_until_s == pytest.approx(3.8)
    assert stream_of(chunk(), info=info).complete_until_s == -np.inf


def test_restarted_clock_goes_on_behind_a_gap() -> None:
    stream = stream_of(
        chunk((0, 5.0), complete_until_s=6.0),
        chunk((0, 0.5), edges_s=[0.25], epoch=1, whole_from_s=0.0, complete_until_s=1.0),
    )
    recording = stream.recording(-np.inf, begun_s=0.0)
    first, second = recording.epochs
    assert (first.number, first.shift_s, second.number) == (0, 0.0, 1)
    assert recording.spikes_s[0].tolist() == pytest.approx([5.0, 0.5 + second.shift_s])
    assert recording.sync.times_s.tolist() == pytest.approx([0.25 + second.shift_s])
    assert second.start_s > 6.0
    (gap,) = recording.invalid
    assert (gap.start_s, gap.end_s) == (6.0, second.start_s)
    assert gap.reason is InvalidReason.STREAM_GAP
    assert "began anew" in recording.faults[0]


def test_restart_that_nobody_noticed_is_one() -> None:
    stream = stream_of(chunk(complete_until_s=500.0), chunk((0, 0.1), complete_until_s=0.5))
    recording = stream.recording(-np.inf, begun_s=0.0)
    assert len(recording.epochs) == 2
    assert recording.spikes_s[0][0] > 500.0


def test_equal_lengths_of_two_runs_are_two_moments() -> None:
    """As files of blocks whose clocks begin at 0 and that happen to be of one length."""
    first = chunk((0, 0.5), whole_from_s=0.0, complete_until_s=8.0)
    stream = stream_of(first, replace(first, epoch=1))
    assert len(times_of(stream)[0]) == 2
    assert stream.complete_until_s > 16.0


def test_stream_that_was_joined_late_is_whole_from_there_on() -> None:
    told = stream_of(chunk((0, 3.5), whole_from_s=3.2, complete_until_s=4.0))
    assert told.recording(-np.inf, begun_s=0.0).whole_from_s == 3.2
    untold = stream_of(chunk((0, 3.5), edges_s=[3.6], complete_until_s=4.0))
    assert untold.recording(-np.inf, begun_s=0.0).whole_from_s == 3.5


def test_what_is_over_is_forgotten() -> None:
    stream = Stream(INFO)
    for second in range(200):
        stream.add(
            chunk(
                *((0, second + 0.001 * at) for at in range(50)),
                edges_s=[second + 0.5],
                complete_until_s=second + 1.0,
                invalid=(Stretch(second + 0.2, second + 0.3),),
                faults=("lost",),
            )
        )
        stream.forget_before(second - 1.0)
    assert len(stream._spikes) <= 4
    assert len(stream._sync) <= 4
    recording = stream.recording(-np.inf, begun_s=0.0)
    assert recording.whole_from_s == 198.0
    assert len(recording.spikes_s[0]) == 100
    assert len(recording.invalid) == 2


def test_nothing_is_forgotten_that_was_not_received() -> None:
    stream = stream_of(chunk((0, 1.0), complete_until_s=2.0))
    stream.forget_before(50.0)
    stream.add(chunk((0, 3.0), complete_until_s=4.0))
    assert times_of(stream) == [[3.0], []]


def test_spikes_of_units_that_were_not_listed_are_counted_and_left_out() -> None:
    stream = stream_of(chunk((0, 1.0), (2, 1.0), (-1, 1.0)))
    assert times_of(stream) == [[1.0], []]
    assert stream.n_unlisted == 2


@pytest.mark.parametrize(
    "wrong",
    [
        Chunk(np.zeros(2, dtype=np.intp), np.zeros(1)),
        Chunk(np.zeros(1, dtype=np.intp), np.array([np.nan])),
        Chunk(sync=SyncEvents.of_edges(np.array([1.0]), line=4)),
    ],
)
def test_what_no_system_can_send_is_a_fault_of_the_plugin(wrong: Chunk) -> None:
    with pytest.raises(ResponseError, match="fault of the plugin"):
        stream_of(wrong)


@given(
    spikes=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2000)), max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=6),
    start=st.integers(0, 2000),
    data=st.data(),
)
@settings(deadline=None)
def test_any_order_and_any_cut_gives_the_same(
    spikes: list[tuple[int, int]], cuts: list[int], start: int, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(spikes))
    borders = sorted({0, len(order), *(cut for cut in cuts if cut < len(order))})
    stream = stream_of(
        *(
            chunk(*((unit, tick / 1000) for unit, tick in order[low:high]))
            for low, high in pairwise(borders)
        )
    )
    expected = [
        [tick / 1000 for tick in sorted({tick for own, tick in spikes if own == unit})]
        for unit in (0, 1)
    ]
    kept = [[time_s for time_s in times if time_s >= start / 1000] for times in expected]
    assert times_of(stream, start / 1000) == kept
