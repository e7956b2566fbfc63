"""The thread that reads a recording system: prompt, bounded, and gone when it is closed."""

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from signseg_rig.errors import ResponseError, RunStopped
from signseg_rig.experiment import SyncSettings, WindowSettings
from signseg_rig.interfaces import ResponseSource
from signseg_rig.recordings import Aligner, StreamBuffer, await_answer
from signseg_rig.testing.response_sources import synthetic_plan, synthetic_shown
from signseg_rig.values import Chunk, PassPlan, SourceInfo, SyncEvents

KEYS = ["a" * 64] * 12
SHOWN = synthetic_shown(KEYS)
PLAN = synthetic_plan(SHOWN)


class Scripted(ResponseSource):
    """Gives what a test puts into it, and notes what is asked of it."""

    def __init__(self, *, has_watermark: bool = True) -> None:
        self.chunks: list[Chunk] = []
        self.calls: list[str] = []
        self.threads: set[int] = set()
        self.on_poll: Callable[[], None] = lambda: None
        self._has_watermark = has_watermark

    def start(self) -> SourceInfo:
        self._note("start")
        return SourceInfo(("u",), 1000.0, has_watermark=self._has_watermark)

    def begin(self, plan: PassPlan) -> None:
        self._note(f"begin {plan.block}")

    def end(self, plan: PassPlan) -> None:
        self._note(f"end {plan.block}")

    def poll(self) -> Chunk | None:
        self.threads.add(threading.get_ident())
        self.on_poll()
        return self.chunks.pop(0) if self.chunks else None

    def stop(self) -> None:
        self._note("stop")

    def _note(self, what: str) -> None:
        self.threads.add(threading.get_ident())
        self.calls.append(what)


def edges_chunk(until_s: float, edges_s: Any = (), **changes: Any) -> Chunk:
    sync = SyncEvents.of_edges(np.array(edges_s, dtype=np.float64))
    return Chunk(sync=sync, complete_until_s=until_s, **changes)


def onsets_s() -> Any:
    return np.array([item.onset_s for item in SHOWN]) + 1000.0


def answer_of(buffer: StreamBuffer, aligner: Aligner | None = None, **changes: Any) -> Any:
    options: dict[str, Any] = {"timeout_s": 20.0, "is_wanted": lambda: True} | changes
    return await_answer(
        buffer, SHOWN, WindowSettings(), SyncSettings(), aligner or Aligner(), **options
    )


def test_one_thread_uses_the_source_and_it_is_not_this_one() -> None:
    source = Scripted()
    with StreamBuffer(source) as buffer:
        buffer.open()
        buffer.begin(PLAN)
        buffer.end(PLAN)
    assert source.calls == ["start", "begin 0", "end 0", "stop"]
    assert len(source.threads) == 1
    assert threading.get_ident() not in source.threads


def test_answer_is_there_once_the_last_window_is_over() -> None:
    source = Scripted()
    with StreamBuffer(source) as buffer:
        buffer.open()
        source.chunks.append(edges_chunk(1049.0, whole_from_s=1000.0))
        assert buffer.wait(lambda until_s: until_s >= 1049.0, 20.0, lambda: True)
        buffer.begin(PLAN)
        source.chunks.append(edges_chunk(onsets_s()[-1] + 0.1, onsets_s()))
        late = threading.Timer(
            0.2, lambda: source.chunks.append(edges_chunk(onsets_s()[-1] + 0.21))
        )
        late.start()
        answer = answer_of(buffer)
        late.join()
    assert answer.is_complete
    assert answer.recording.begun_s == 1049.0
    assert answer.recording.complete_until_s == pytest.approx(onsets_s()[-1] + 0.21)
    assert set(answer.alignment.reasons) == {None}


def test_missing_last_edge_costs_no_time_where_the_clocks_are_known() -> None:
    source, aligner = Scripted(), Aligner()
    with StreamBuffer(source) as buffer:
        buffer.open()
        buffer.begin(PLAN)
        source.chunks.append(edges_chunk(onsets_s()[-1] + 1.0, onsets_s(), whole_from_s=1000.0))
        answer_of(buffer, aligner)
        later = [
            type(item)(item.presentation_id, item.pixels_sha256, *times_s, 6, 0)
            for item in SHOWN
            for times_s in [(item.onset_s + 10, item.offset_s + 10)]
        ]
        buffer.begin(PLAN)
        source.chunks.append(edges_chunk(onsets_s()[-1] + 11.0, onsets_s()[:-1] + 10))
        start_s = time.monotonic()
        answer = await_answer(
            buffer,
            later,
            WindowSettings(),
            SyncSettings(),
            aligner,
            timeout_s=20.0,
            is_wanted=lambda: True,
        )
    assert answer.is_complete
    assert time.monotonic() - start_s < 10
    assert answer.alignment.n_missing == 1


def test_silent_system_is_waited_for_until_the_time_is_over() -> None:
    with StreamBuffer(Scripted()) as buffer:
        buffer.open()
        buffer.begin(PLAN)
        answer = answer_of(buffer, timeout_s=0.3)
    assert not answer.is_complete
    assert answer.recording.complete_until_s == -np.inf


def test_wish_to_stop_is_heard_while_a_system_is_silent() -> None:
    wanted = [True]
    with StreamBuffer(Scripted()) as buffer:
        buffer.open()
        buffer.begin(PLAN)
        stop = threading.Timer(0.1, wanted.clear)
        stop.start()
        answer = answer_of(buffer, timeout_s=3600.0, is_wanted=lambda: bool(wanted))
        stop.join()
    assert not answer.is_complete


def test_silence_is_told_from_a_computer_that_is_too_busy_to_ask() -> None:
    is_stuck, is_over = threading.Event(), threading.Event()
    source = Scripted()
    with StreamBuffer(source) as buffer:
        buffer.open()
        deadline_s = time.monotonic() + 20
        while buffer.silent_s < 0.3 and time.monotonic() < deadline_s:
            is_over.wait(0.01)
        assert buffer.silent_s >= 0.3

        def take_long() -> None:
            source.chunks.append(edges_chunk(1.0))
            source.on_poll = hang
            is_stuck.set()

        def hang() -> None:
            is_over.wait(20)
            source.on_poll = lambda: None

        source.on_poll = take_long
        assert is_stuck.wait(20)
        assert buffer.wait(lambda until_s: until_s >= 1.0, 20.0, lambda: True)
        is_over.wait(0.5)
        assert buffer.silent_s < 0.3
        is_over.set()


def test_wish_to_stop_is_heard_while_a_system_starts() -> None:
    is_over = threading.Event()

    class Slow(Scripted):
        def start(self) -> SourceInfo:
            is_over.wait(20)
            return super().start()

    with StreamBuffer(Slow()) as buffer:
        with pytest.raises(RunStopped):
            buffer.open(lambda: False)
        is_over.set()


def test_what_a_source_raises_is_raised_where_data_are_waited_for() -> None:
    source = Scripted()
    with StreamBuffer(source) as buffer:
        buffer.open()
        buffer.begin(PLAN)

        def fail() -> None:
            raise ResponseError("The cable is out.")

        source.on_poll = fail
        with pytest.raises(ResponseError, match="cable is out"):
            answer_of(buffer)
        with pytest.raises(ResponseError, match="cable is out"):
            buffer.begin(PLAN)
    assert source.calls[-1] == "stop"


def test_source_that_cannot_start_is_stopped_and_says_why() -> None:
    class Unplugged(Scripted):
        def start(self) -> SourceInfo:
            super().start()
            raise ResponseError("Nobody answers.")

        def stop(self) -> None:
            super().stop()
            raise OSError("not connected")

    source = Unplugged()
    with (
        pytest.raises(ResponseError, match="Nobody answers") as caught,
        StreamBuffer(source) as buffer,
    ):
        buffer.open()
    assert source.calls == ["start", "stop"]
    assert any("not connected" in note for note in caught.value.__notes__)


def test_between_passes_nothing_is_kept() -> None:
    source = Scripted()
    with StreamBuffer(source) as buffer:
        buffer.open()
        for second in range(300):
            spikes_s = second + np.arange(100) / 100
            source.chunks.append(
                Chunk(np.zeros(100, dtype=np.intp), spikes_s, complete_until_s=second + 1.0)
            )
        assert buffer.wait(lambda until_s: until_s >= 300.0, 20.0, lambda: True)
        assert len(buffer._stream._spikes) <= 3
        buffer.begin(PLAN)
        recording = buffer.take()
    assert recording.whole_from_s == 299.0
    assert recording.spikes_s[0].size == 100


def test_a_pass_is_kept_from_its_beginning_until_it_is_taken() -> None:
    source = Scripted()
    with StreamBuffer(source) as buffer:
        buffer.open()
        source.chunks.append(edges_chunk(10.0, whole_from_s=0.0))
        assert buffer.wait(lambda until_s: until_s >= 10.0, 20.0, lambda: True)
        buffer.begin(PLAN)
        source.chunks += [edges_chunk(second + 1.0, [second + 0.5]) for second in range(10, 40)]
        assert buffer.wait(lambda until_s: until_s >= 40.0, 20.0, lambda: True)
        assert len(buffer.take().sync) == 30
        source.chunks += [edges_chunk(second + 1.0, [second + 0.5]) for second in range(40, 45)]
        assert buffer.wait(lambda until_s: until_s >= 45.0, 20.0, lambda: True)
        assert len(buffer._stream._sync) <= 3


def test_closing_twice_or_before_it_was_opened_is_no_fault() -> None:
    buffer = StreamBuffer(Scripted())
    buffer.close()
    opened = StreamBuffer(Scripted())
    opened.open()
    opened.close()
    opened.close()


def test_source_that_never_comes_back_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    is_stuck, is_over = threading.Event(), threading.Event()
    source = Scripted()
    monkeypatch.setattr("signseg_rig.recordings.buffer.STOP_TIMEOUT_S", 0.2)
    buffer = StreamBuffer(source)
    buffer.open()

    def never_come_back() -> None:
        is_stuck.set()
        is_over.wait(60)

    source.on_poll = never_come_back
    assert is_stuck.wait(20)
    with pytest.raises(ResponseError, match="did not stop within"):
        buffer.close()
    is_over.set()
    buffer._thread.join()
