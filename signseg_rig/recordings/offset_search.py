"""Find where on the recording's clock a pass began: the offset that most onsets agree on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from signseg_rig.recordings.clock_fit import JITTER_S, Fit, Match, fit_line, nearest
from signseg_rig.values import ClockLine, FloatArray

# As many onsets tell an offset, and in so short a time clocks hardly drift.
N_ANCHOR = 64
# So many of the onsets have to have an edge, or nothing is believed.
MIN_SHARE_MATCHED = 0.5
MAX_PAIRS = 4_000_000
N_RIVALS_TRIED = 4000
# A shift of the train that fits worse by more edges than this is no rival.
N_CLOSE = 5


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """An offset that may be the right one, followed through the whole pass.

    Parameters
    ----------
    fit : Fit
    match : Match
    """

    fit: Fit
    match: Match


def anchored(
    onsets_s: FloatArray, edges_s: FloatArray, near: ClockLine, slack_s: float
) -> Candidate | None:
    """Follow a known line through a pass, from the offset near it that most onsets agree on.

    Parameters
    ----------
    onsets_s, edges_s : float arrays, in seconds
        Sorted.
    near : ClockLine
    slack_s : float, in seconds
        How far off it may be.

    Returns
    -------
    candidate : Candidate or None
        None where too few onsets have an edge.
    """
    anchor = onsets_s[:N_ANCHOR]
    pairs_s = _pairs_near(near.at(anchor), edges_s, slack_s)
    if not pairs_s.size:
        return None
    shift_s = _densest(pairs_s, _window_s(onsets_s))
    return followed(onsets_s, edges_s, _moved(near, shift_s))


def searched(
    onsets_s: FloatArray, edges_s: FloatArray, drift: ClockLine | None, epoch: int
) -> list[Candidate]:
    """Find the offsets that most onsets agree on, where nothing is known.

    Parameters
    ----------
    onsets_s, edges_s : float arrays, in seconds
        Sorted.
    drift : ClockLine or None
        Of an earlier epoch: its drift holds, its offset does not.
    epoch : int

    Returns
    -------
    candidates : list of Candidate
        The one with the most matched onsets first, and others that match nearly as many; empty
        where none matches half of them.
    """
    best: list[Candidate] = []
    for anchor in _anchors(onsets_s.size):
        shifts_s = _offsets(onsets_s[anchor], edges_s, _window_s(onsets_s))
        if not shifts_s.size:
            continue
        first = _line(shifts_s[0], onsets_s[anchor], drift, epoch)
        leader = followed(onsets_s, edges_s, first, anchor)
        if leader is None:
            continue
        best = _contest(onsets_s, edges_s, leader, shifts_s - shifts_s[0])
        if best:
            break
    return best


def followed(
    onsets_s: FloatArray, edges_s: FloatArray, line: ClockLine, anchor: slice | None = None
) -> Candidate | None:
    """Follow a line from an anchor through a whole pass, and learn its drift on the way."""
    low, high = (0, min(N_ANCHOR, onsets_s.size)) if anchor is None else (anchor.start, anchor.stop)
    cap_s = _window_s(onsets_s)
    fit = Fit(line, cap_s)
    while True:
        for _ in range(2):
            part = slice(low, high)
            match = nearest(fit.line.at(onsets_s[part]), edges_s, min(fit.tolerance_s, cap_s))
            if match.n < MIN_SHARE_MATCHED * (high - low):
                return None
            is_matched = match.is_matched
            fit = fit_line(onsets_s[part][is_matched], match.edges_s[is_matched], fit.line)
        if (low, high) == (0, onsets_s.size):
            break
        length = high - low
        low, high = max(0, low - length), min(onsets_s.size, high + length)
    match = nearest(fit.line.at(onsets_s), edges_s, min(fit.tolerance_s, cap_s))
    return Candidate(fit, match) if match.n >= MIN_SHARE_MATCHED * onsets_s.size else None


def _contest(
    onsets_s: FloatArray, edges_s: FloatArray, leader: Candidate, shifts_s: FloatArray
) -> list[Candidate]:
    """Return the best of a leader and its shifts over a whole pass, and what is nearly as good."""
    window_s = _window_s(onsets_s)
    tolerance_s = min(leader.fit.tolerance_s, window_s)
    expected_s = leader.fit.line.at(onsets_s)
    tried: list[tuple[int, float]] = []
    for shift_s in _distinct(shifts_s, window_s)[:N_RIVALS_TRIED]:
        # Known from edges within the window so far; all rivals are judged as closely as the leader.
        pairs_s = _pairs_near(expected_s[:N_ANCHOR] + shift_s, edges_s, window_s)
        exact_s = shift_s + (_densest(pairs_s, 2 * tolerance_s) if pairs_s.size else 0.0)
        tried.append((nearest(expected_s + exact_s, edges_s, tolerance_s).n, exact_s))
    close = max(count for count, _shift_s in tried) - N_CLOSE
    lines = [_moved(leader.fit.line, shift_s) for count, shift_s in tried if count >= close]
    # Each with a line of its own: where all are fitted alike, counts can be compared edge by edge.
    found = [followed(onsets_s, edges_s, line) for line in lines]
    return sorted(
        (one for one in found if one is not None), key=lambda one: one.match.n, reverse=True
    )


def _moved(line: ClockLine, shift_s: float) -> ClockLine:
    return replace(line, offset_s=line.offset_s + shift_s)


def _line(shift_s: float, onsets_s: FloatArray, drift: ClockLine | None, epoch: int) -> ClockLine:
    if drift is None:
        return ClockLine(float(shift_s), float(onsets_s[0]), epoch=epoch)
    return ClockLine(float(shift_s), float(onsets_s[0]), drift.drift, drift.drift_error, epoch)


def _anchors(n: int) -> list[slice]:
    """List stretches of onsets: the first, one in the middle, and the last."""
    length = min(N_ANCHOR, n)
    starts = dict.fromkeys((0, (n - length) // 2, n - length))
    return [slice(start, start + length) for start in starts]


def _window_s(onsets_s: FloatArray) -> float:
    """How far an edge may be from its onset: so far that none fits two."""
    if onsets_s.size < 2:
        return JITTER_S
    return float(min(JITTER_S, 0.49 * np.diff(onsets_s).min()))


def _offsets(onsets_s: FloatArray, edges_s: FloatArray, window_s: float) -> FloatArray:
    """Return the offsets on which half of the onsets agree, those of the most onsets first."""
    stride = max(1, onsets_s.size * edges_s.size // MAX_PAIRS)
    some_s = onsets_s[::stride]
    offsets_s = np.sort((edges_s[None, :] - some_s[:, None]).ravel())
    ends = np.searchsorted(offsets_s, offsets_s + window_s, side="right")
    counts = ends - np.arange(offsets_s.size)
    good = np.flatnonzero(counts >= max(1.0, MIN_SHARE_MATCHED * some_s.size))
    order = good[np.argsort(-counts[good], kind="stable")]
    middles_s = (offsets_s[order] + offsets_s[ends[order] - 1]) / 2
    return _distinct(middles_s, window_s)


def _distinct(values_s: FloatArray, apart_s: float) -> FloatArray:
    """Return values in their order, without those that are close to one before them."""
    if not values_s.size:
        return values_s
    by_value = np.argsort(values_s, kind="stable")
    rank = np.empty(values_s.size, dtype=np.intp)
    rank[by_value] = np.arange(values_s.size)
    sorted_s = values_s[by_value]
    is_taken = np.zeros(values_s.size, dtype=bool)
    kept = []
    for position in range(values_s.size):
        place = rank[position]
        if is_taken[place]:
            continue
        low = np.searchsorted(sorted_s, values_s[position] - apart_s)
        high = np.searchsorted(sorted_s, values_s[position] + apart_s, side="right")
        is_taken[low:high] = True
        kept.append(values_s[position])
    return np.array(kept)


def _pairs_near(expected_s: FloatArray, edges_s: FloatArray, slack_s: float) -> FloatArray:
    lows = np.searchsorted(edges_s, expected_s - slack_s)
    highs = np.searchsorted(edges_s, expected_s + slack_s, side="right")
    parts = [
        edges_s[low:high] - time_s
        for low, high, time_s in zip(lows, highs, expected_s, strict=True)
    ]
    return np.sort(np.concatenate([*parts, np.empty(0)]))


def _densest(sorted_s: FloatArray, window_s: float) -> float:
    """Return the middle of the window of a length that holds the most values."""
    counts = np.searchsorted(sorted_s, sorted_s + window_s, side="right") - np.arange(sorted_s.size)
    best = int(np.argmax(counts))
    return float(np.median(sorted_s[best : best + int(counts[best])]))
