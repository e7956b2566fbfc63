"""Check that a response source keeps the rules of `ResponseSource`; a plugin's test is one call."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from signseg_rig.errors import RigError
from signseg_rig.experiment import SyncSettings, WindowSettings
from signseg_rig.interfaces import ResponseSource, SourceContext
from signseg_rig.recordings import Aligner, StreamBuffer, await_answer
from signseg_rig.values import (
    Chunk,
    Durations,
    ImageArray,
    PassPlan,
    Presentation,
    Shown,
    SourceInfo,
    array_sha256,
)

WINDOWS = WindowSettings(evoked_s=(0.05, 0.2), baseline_s=(0.0, 0.045))
DURATIONS = Durations(100.0, 150.0)
N_IMAGES = 12
# A run stops when it is told to, and not when the recording system likes.
MAX_POLL_S = 0.1
MAX_STOP_S = 0.3
PATIENCE_S = 20.0

Present = Callable[[ResponseSource, Sequence[Shown]], None]


def tell_source(source: ResponseSource, shown: Sequence[Shown]) -> None:
    """Tell a simulated animal what it sees: the `present` of those that live in this process."""
    for item in shown:
        source.saw(item)


def check_response_source(
    make: Callable[[SourceContext], ResponseSource], present: Present = tell_source
) -> None:
    """Run all checks against a source.

    Parameters
    ----------
    make : callable
        Makes the source with the context that it is given.
    present : callable
        ``present(source, shown)`` makes happen what happens at a rig when these images are shown:
        the recording system, or the server that stands in for it, gets an edge on its first sync
        line for each, and goes on for half a second. It is called for one image after the other,
        or for all of a pass, from the thread that uses the source.

    Raises
    ------
    AssertionError
        A sentence says which rule is broken.
    """
    images = synthetic_images(6)
    context = SourceContext(
        seed=0, pixels=images.__getitem__, window_s=WINDOWS.span_s, keeps_time=False
    )
    _check_stop_without_start(make(context))
    shown = synthetic_shown((list(images) * 2)[:N_IMAGES])
    _check_by_hand(make(context), shown, present)
    _check_in_a_run(make(context), shown, present)


def _check_by_hand(source: ResponseSource, shown: Sequence[Shown], present: Present) -> None:
    """Drive a source step by step, and look at each chunk."""
    try:
        info = source.start()
        _check_info(info)
        rules = _Rules(info)
        plan = synthetic_plan(shown)
        source.begin(plan)
        for item in shown:
            present(source, [item])
            if (chunk := _polled(source)) is not None:
                rules.check(chunk)
        source.end(plan)
        deadline_s = time.monotonic() + PATIENCE_S
        while rules.n_edges < len(shown) and time.monotonic() < deadline_s:
            chunk = _polled(source)
            if chunk is not None:
                rules.check(chunk)
        assert rules.n_edges >= len(shown), (
            f"{len(shown)} images gave {rules.n_edges} rising edges on the first sync line within "
            f"{PATIENCE_S:g} s."
        )
        _check_stop(source)
    except BaseException:
        source.stop()
        raise


def _check_in_a_run(source: ResponseSource, shown: Sequence[Shown], present: Present) -> None:
    """Drive a source as a run does: by a thread of its own, and with its images aligned."""
    plan = synthetic_plan(shown)
    with StreamBuffer(_Presenting(source, shown, present)) as buffer:
        info = buffer.open()
        buffer.begin(plan)
        buffer.end(plan)
        answer = await_answer(
            buffer,
            shown,
            WINDOWS,
            SyncSettings(),
            Aligner(),
            timeout_s=PATIENCE_S,
            is_wanted=lambda: True,
        )
        recording = answer.recording
        assert set(answer.alignment.reasons) == {None}, (
            f"The edges of {len(shown)} images cannot be matched: {answer.alignment.reasons}. "
            f"{answer.alignment.remark}"
        )
        assert answer.is_complete, (
            f"{PATIENCE_S:g} s after the last image the source says that everything until "
            f"{recording.complete_until_s:.3f} s has been received, and no more."
        )
        assert len(recording.spikes_s) == len(info.unit_names), (
            f"{len(info.unit_names)} units gave {len(recording.spikes_s)} spike trains."
        )
        start_s = time.monotonic()
    assert time.monotonic() - start_s <= MAX_STOP_S + MAX_POLL_S, (
        f"It took {time.monotonic() - start_s:.2f} s to stop; at most {MAX_STOP_S} s are waited."
    )


class _Presenting(ResponseSource):
    """A source that is shown all images of a pass at its end, in the thread that uses it."""

    def __init__(self, source: ResponseSource, shown: Sequence[Shown], present: Present) -> None:
        self._source = source
        self._shown = shown
        self._present = present

    def start(self) -> SourceInfo:
        return self._source.start()

    def begin(self, plan: PassPlan) -> None:
        self._source.begin(plan)

    def end(self, plan: PassPlan) -> None:
        self._present(self._source, self._shown)
        self._source.end(plan)

    def poll(self) -> Chunk | None:
        return self._source.poll()

    def stop(self) -> None:
        self._source.stop()


class _Rules:
    """What chunks have to keep to, one after the other."""

    def __init__(self, info: SourceInfo) -> None:
        self.n_edges = 0
        self._info = info
        self._epoch: int | None = None
        self._until_s = -np.inf

    def check(self, chunk: Chunk) -> None:
        """Check a chunk, also against those before it."""
        assert isinstance(chunk, Chunk), f"poll gave a {type(chunk).__name__}, no Chunk."
        n_units, times_s = len(self._info.unit_names), chunk.spike_times_s
        assert chunk.spike_units.shape == times_s.shape, "Each spike has a unit and a time."
        assert ((chunk.spike_units >= 0) & (chunk.spike_units < n_units)).all(), (
            f"Units of spikes are places among {n_units} names; got {chunk.spike_units}."
        )
        if chunk.epoch != self._epoch:
            self._epoch, self._until_s = chunk.epoch, -np.inf
        if self._info.has_watermark:
            self._check_watermark(chunk)
        lines = np.asarray(chunk.sync.lines)
        self.n_edges += int(((lines == 0) & (np.asarray(chunk.sync.states) == 1)).sum())

    def _check_watermark(self, chunk: Chunk) -> None:
        received_s = self._until_s - self._info.delay_s
        for name, times_s in (("spike", chunk.spike_times_s), ("edge", chunk.sync.times_s)):
            earliest_s = float(np.min(times_s, initial=np.inf))
            assert earliest_s >= received_s, (
                f"A {name} of {earliest_s:.4f} s came after it was said that everything before "
                f"{received_s:.4f} s has been received. Tell an earlier moment, or a delay_s."
            )
        if chunk.complete_until_s is not None:
            self._until_s = max(self._until_s, chunk.complete_until_s)


def _polled(source: ResponseSource) -> Chunk | None:
    start_s = time.monotonic()
    chunk = source.poll()
    took_s = time.monotonic() - start_s
    assert took_s <= 2 * MAX_POLL_S, f"poll took {took_s:.2f} s; it has to return at once."
    return chunk


def _check_info(info: object) -> None:
    assert isinstance(info, SourceInfo), f"start gave a {type(info).__name__}, no SourceInfo."
    names = info.unit_names
    assert len(set(names)) == len(names), f"Units have names of their own; got {names}."
    assert info.lines, "A recording system has a sync line at least."


def _check_stop(source: ResponseSource) -> None:
    start_s = time.monotonic()
    source.stop()
    took_s = time.monotonic() - start_s
    assert took_s <= MAX_STOP_S, f"It took {took_s:.2f} s to stop; at most {MAX_STOP_S} s are."
    source.stop()


def _check_stop_without_start(source: ResponseSource) -> None:
    try:
        source.stop()
    except RigError as error:
        raise AssertionError(
            f"It cannot be stopped where its start failed at once: {error!r}."
        ) from error


def synthetic_images(n: int) -> dict[str, ImageArray]:
    """Make images by their hashes."""
    rng = np.random.default_rng(0)
    made = [rng.integers(0, 256, (16, 16, 3), dtype=np.uint8) for _ in range(n)]
    return {array_sha256(image): image for image in made}


def synthetic_shown(
    keys: Sequence[str], *, start_s: float = 50.0, every_s: float = 0.25
) -> list[Shown]:
    """Make the reports of presentations at a regular rhythm."""
    return [
        Shown(f"b00000-s{index:03d}-r0-a0", key, onset_s, onset_s + 0.1, 6, 0)
        for index, key in enumerate(keys)
        for onset_s in [start_s + index * every_s]
    ]


def synthetic_plan(shown: Sequence[Shown], *, block: int = 0) -> PassPlan:
    """Make the plan of a pass that was shown as reports say."""
    presentations = tuple(
        Presentation(item.presentation_id, index, item.pixels_sha256)
        for index, item in enumerate(shown)
    )
    return PassPlan(block, 0, (), presentations, DURATIONS)
