"""Wait for the answers to a pass, no longer than they take, and find its onsets in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from signseg_rig.experiment import SyncSettings, WindowSettings
from signseg_rig.recordings.alignment import Aligner, Alignment
from signseg_rig.recordings.buffer import StreamBuffer
from signseg_rig.recordings.sync_line import LineEvents
from signseg_rig.values import FloatArray, Recording, Shown

# Where the clocks' line is not known yet, finding it takes some time: not with every message.
TRY_AGAIN_AFTER_S = 0.25


class Answer(NamedTuple):
    """What was recorded of a pass.

    Parameters
    ----------
    recording : Recording
    alignment : Alignment
    is_complete : bool
        Whether everything up to the end of the last window has come. False where the time was
        over, or where it was not waited for any longer.
    """

    recording: Recording
    alignment: Alignment
    is_complete: bool


def await_answer(
    buffer: StreamBuffer,
    shown: Sequence[Shown],
    windows: WindowSettings,
    sync: SyncSettings,
    aligner: Aligner,
    *,
    timeout_s: float,
    is_wanted: Callable[[], bool],
) -> Answer:
    """Wait until everything up to the end of the last image's windows has been received.

    When that is on the recording's clock the clocks' line tells; as long as it is not known, it is
    looked for in the edges that have come.

    Parameters
    ----------
    buffer : StreamBuffer
    shown : sequence of Shown
        In the order of showing.
    windows : WindowSettings
    sync : SyncSettings
    aligner : Aligner
    timeout_s : float, in seconds
    is_wanted : callable
        Asked ten times a second; waiting ends once it says False.

    Returns
    -------
    answer : Answer

    Raises
    ------
    ResponseError
        The recording system has failed.
    """
    is_enough = _Enough(buffer, shown, windows, sync, aligner)
    is_complete = buffer.wait(is_enough, timeout_s, is_wanted)
    recording = buffer.take()
    alignment = aligner.align(shown, LineEvents.of(recording, sync))
    return Answer(recording, alignment, is_complete)


class _Enough:
    """Tells whether a pass has been received; looks for the clocks' line as long as need be."""

    def __init__(
        self,
        buffer: StreamBuffer,
        shown: Sequence[Shown],
        windows: WindowSettings,
        sync: SyncSettings,
        aligner: Aligner,
    ) -> None:
        self._buffer = buffer
        self._shown = shown
        self._after_s = windows.span_s[1]
        self._sync = sync
        self._aligner = aligner
        self._tried_s = -np.inf
        self._needed_s = self._by_known_line()

    def __call__(self, complete_until_s: float) -> bool:
        if not self._shown:
            return True
        if self._needed_s is None and complete_until_s >= self._tried_s + TRY_AGAIN_AFTER_S:
            self._tried_s = complete_until_s
            self._needed_s = self._by_edges()
        return self._needed_s is not None and complete_until_s >= self._needed_s

    def _by_known_line(self) -> float | None:
        known = self._aligner.known
        if not self._shown or known is None or self._shown[0].onset_s < known.at_display_s:
            return None
        recording = self._buffer.peek()
        if recording.epochs and recording.epochs[-1].number != known.epoch:
            return None
        return self._last_s(known.at(np.array([self._shown[-1].onset_s])))

    def _by_edges(self) -> float | None:
        recording = self._buffer.peek()
        line = self._aligner.foreseen(self._shown, LineEvents.of(recording, self._sync))
        if line is None:
            return None
        return self._last_s(line.at(np.array([self._shown[-1].onset_s])))

    def _last_s(self, onset_s: FloatArray) -> float:
        return float(onset_s[0]) + self._after_s
