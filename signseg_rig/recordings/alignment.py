"""Which edge of the sync line belongs to which presentation.

The display tells onsets on its own clock, the recording system tells edges on another. The clocks
differ by an unknown offset, drift slowly, and edges can be missing or spurious. The offset is what
most pairs of onset and edge agree on; then a straight line is fitted, and an edge belongs to an
onset where it lies within the line's own precision. In a regular train without its first or last
edge two offsets fit equally well: then nothing is matched, unless codes, an earlier pass or the
ends of the images tell.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from signseg_rig.limits import MAX_DRIFT
from signseg_rig.recordings.clock_fit import JITTER_S, drift_over, nearest
from signseg_rig.recordings.offset_search import (
    MIN_SHARE_MATCHED,
    Candidate,
    anchored,
    searched,
)
from signseg_rig.recordings.sync_line import LineEvents, held_off, why_ambiguous
from signseg_rig.values import BoolArray, ClockLine, FloatArray, IntArray, InvalidReason, Shown

# Photodiode and strobe tell of the same flip; the screen is that much later than the cable.
MAX_SCREEN_DELAY_S = 0.050
# A line is believed where any other is 500 times less likely; which others may be right is watched
# until they are a million times less likely.
MIN_LOG_ODDS = float(np.log(500))
SURE_LOG_ODDS = float(np.log(1e6))
OUT_OF_STEP = (
    "Screen and recording were taken to be in step, and are not, by an image or more: the edges of "
    "this pass fit another offset of the clocks than those of the passes before. Their responses "
    "may be those to the images before or after: look at the sync line, and start a new run."
)

Rivals = list[tuple[Candidate, float]]


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Onsets of presentations on the recording system's clock.

    Parameters
    ----------
    onsets_s : (n_presentations,) float array, in seconds
        The matched edges; NaN where there is none.
    reasons : tuple of (InvalidReason or None)
        None where the presentation has its edge.
    line : ClockLine or None
        That was fitted to them; None where nothing was matched.
    n_extra : int
        Edges between the first onset and the last one that belong to none.
    residual_s : float, in seconds
        Robust standard deviation of the edges from the line; NaN where nothing was matched.
    remark : str
        What is on the line where it could not be told, or had to be held off; else empty.
    """

    onsets_s: FloatArray
    reasons: tuple[InvalidReason | None, ...]
    line: ClockLine | None = None
    n_extra: int = 0
    residual_s: float = float("nan")
    remark: str = ""

    @property
    def n_missing(self) -> int:
        """How many presentations have no edge of their own."""
        return int(np.isnan(self.onsets_s).sum())


@dataclass(frozen=True, slots=True, eq=False)
class _Matched:
    candidate: Candidate | None
    events: LineEvents
    remark: str = ""


class Aligner:
    """Matches edges to presentations, and remembers the clocks' line from pass to pass.

    Attributes
    ----------
    known : ClockLine or None
        The line that was fitted last. A resumed run sets it to the recorded one: with a regular
        train whose first or last edge is missing, an aligner that knows less finds less.

    Notes
    -----
    Simulated runs of 10,000 presentations with 5 % of the edges missing, ten spurious edges a
    second, a drift of 50 ppm and a jitter of 0.2 ms, in passes of 40, 500 and 2,000: none of the
    valid presentations was off by more than 1.2 ms, and 94 to 95 % were valid. An edge that is
    missing beside a spurious one cannot be told from one that is late by as much: that is what the
    tolerance bounds.
    """

    def __init__(self) -> None:
        self.known: ClockLine | None = None
        # What may be the line, with log odds, until one of them is sure: also the one believed.
        self._lines: list[tuple[ClockLine, float]] = []

    def align(self, shown: Sequence[Shown], events: LineEvents) -> Alignment:
        """Match the edges of one pass to its presentations.

        Parameters
        ----------
        shown : sequence of Shown
            In the order of showing.
        events : LineEvents
            Since the pass before.

        Returns
        -------
        alignment : Alignment
        """
        onsets_s = np.array([item.onset_s for item in shown])
        # A display that was started anew counts from another zero.
        restarts = np.flatnonzero(np.diff(onsets_s) < 0) + 1
        parts = [
            self._align_part([shown[index] for index in part], events)
            for part in np.split(np.arange(len(shown)), restarts)
            if part.size
        ]
        if not parts:
            return Alignment(np.empty(0), ())
        return _joined(parts, events)

    def foreseen(self, shown: Sequence[Shown], events: LineEvents) -> ClockLine | None:
        """Return the line that `align` would fit, without learning it; None where there is none."""
        return copy.copy(self).align(shown, events).line

    def _align_part(self, shown: Sequence[Shown], events: LineEvents) -> Alignment:
        onsets_s = np.array([item.onset_s for item in shown])
        if not events.edges_s.size:
            return _unmatched(onsets_s, InvalidReason.NO_SYNC_EDGE)
        best: _Matched = _Matched(None, events)
        for epoch in events.epochs:
            matched = self._match(shown, onsets_s, events.of_epoch(epoch), epoch)
            if best.candidate is None or (
                matched.candidate and matched.candidate.match.n > best.candidate.match.n
            ):
                best = matched
        if best.candidate is None:
            remark = best.remark or why_ambiguous(shown, events)
            return _unmatched(onsets_s, InvalidReason.AMBIGUOUS_ALIGNMENT, remark)
        return self._learnt(onsets_s, best)

    def _learnt(self, onsets_s: FloatArray, matched: _Matched) -> Alignment:
        assert matched.candidate is not None
        fit, match = matched.candidate.fit, matched.candidate.match
        line = fit.line
        if self.known is not None:
            line = drift_over(self.known, line, fit.residual_s, match.n)
        self.known = line
        self._lines = [(line, 0.0), *self._lines[1:]]
        edges_s = matched.events.edges_s
        span_s = line.at(onsets_s[[0, -1]])
        is_within = (edges_s > span_s[0] - JITTER_S) & (edges_s < span_s[1] + JITTER_S)
        n_extra = int(is_within.sum()) - match.n
        reasons = tuple(
            None if is_matched else InvalidReason.NO_SYNC_EDGE for is_matched in match.is_matched
        )
        return Alignment(
            match.edges_s, reasons, line, max(n_extra, 0), fit.residual_s, matched.remark
        )

    def _match(
        self, shown: Sequence[Shown], onsets_s: FloatArray, events: LineEvents, epoch: int
    ) -> _Matched:
        """Find the line by codes, from what is known, or from the passes alone."""
        if events.codes_s.size and (line := _line_by_codes(shown, onsets_s, events, epoch)):
            self._lines = []
            return _Matched(anchored(onsets_s, events.edges_s, line, MAX_SCREEN_DELAY_S), events)
        rivals = self._followed(shown, onsets_s, events, epoch)
        if not rivals:
            found = searched(onsets_s, events.edges_s, self.known, epoch)
            rivals = _weighed(found, [0.0] * len(found), shown, events)
        return self._decided(rivals, shown, events, epoch)

    def _followed(
        self, shown: Sequence[Shown], onsets_s: FloatArray, events: LineEvents, epoch: int
    ) -> Rivals:
        """Return the lines of earlier passes with what this one says of them, the best first."""
        followed = [
            (found, odds)
            for line, odds in self._lines
            if (slack_s := _slack_s(line, onsets_s, epoch))
            and (found := anchored(onsets_s, events.edges_s, line, slack_s)) is not None
        ]
        return _weighed([one for one, _ in followed], [odds for _, odds in followed], shown, events)

    def _decided(
        self, rivals: Rivals, shown: Sequence[Shown], events: LineEvents, epoch: int
    ) -> _Matched:
        """Choose among lines, if one may be chosen, and remember the others as long as need be."""
        self._lines = [
            (one.fit.line, odds) for one, odds in rivals if rivals[0][1] - odds < SURE_LOG_ODDS
        ]
        winner = _winner(rivals)
        if winner is not None and self._contradicts(winner.fit.line, shown, epoch):
            self.known = None
            return _Matched(None, events, OUT_OF_STEP)
        if winner is not None:
            return _Matched(winner, events)
        if (held := held_off(shown, events)) is not None:
            onsets_s = np.array([item.onset_s for item in shown])
            found = searched(onsets_s, held.edges_s, self.known, epoch)
            winner = _winner(_weighed(found, [0.0] * len(found), shown, held))
            if winner is not None:
                self._lines = [(winner.fit.line, 0.0)]
                return _Matched(winner, held, held.remark)
        return _Matched(None, events)

    def _contradicts(self, line: ClockLine, shown: Sequence[Shown], epoch: int) -> bool:
        """Return whether a line is another than the one that was believed until now."""
        known = self.known
        if known is None or known.epoch != epoch or shown[0].onset_s < known.at_display_s:
            return False
        at_s = np.array([shown[0].onset_s])
        slack_s = _slack_s(known, np.array([item.onset_s for item in shown]), epoch)
        return bool(slack_s and abs(float(line.at(at_s)[0] - known.at(at_s)[0])) > slack_s)


def _slack_s(line: ClockLine, onsets_s: FloatArray, epoch: int) -> float:
    """Return how far off a line may be by now; 0 where it cannot tell edges apart any more."""
    if line.epoch != epoch or onsets_s[0] < line.at_display_s:
        return 0.0
    error = line.drift_error if line.drift_error > 0 else MAX_DRIFT
    slack_s = JITTER_S + error * float(onsets_s[0] - line.at_display_s)
    # With half an interval of slack the neighbouring edge would fit as well.
    is_too_wide = onsets_s.size > 1 and slack_s > np.diff(onsets_s).min() / 2
    return 0.0 if is_too_wide else slack_s


def _weighed(
    found: Sequence[Candidate],
    earlier: Sequence[float],
    shown: Sequence[Shown],
    events: LineEvents,
) -> Rivals:
    """Return lines with their log odds, up to a constant, the likeliest first.

    A line that matches an edge more explains one that is missing otherwise, and one that is
    spurious otherwise. Where the cable's line falls with the image, or rises again, that counts as
    well: what answers to any change would be taken for the onsets of a shifted train.
    """
    onsets_s = np.array([item.onset_s for item in shown])
    is_possible = [_begins_s(one, onsets_s) >= events.begun_s for one in found]
    found = [one for one, may_be in zip(found, is_possible, strict=True) if may_be]
    earlier = [odds for odds, may_be in zip(earlier, is_possible, strict=True) if may_be]
    if not found:
        return []
    offsets_s = np.array([item.offset_s for item in shown])
    most = max(found, key=lambda one: one.match.n)
    span_s = float(onsets_s[-1] - onsets_s[0]) + JITTER_S
    n_extra = max(events.edges_s.size - most.match.n, 0)
    p_missing = (onsets_s.size - most.match.n + 0.5) / (onsets_s.size + 1)
    p_spurious = min((n_extra + 0.5) / span_s * 2 * most.fit.tolerance_s, 0.5)
    weight = max(float(np.log((1 - p_missing) / p_missing) - np.log(p_spurious)), 0.0)
    ends_s = np.sort(np.concatenate([events.edges_s, events.falls_s]))
    n_ends = [nearest(one.fit.line.at(offsets_s), ends_s, one.fit.tolerance_s).n for one in found]
    if max(n_ends) < MIN_SHARE_MATCHED * len(shown):
        n_ends = [0] * len(found)  # the line does not mark them, and what is there is chance
    rivals = [
        (one, odds + weight * (one.match.n + n))
        for one, odds, n in zip(found, earlier, n_ends, strict=True)
    ]
    rivals.sort(key=lambda rival: rival[1], reverse=True)
    return [(one, odds - rivals[0][1]) for one, odds in rivals]


def _begins_s(candidate: Candidate, onsets_s: FloatArray) -> float:
    """Return when a pass began at the latest, if a candidate is right."""
    fit = candidate.fit
    return float(fit.line.at(onsets_s[:1])[0] + fit.tolerance_s)


def _winner(rivals: Rivals) -> Candidate | None:
    """Return the first of rivals where no other may be the right one."""
    if not rivals:
        return None
    (first, odds), *others = rivals
    if all(odds - other >= MIN_LOG_ODDS for _, other in others):
        return first
    return None


def _line_by_codes(
    shown: Sequence[Shown], onsets_s: FloatArray, events: LineEvents, epoch: int
) -> ClockLine | None:
    """Return the line that the marker's words tell, which no shift of the train fits."""
    sent = np.array([-1 if item.code is None else item.code for item in shown], dtype=np.int64)
    pairs_s = [
        events.codes_s[events.codes == code] - onset_s
        for code, onset_s in zip(sent, onsets_s, strict=True)
        if code >= 0
    ]
    offsets_s = np.sort(np.concatenate([*pairs_s, np.empty(0)]))
    if not offsets_s.size:
        return None
    window_s = 2 * JITTER_S
    counts = np.searchsorted(offsets_s, offsets_s + window_s, side="right")
    counts = counts - np.arange(offsets_s.size)
    best = int(np.argmax(counts))
    if counts[best] < max(2.0, MIN_SHARE_MATCHED * int((sent >= 0).sum())):
        return None
    middle_s = float(np.median(offsets_s[best : best + int(counts[best])]))
    is_rival = np.abs(offsets_s + window_s / 2 - middle_s) > window_s
    if (counts[is_rival] >= counts[best]).any():
        return None
    return ClockLine(middle_s, float(onsets_s[0]), epoch=epoch)


def _unmatched(onsets_s: FloatArray, reason: InvalidReason, remark: str = "") -> Alignment:
    nothing = np.full(onsets_s.shape, np.nan)
    return Alignment(nothing, (reason,) * onsets_s.size, remark=remark)


def _joined(parts: Sequence[Alignment], events: LineEvents) -> Alignment:
    if len(parts) == 1:
        return parts[0]
    matched_s = np.concatenate([part.onsets_s for part in parts])
    is_taken: BoolArray = np.isin(events.edges_s, matched_s)
    indices: IntArray = np.flatnonzero(is_taken)
    n_between = int(indices[-1] - indices[0] + 1) if indices.size else 0
    residuals_s = [part.residual_s for part in parts if np.isfinite(part.residual_s)]
    return Alignment(
        matched_s,
        tuple(reason for part in parts for reason in part.reasons),
        next((part.line for part in reversed(parts) if part.line), None),
        n_between - int(is_taken.sum()),
        max(residuals_s, default=float("nan")),
        " ".join(dict.fromkeys(part.remark for part in parts if part.remark)),
    )
