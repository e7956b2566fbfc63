"""A recording system and an animal in the loop's own process, whose clock follows the screen."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from signseg_rig.interfaces import ResponseSource, SourceContext
from signseg_rig.values import (
    NO_CODE,
    Chunk,
    FloatArray,
    IntArray,
    InvalidReason,
    PassPlan,
    Shown,
    SourceInfo,
    Stretch,
    SyncEvents,
)

SAMPLE_RATE_HZ = 30_000.0
# Where frames take no time the clock moves on by this after a pass, and the display rests longer.
REST_S = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Reaction:
    """What one presentation does in an animal, relative to its onset.

    Parameters
    ----------
    spontaneous_s, evoked_s : sequence of (n_spikes,) float arrays, in seconds
        One array per unit. Spontaneous spikes end where the next presentation begins.
    onset_delay_s, offset_delay_s : float or None, in seconds
        By how much the sync line rises and falls later than the screen; None where it does not.
    invalid : sequence of (start, end, reason)
    """

    spontaneous_s: Sequence[FloatArray]
    evoked_s: Sequence[FloatArray]
    onset_delay_s: float | None = 0.0
    offset_delay_s: float | None = 0.0
    invalid: Sequence[tuple[float, float, InvalidReason]] = ()


@dataclass(slots=True)
class _Waiting:
    """What has happened, and is told once the clock has passed it: ticks, ascending or not."""

    spikes: list[tuple[IntArray, IntArray]] = field(default_factory=list)
    edges: list[tuple[int, int, int]] = field(default_factory=list)


class InProcessSource(ResponseSource):
    """Answers what the display reports, as a recording system would that had seen the screen.

    All times are whole samples, and relative ones are rounded before they are added: a presentation
    that is shown again at another time gets the same counts. Where the display keeps time, answers
    come when their time has come; where frames take no time, they come at once.

    Parameters
    ----------
    context : SourceContext
    unit_names : tuple of str
    clock_offset_s, clock_drift : float
        Of the recording's clock against the display's.
    """

    def __init__(
        self,
        context: SourceContext,
        unit_names: tuple[str, ...],
        *,
        clock_offset_s: float = 1000.0,
        clock_drift: float = 0.0,
        read_s: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.context = context
        self.unit_names = unit_names
        self._read_s = read_s
        self._shift_s = clock_offset_s
        self._drift = clock_drift
        self._waiting = _Waiting()
        self._stretches: deque[Stretch] = deque()
        self._latest: tuple[int, Reaction] | None = None
        self._latest_display_s = -np.inf
        self._now: tuple[float, float] | None = None
        self._ended_s: float | None = None
        self._watermark = 0
        self._is_new = True
        self.block = 0

    @abstractmethod
    def react(self, shown: Shown) -> Reaction:
        """Return what a presentation does; called in the order of showing."""

    def start(self) -> SourceInfo:
        """Connect to nothing: the animal is in this process."""
        return SourceInfo(
            self.unit_names,
            SAMPLE_RATE_HZ,
            lines=("sync",),
            description={"system": type(self).__name__},
        )

    def begin(self, plan: PassPlan) -> None:
        """Learn that a pass begins."""
        self.block = plan.block
        self._ended_s = None

    def saw(self, shown: Shown) -> None:
        """React to an image."""
        onset = self._tick(shown.onset_s)
        self._settle(until=onset)
        self._latest = (onset, self.react(shown))
        self._mark(onset, shown, self._latest[1])
        # The report comes with the flip that takes the image away.
        self._now = (shown.offset_s, self._read_s())

    def end(self, plan: PassPlan) -> None:  # noqa: ARG002
        """React to the last image to its end."""
        if self._latest is None:
            return
        onset = self._latest[0]
        self._settle(until=None)
        after_s = self.context.window_s[1] + REST_S
        self._ended_s = onset / SAMPLE_RATE_HZ + after_s

    def poll(self) -> Chunk | None:
        """Tell what the clock has passed."""
        watermark = self._passed()
        if watermark <= self._watermark and not self._is_new:
            return None
        whole_from_s = 0.0 if self._is_new else None
        self._is_new, self._watermark = False, max(watermark, self._watermark)
        units, ticks = self._due_spikes()
        edges = sorted(edge for edge in self._waiting.edges if edge[0] < self._watermark)
        self._waiting.edges = [edge for edge in self._waiting.edges if edge[0] >= self._watermark]
        invalid, self._stretches = tuple(self._stretches), deque()
        return Chunk(
            spike_units=units,
            spike_times_s=ticks / SAMPLE_RATE_HZ,
            sync=SyncEvents(
                np.array([edge[0] for edge in edges], dtype=np.float64) / SAMPLE_RATE_HZ,
                np.zeros(len(edges), dtype=np.int16),
                np.array([edge[1] for edge in edges], dtype=np.int8),
                np.array([edge[2] for edge in edges], dtype=np.int32),
            ),
            whole_from_s=whole_from_s,
            complete_until_s=self._watermark / SAMPLE_RATE_HZ,
            invalid=invalid,
        )

    def stop(self) -> None:
        """Disconnect from nothing."""

    def _passed(self) -> int:
        """Return which tick the clock has passed by now."""
        if self._now is None or (self._latest is None and self._ended_s is None):
            return self._watermark
        if self._ended_s is not None and not self.context.keeps_time:
            return round(self._ended_s * SAMPLE_RATE_HZ)
        over_s, read_s = self._now
        display_s = over_s + (self._read_s() - read_s if self.context.keeps_time else 0.0)
        until = self._converted(display_s)
        if self._ended_s is None:
            # What the image that is on the screen does later is not known yet.
            assert self._latest is not None
            return min(until, self._latest[0])
        return min(until, round(self._ended_s * SAMPLE_RATE_HZ))

    def _tick(self, display_s: float) -> int:
        """Convert the display's clock; one that was started anew must not set this clock back."""
        if display_s < self._latest_display_s:
            self._shift_s += self._latest_display_s - display_s + 2 * REST_S
        self._latest_display_s = display_s
        tick = self._converted(display_s)
        if tick < self._watermark:
            # Where an image came sooner than its predecessor's windows ended, in no time at all.
            self._shift_s += (self._watermark - tick) / SAMPLE_RATE_HZ
            tick = self._watermark
        return tick

    def _converted(self, display_s: float) -> int:
        return round((display_s * (1 + self._drift) + self._shift_s) * SAMPLE_RATE_HZ)

    def _settle(self, *, until: int | None) -> None:
        """Fire what the latest image evokes, and spontaneously up to a tick."""
        if self._latest is None:
            return
        onset, reaction = self._latest
        for unit, (spontaneous_s, evoked_s) in enumerate(
            zip(reaction.spontaneous_s, reaction.evoked_s, strict=True)
        ):
            free = onset + _ticks(spontaneous_s)
            ticks = np.concatenate(
                [free if until is None else free[free < until], onset + _ticks(evoked_s)]
            )
            if ticks.size:
                self._waiting.spikes.append((np.full(ticks.size, unit, dtype=np.intp), ticks))
        self._latest = None

    def _mark(self, onset: int, shown: Shown, reaction: Reaction) -> None:
        code = NO_CODE if shown.code is None else shown.code
        length = round((shown.offset_s - shown.onset_s) * SAMPLE_RATE_HZ)
        if reaction.onset_delay_s is not None:
            delay = round(reaction.onset_delay_s * SAMPLE_RATE_HZ)
            self._waiting.edges.append((onset + delay, 1, code))
        if reaction.offset_delay_s is not None:
            delay = round(reaction.offset_delay_s * SAMPLE_RATE_HZ)
            self._waiting.edges.append((onset + length + delay, 0, 0 if code >= 0 else NO_CODE))
        for start_s, end_s, reason in reaction.invalid:
            at_s = onset / SAMPLE_RATE_HZ
            self._stretches.append(Stretch(at_s + start_s, at_s + end_s, reason))

    def _due_spikes(self) -> tuple[IntArray, IntArray]:
        units = np.concatenate([part for part, _ in self._waiting.spikes] or [np.empty(0, np.intp)])
        ticks = np.concatenate(
            [part for _, part in self._waiting.spikes] or [np.empty(0, np.int64)]
        )
        is_due = ticks < self._watermark
        self._waiting.spikes = [(units[~is_due], ticks[~is_due])] if not is_due.all() else []
        return units[is_due], ticks[is_due]


def _ticks(times_s: FloatArray) -> IntArray:
    ticks: IntArray = np.rint(np.asarray(times_s) * SAMPLE_RATE_HZ).astype(np.int64)
    return ticks
