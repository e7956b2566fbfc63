"""Check a response source against what goes wrong with real recording systems.

The plugin's author brings the system, or the server that stands in for it, as a `RecordingWorld`;
the kit makes it send, lose, repeat and restart, and compares what the toolkit makes of the source's
chunks with what truly happened.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from signseg_rig.experiment import SyncSettings, WindowSettings
from signseg_rig.interfaces import ResponseSource
from signseg_rig.recordings import Aligner, Answer, StreamBuffer, await_answer
from signseg_rig.recordings.measure import Orders, measure
from signseg_rig.testing.response_sources import synthetic_plan, synthetic_shown
from signseg_rig.values import Recording, ResponseBatch, Shown

WINDOWS = WindowSettings(evoked_s=(0.05, 0.2), baseline_s=(0.0, 0.045))
KEY = "0" * 64
EVERY_S = 0.25
AHEAD_S = 1000.0
PATIENCE_S = 20.0
MAX_STOP_S = 0.3


@dataclass(frozen=True, slots=True)
class Packet:
    """What a recording system sends of a stretch of time.

    Parameters
    ----------
    start_s, end_s : float, in seconds
        On the device's clock, which has passed the end when it is sent.
    spikes : tuple of (unit, time)
        Position of the unit, and the time in seconds.
    edges_s : tuple of float, in seconds
        Rising edges of the first sync line.
    """

    start_s: float
    end_s: float
    spikes: tuple[tuple[int, float], ...] = ()
    edges_s: tuple[float, ...] = ()


class RecordingWorld(ABC):
    """A recording system, or the server that stands in for it, in the hands of a test.

    Attributes
    ----------
    n_units : int
    """

    n_units: int

    @abstractmethod
    def make(self) -> ResponseSource:
        """Make a source that is connected to it once it is started."""

    @abstractmethod
    def send(self, packet: Packet) -> None:
        """Send what happens in a stretch, in the order and the pieces that the system would."""

    def send_twice(self, packet: Packet) -> None:
        """Send all of it two times, as a network may; not overridden where this cannot happen."""
        raise NotImplementedError

    def lose(self, packet: Packet) -> None:
        """Let all of it be lost on the way; not overridden where this cannot happen."""
        raise NotImplementedError

    def restart(self) -> None:
        """Stop and start acquisition: the clock begins at 0; not overridden where it cannot."""
        raise NotImplementedError

    def close(self) -> None:  # noqa: B027 - a world need not hold anything
        """Release what it holds."""


def check_recording_world(make_world: Callable[[], RecordingWorld]) -> tuple[str, ...]:
    """Run all checks that the world makes possible.

    Parameters
    ----------
    make_world : callable
        Makes a new one for each check.

    Returns
    -------
    checked : tuple of str
        Names of the checks that were made; compare them with those that you expect.

    Raises
    ------
    AssertionError
        A sentence says what was made of which event.
    """
    checked = []
    for check in _CHECKS:
        world = make_world()
        try:
            check(world)
        except NotImplementedError:
            continue
        except AssertionError as error:
            raise AssertionError(f"{_name(check)}: {error}") from None
        finally:
            world.close()
        checked.append(_name(check))
    return tuple(checked)


def _name(check: Callable[..., object]) -> str:
    return check.__name__.removeprefix("_").replace("_", " ")


class _Session:
    """A source of a world, read as a run reads it."""

    def __init__(self, world: RecordingWorld) -> None:
        self.world = world
        self.aligner = Aligner()
        self.n_evoked = np.random.default_rng(0).integers(1, 9, (100, world.n_units))

    def truth(self, shown: Sequence[Shown], ahead_s: float = AHEAD_S) -> list[Packet]:
        """Return what the system records of images, one packet each."""
        packets = []
        for index, item in enumerate(shown):
            onset_s = item.onset_s + ahead_s
            spikes = tuple(
                (unit, onset_s + 0.06 + 0.01 * number)
                for unit in range(self.world.n_units)
                for number in range(self.n_evoked[index, unit])
            )
            end_s = onset_s + EVERY_S
            if index + 1 < len(shown):
                end_s = shown[index + 1].onset_s + ahead_s
            packets.append(Packet(onset_s - 0.01, end_s - 0.01, spikes, edges_s=(onset_s,)))
        return packets

    def answer(self, buffer: StreamBuffer, shown: Sequence[Shown], timeout_s: float) -> Answer:
        return await_answer(
            buffer,
            shown,
            WINDOWS,
            SyncSettings(),
            self.aligner,
            timeout_s=timeout_s,
            is_wanted=lambda: True,
        )

    def responses(
        self, buffer: StreamBuffer, shown: Sequence[Shown], timeout_s: float = PATIENCE_S
    ) -> tuple[Recording, ResponseBatch]:
        recording, alignment, _ = self.answer(buffer, shown, timeout_s)
        responses = measure(
            recording,
            alignment,
            shown,
            (),
            synthetic_plan(shown).presentations,
            windows=WINDOWS,
            unit_names=buffer.info.unit_names,
            orders=Orders(6, 9, 60.0),
            reject_dropped_frames=True,
        )
        return recording, responses

    def check_counts(self, responses: ResponseBatch, rows: Sequence[int]) -> None:
        """Check that some presentations have exactly the spikes that there were."""
        for row in rows:
            counts = np.rint(responses.evoked_hz[row] * 0.15)
            expected = self.n_evoked[row]
            assert np.array_equal(counts, expected), (
                f"image {row} has {counts} spikes in its window; {expected} were fired."
            )


def _shown(n: int, start_s: float = 50.0) -> list[Shown]:
    return synthetic_shown([KEY] * n, start_s=start_s, every_s=EVERY_S)


def _lead_in(session: _Session, shown: Sequence[Shown], ahead_s: float = AHEAD_S) -> None:
    """Let the system run before the first image."""
    start_s = shown[0].onset_s + ahead_s - 0.01
    for number in range(5, 0, -1):
        session.world.send(Packet(start_s - number * EVERY_S, start_s - (number - 1) * EVERY_S))


def _tail(session: _Session, shown: Sequence[Shown], ahead_s: float = AHEAD_S) -> None:
    """Let the system run after the last image."""
    end_s = shown[-1].onset_s + ahead_s - 0.01 + EVERY_S
    for number in range(3):
        session.world.send(Packet(end_s + number * EVERY_S, end_s + (number + 1) * EVERY_S))


def _begun(session: _Session, buffer: StreamBuffer, shown: Sequence[Shown]) -> None:
    _lead_in(session, shown)
    assert buffer.wait(np.isfinite, PATIENCE_S, lambda: True), (
        "nothing was received of what the system sent before the first image."
    )
    buffer.begin(synthetic_plan(shown))


def _every_spike_is_counted_once(world: RecordingWorld) -> None:
    session, shown = _Session(world), _shown(12)
    with StreamBuffer(world.make()) as buffer:
        buffer.open()
        _begun(session, buffer, shown)
        for packet in session.truth(shown):
            world.send(packet)
        _tail(session, shown)
        _, responses = session.responses(buffer, shown)
    assert responses.is_valid.all(), f"not all are valid: {responses.reasons}."
    session.check_counts(responses, range(12))


def _what_comes_twice_is_counted_once(world: RecordingWorld) -> None:
    session, shown = _Session(world), _shown(12)
    with StreamBuffer(world.make()) as buffer:
        buffer.open()
        _begun(session, buffer, shown)
        for packet in session.truth(shown):
            world.send_twice(packet)
        _tail(session, shown)
        recording, responses = session.responses(buffer, shown)
    session.check_counts(responses, np.flatnonzero(responses.is_valid).tolist())
    assert responses.is_valid.any(), f"none is valid: {responses.reasons}."
    assert recording.n_duplicates > 0 or not recording.faults, "duplicates were not counted."


def _lost_data_are_no_silence(world: RecordingWorld) -> None:
    session, shown = _Session(world), _shown(12)
    with StreamBuffer(world.make()) as buffer:
        buffer.open()
        _begun(session, buffer, shown)
        for index, packet in enumerate(session.truth(shown)):
            (world.lose if index == 6 else world.send)(packet)
        _tail(session, shown)
        recording, responses = session.responses(buffer, shown)
    assert not responses.is_valid[6], (
        f"image 6 is valid with {responses.evoked_hz[6]} Hz; all of its data were lost."
    )
    assert recording.faults, "nothing is said of data that were lost."
    others = [row for row in range(12) if row not in (5, 6, 7)]
    assert responses.is_valid[others].all(), f"others are invalid too: {responses.reasons}."
    session.check_counts(responses, others)


def _missing_and_extra_edges_change_no_other_image(world: RecordingWorld) -> None:
    session, shown = _Session(world), _shown(20)
    packets = session.truth(shown)
    packets[8] = replace(packets[8], edges_s=())
    packets[13] = replace(
        packets[13], edges_s=(*packets[13].edges_s, packets[13].edges_s[0] + 0.113)
    )
    with StreamBuffer(world.make()) as buffer:
        buffer.open()
        _begun(session, buffer, shown)
        for packet in packets:
            world.send(packet)
        _tail(session, shown)
        _, responses = session.responses(buffer, shown)
    rows = [row for row in range(20) if row != 8]
    assert not responses.is_valid[8], "image 8 is valid without its edge."
    assert responses.is_valid[rows].all(), f"others are invalid too: {responses.reasons}."
    session.check_counts(responses, rows)


def _stream_that_is_joined_late_is_whole_from_there_on(world: RecordingWorld) -> None:
    # At an uneven pace, or a train without its beginning could not be told from a shifted one.
    waits_s = np.cumsum(np.random.default_rng(0).uniform(0.0, 0.1, 12)).tolist()
    shown = [
        replace(item, onset_s=item.onset_s + wait_s, offset_s=item.offset_s + wait_s)
        for item, wait_s in zip(_shown(12), waits_s, strict=True)
    ]
    session = _Session(world)
    packets = session.truth(shown)
    for packet in packets[:4]:
        world.send(packet)
    with StreamBuffer(world.make()) as buffer:
        buffer.open()
        buffer.begin(synthetic_plan(shown))
        for packet in packets[4:]:
            world.send(packet)
        _tail(session, shown)
        _, responses = session.responses(buffer, shown, timeout_s=3.0)
    rows = np.flatnonzero(responses.is_valid).tolist()
    # A system may keep what it sent before somebody joined; what is valid is right in any case.
    session.check_counts(responses, rows)
    assert set(range(5, 12)) <= set(rows), f"what came later is invalid: {responses.reasons}."


def _restarted_clock_mixes_nothing(world: RecordingWorld) -> None:
    session = _Session(world)
    before, after = _shown(12), _shown(12, start_s=60.0)
    with StreamBuffer(world.make()) as buffer:
        buffer.open()
        _begun(session, buffer, before)
        for packet in session.truth(before):
            world.send(packet)
        _tail(session, before)
        _, first = session.responses(buffer, before)
        world.restart()
        ahead_s = -50.0
        _lead_in(session, after, ahead_s)
        # The clock is at 8.7 s by now, and was at 1,053 s before.
        deadline_s = time.monotonic() + PATIENCE_S
        while buffer.peek().epochs[-1].number == 0 and time.monotonic() < deadline_s:
            time.sleep(0.005)
        assert buffer.peek().epochs[-1].number == 1, "that the clock began anew went unnoticed."
        buffer.begin(synthetic_plan(after))
        for packet in session.truth(after, ahead_s):
            world.send(packet)
        _tail(session, after, ahead_s)
        _, second = session.responses(buffer, after)
    for responses in (first, second):
        assert responses.is_valid.all(), f"not all are valid: {responses.reasons}."
        session.check_counts(responses, range(12))


def _silence_is_no_rate_of_zero_and_does_not_keep_a_run(world: RecordingWorld) -> None:
    session, shown = _Session(world), _shown(12)
    packets = session.truth(shown)
    buffer = StreamBuffer(world.make())
    with buffer:
        buffer.open()
        _begun(session, buffer, shown)
        for packet in packets[:6]:
            world.send(packet)
        _, responses = session.responses(buffer, shown, timeout_s=1.0)
        start_s = time.monotonic()
    took_s = time.monotonic() - start_s
    assert not responses.is_valid[6:].any(), (
        f"images of which nothing was sent are valid: {responses.reasons}."
    )
    assert took_s <= MAX_STOP_S, f"it took {took_s:.2f} s to stop a source that is silent."


_CHECKS: tuple[Callable[[RecordingWorld], None], ...] = (
    _every_spike_is_counted_once,
    _what_comes_twice_is_counted_once,
    _lost_data_are_no_silence,
    _missing_and_extra_edges_change_no_other_image,
    _stream_that_is_joined_late_is_whole_from_there_on,
    _restarted_clock_mixes_nothing,
    _silence_is_no_rate_of_zero_and_does_not_keep_a_run,
)
