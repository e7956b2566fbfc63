"""Which edge of the sync line belongs to which presentation.

The display tells onsets on its own clock, the recording system tells edges on another. The clocks
differ by an unknown offset, drift slowly, and edges can be missing or spurious. The offset is what
most pairs of onset and edge agree on. In a regular train without its first or last edge two
offsets fit equally well: then nothing is matched, unless an earlier block has told the offset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from signseg_rig.limits import MAX_DRIFT
from signseg_rig.values import BoolArray, ClockOffset, FloatArray, InvalidReason, Shown

JITTER_S = 0.010
MIN_SHARE_MATCHED = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Onsets of presentations on the recording system's clock.

    Parameters
    ----------
    onsets_s : (n_presentations,) float array, in seconds
        The matched edges; NaN where there is none.
    reasons : tuple of (InvalidReason or None)
        None where the presentation has its edge.
    """

    onsets_s: FloatArray
    reasons: tuple[InvalidReason | None, ...]


class Aligner:
    """Matches edges to presentations, and remembers the clocks' offset from block to block.

    Attributes
    ----------
    known : ClockOffset or None
        The offset that was matched last. A resumed run sets it to the recorded one: with a regular
        train whose first or last edge is missing, an aligner that knows less finds less.
    """

    def __init__(self) -> None:
        self.known: ClockOffset | None = None

    def align(self, shown: Sequence[Shown], edges_s: FloatArray) -> Alignment:
        """Match the edges of one pass to its presentations.

        Parameters
        ----------
        shown : sequence of Shown
            In the order of showing.
        edges_s : (n_edges,) float array, in seconds
            Sorted rising edges since the pass before.

        Returns
        -------
        alignment : Alignment
        """
        onsets_s = np.array([item.onset_s for item in shown])
        matched_s = np.full(len(shown), np.nan)
        ambiguous = np.zeros(len(shown), dtype=bool)
        # A display that was started anew counts from another zero.
        restarts = np.flatnonzero(np.diff(onsets_s) < 0) + 1
        for part in np.split(np.arange(len(shown)), restarts):
            if part.size:
                edges = self._match(onsets_s[part], edges_s)
                ambiguous[part] = edges is None
                matched_s[part] = np.nan if edges is None else edges
        return Alignment(matched_s, _reasons(matched_s, ambiguous))

    def _match(self, onsets_s: FloatArray, edges_s: FloatArray) -> FloatArray | None:
        """Return the edge of each onset, NaN where it has none; None where it cannot be told."""
        if edges_s.size == 0:
            return np.full(onsets_s.shape, np.nan)
        tolerance_s = _tolerance_s(onsets_s)
        offset_s = self._offset_near_known_s(onsets_s, edges_s)
        if offset_s is None:
            offset_s = _best_offset_s(onsets_s, edges_s, tolerance_s)
        if offset_s is None:
            return None
        matched_s = _nearest(onsets_s + offset_s, edges_s, tolerance_s)
        matched = np.flatnonzero(np.isfinite(matched_s))
        if matched.size == 0:  # the offset lies between edges that contradict each other
            return None
        latest = matched[-1]
        self.known = ClockOffset(
            value_s=float(matched_s[latest] - onsets_s[latest]),
            at_display_s=float(onsets_s[latest]),
        )
        return matched_s

    def _offset_near_known_s(self, onsets_s: FloatArray, edges_s: FloatArray) -> float | None:
        known = self.known
        if known is None or onsets_s[0] < known.at_display_s:
            return None
        slack_s = JITTER_S + MAX_DRIFT * (onsets_s[-1] - known.at_display_s)
        # With half an interval of slack the neighbouring edge would fit as well.
        if onsets_s.size > 1 and slack_s > np.diff(onsets_s).min() / 2:
            return None
        near = np.abs(_differences(onsets_s, edges_s) - known.value_s) <= slack_s
        if near.any(axis=1).sum() < MIN_SHARE_MATCHED * onsets_s.size:
            return None
        offsets_s = _differences(onsets_s, edges_s)[near]
        return float(np.median(offsets_s))


def _tolerance_s(onsets_s: FloatArray) -> float:
    tolerance_s = JITTER_S + MAX_DRIFT * (onsets_s[-1] - onsets_s[0])
    if onsets_s.size > 1:
        # An edge never fits two onsets.
        tolerance_s = min(tolerance_s, float(np.diff(onsets_s).min()) * 0.49)
    return float(tolerance_s)


def _differences(onsets_s: FloatArray, edges_s: FloatArray) -> FloatArray:
    """(n_onsets, n_edges) float array: the offset that each pair would mean."""
    differences: FloatArray = edges_s[None, :] - onsets_s[:, None]
    return differences


def _best_offset_s(onsets_s: FloatArray, edges_s: FloatArray, tolerance_s: float) -> float | None:
    """Find the offset that most pairs agree on; None where another one is as good."""
    candidates_s = np.sort(_differences(onsets_s, edges_s).ravel())
    counts = np.searchsorted(candidates_s, candidates_s + 2 * tolerance_s, side="right")
    counts = counts - np.arange(candidates_s.size)
    best = int(np.argmax(counts))
    n_best = int(counts[best])
    group_s = candidates_s[best : best + n_best]
    is_other = np.abs(candidates_s + tolerance_s - group_s.mean()) > 2 * tolerance_s
    is_rival = bool((counts[is_other] >= n_best).any())
    if is_rival or n_best < MIN_SHARE_MATCHED * onsets_s.size:
        return None
    return float(np.median(group_s))


def _nearest(expected_s: FloatArray, edges_s: FloatArray, tolerance_s: float) -> FloatArray:
    """Return the edge nearest to each expected time, NaN where none is near enough."""
    right = np.clip(np.searchsorted(edges_s, expected_s), 1, max(edges_s.size - 1, 1))
    left_s = edges_s[right - 1]
    right_s = edges_s[np.minimum(right, edges_s.size - 1)]
    nearest_s = np.where(
        np.abs(left_s - expected_s) <= np.abs(right_s - expected_s), left_s, right_s
    )
    return np.where(np.abs(nearest_s - expected_s) <= tolerance_s, nearest_s, np.nan)


def _reasons(matched_s: FloatArray, ambiguous: BoolArray) -> tuple[InvalidReason | None, ...]:
    return tuple(
        InvalidReason.AMBIGUOUS_ALIGNMENT
        if is_ambiguous
        else InvalidReason.NO_SYNC_EDGE
        if np.isnan(edge_s)
        else None
        for edge_s, is_ambiguous in zip(matched_s, ambiguous, strict=True)
    )
