"""What of the sync events marks an onset, as the experiment file says, and what else is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from signseg_rig.errors import ConfigError
from signseg_rig.experiment import SyncSettings
from signseg_rig.values import FloatArray, IntArray, Recording, Shown
from signseg_rig.wording import close_match_hint

# An eye sees no flicker that is faster, and no image is shown for so short a time and again.
MAX_FLICKER_PERIOD_S = 0.040


@dataclass(frozen=True, slots=True, eq=False)
class LineEvents:
    """Edges that may be onsets, and what else the sync lines tell.

    Parameters
    ----------
    edges_s : (n_edges,) float array, in seconds
        Sorted; of the line and polarity that the experiment file names.
    falls_s : (n_falls,) float array, in seconds
        Sorted edges of the same line the other way.
    codes_s : (n_words,) float array, in seconds
        When a word came, on the line that carries words.
    codes : (n_words,) int array
        These words.
    starts_s, epochs : tuple of float, tuple of int
        Where each run of the device's clock begins, and its number.
    name : str
        Of the line.
    remark : str
        What was done to the edges.
    begun_s : float, in seconds
        No onset can be earlier; see `Recording`.
    """

    edges_s: FloatArray
    falls_s: FloatArray = field(default_factory=lambda: np.empty(0))
    codes_s: FloatArray = field(default_factory=lambda: np.empty(0))
    codes: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    starts_s: tuple[float, ...] = (-np.inf,)
    epochs: tuple[int, ...] = (0,)
    name: str = "sync"
    remark: str = ""
    begun_s: float = -np.inf

    @classmethod
    def of(cls, recording: Recording, settings: SyncSettings) -> Self:
        """Take the onsets' line out of a recording.

        Raises
        ------
        ConfigError
            The recording system has no line of that name.
        """
        sync = recording.sync
        line = _line(settings.line, "line", recording.lines)
        wanted, other = (1, 0) if settings.polarity == "rising" else (0, 1)
        is_own = sync.lines == line
        edges_s = sync.times_s[is_own & (sync.states == wanted)]
        falls_s = sync.times_s[is_own & (sync.states == other)]
        if settings.hold_off_ms > 0:
            edges_s = _without_repeats(edges_s, settings.hold_off_ms * 1e-3)
        has_word = sync.codes > 0
        if settings.code_line is not None:
            has_word &= sync.lines == _line(settings.code_line, "code_line", recording.lines)
        return cls(
            edges_s,
            falls_s,
            sync.times_s[has_word],
            sync.codes[has_word].astype(np.int64) & settings.code_mask,
            tuple(one.start_s for one in recording.epochs) or (-np.inf,),
            tuple(one.number for one in recording.epochs) or (0,),
            recording.lines[line] if recording.lines else "sync",
            begun_s=recording.begun_s,
        )

    def of_epoch(self, epoch: int) -> Self:
        """Return what came in one run of the device's clock."""
        place = self.epochs.index(epoch)
        start_s = self.starts_s[place] if place else -np.inf
        end_s = self.starts_s[place + 1] if place + 1 < len(self.starts_s) else np.inf

        def within(times_s: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
            return (times_s >= start_s) & (times_s < end_s)

        return replace(
            self,
            edges_s=self.edges_s[within(self.edges_s)],
            falls_s=self.falls_s[within(self.falls_s)],
            codes_s=self.codes_s[within(self.codes_s)],
            codes=self.codes[within(self.codes_s)],
            starts_s=(start_s,),
            epochs=(epoch,),
        )


def held_off(shown: Sequence[Shown], events: LineEvents) -> LineEvents | None:
    """Return one edge an image where the line flickers while images are on; else None.

    Parameters
    ----------
    shown : sequence of Shown
    events : LineEvents
    """
    on_s, every_s = _on_s(shown), _period_s(shown)
    period_s = _flicker_period_s(events.edges_s, on_s)
    if period_s is None or not np.isfinite(every_s):
        return None
    hold_off_s = (on_s + every_s) / 2
    remark = (
        f"Line {events.name!r} flickers at {1 / period_s:.0f} Hz while images are on; the first "
        f"edge of each image was taken, and what came in the {hold_off_s * 1e3:.0f} ms after it "
        "was left out. Set hold_off_ms under [sync] to say so yourself."
    )
    edges_s = _without_repeats(events.edges_s, hold_off_s)
    return replace(events, edges_s=edges_s, remark=remark)


def why_ambiguous(shown: Sequence[Shown], events: LineEvents) -> str:
    """Say what is on the line, for whoever has to find out why no edge could be matched."""
    n, edges_s = len(shown), events.edges_s
    text = (
        f"The edges of line {events.name!r} cannot be told apart: {edges_s.size} edges for {n} "
        f"images{_spacing(edges_s)}"
    )
    on_s, every_s = _on_s(shown), _period_s(shown)
    period_s = _flicker_period_s(edges_s, on_s)
    per_image = edges_s.size / n
    if per_image < 0.75:
        advice = (
            "More than a quarter is missing: look at the photodiode's threshold and place, and "
            "whether this is the line of the sync signal."
        )
    elif (
        np.isfinite(every_s)
        and abs(float(np.median(np.diff(edges_s))) - on_s) < 0.2 * on_s
        and (per_image > 1.5)
    ):
        advice = (
            "It seems to change both when an image comes and when it goes: let the line tell its "
            "polarity, or show images for another time than the background (on_ms, off_ms)."
        )
    elif period_s is not None:
        advice = (
            f"It flickers at {1 / period_s:.0f} Hz while images are on, and even with one edge an "
            "image a train without its first or last edge fits as well one place on: see why the "
            "first edge does not come, or give the marker codes."
        )
    elif per_image > 1.5:
        advice = (
            "There are several edges an image: if the line flickers, set hold_off_ms under [sync]; "
            "if it is noisy, raise the photodiode's threshold."
        )
    else:
        advice = (
            "Images at a regular pace fit as well one place on where the first or last edge is "
            "missing: give the marker codes, or see why the first edge does not come."
        )
    return f"{text}. {advice}"


def _spacing(edges_s: FloatArray) -> str:
    if edges_s.size < 2:
        return ""
    low, middle, high = np.quantile(np.diff(edges_s), [0.1, 0.5, 0.9]) * 1e3
    return f", {middle:.1f} ms apart in the middle ({low:.1f} to {high:.1f} ms)"


def _on_s(shown: Sequence[Shown]) -> float:
    return float(np.median([item.offset_s - item.onset_s for item in shown]))


def _flicker_period_s(edges_s: FloatArray, on_s: float) -> float | None:
    """Return the time from edge to edge of a line that flickers; None of one that does not."""
    gaps_s = np.diff(edges_s)
    is_flicker = gaps_s < min(MAX_FLICKER_PERIOD_S, 0.6 * on_s)
    if not gaps_s.size or np.mean(is_flicker) < 0.5:
        return None
    period_s = float(np.median(gaps_s[is_flicker]))
    # Noise has no pace.
    is_even = np.abs(gaps_s[is_flicker] - period_s) < 0.25 * period_s
    return period_s if np.mean(is_even) > 0.8 else None


def _period_s(shown: Sequence[Shown]) -> float:
    onsets_s = np.array([item.onset_s for item in shown])
    return float(np.median(np.diff(onsets_s))) if onsets_s.size > 1 else float("nan")


def _without_repeats(edges_s: FloatArray, hold_off_s: float) -> FloatArray:
    """Leave out what follows an edge within a time, as a trigger does that is not retriggered."""
    kept: list[float] = []
    position = 0
    while position < edges_s.size:
        kept.append(float(edges_s[position]))
        position = int(np.searchsorted(edges_s, kept[-1] + hold_off_s))
    return np.array(kept)


def _line(name: str | None, key: str, lines: tuple[str, ...]) -> int:
    if name is None:
        return 0
    if name not in lines:
        raise ConfigError(
            f"The recording system has no sync line {name!r}; it has "
            f"{', '.join(map(repr, lines)) or 'none'}.{close_match_hint(name, lines)} Correct "
            f"'{key}' under [sync]."
        )
    return lines.index(name)
