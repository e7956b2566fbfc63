"""The experimenter's wishes, asked for by the loop and set from keys, signals or other threads."""

from __future__ import annotations

import datetime as dt
from collections import deque

# A key that is held down.
MAX_MARKS = 1000


class RunControl:
    """Pause and stop; safe to set from any thread and from a signal handler.

    There is no lock: a signal handler that runs while its own thread holds one would wait for ever.

    Parameters
    ----------
    is_attended : bool, optional
        Whether there is somebody who can let a paused run go on. Otherwise a run that would pause
        by itself stops.

    Attributes
    ----------
    is_stopped : bool
        Whether the run should end after the presentation that is on the screen.
    is_paused : bool
        Whether nothing should be shown for now.
    """

    def __init__(self, *, is_attended: bool = False) -> None:
        self.is_attended = is_attended
        self.is_stopped = False
        self.is_paused = False
        self._marks: deque[str] = deque(maxlen=MAX_MARKS)

    def is_going(self) -> bool:
        """Whether presentations should go on."""
        return not (self.is_stopped or self.is_paused)

    def stop(self) -> None:
        """Ask for the end of the run."""
        self.is_stopped = True

    def pause(self) -> None:
        """Show nothing for now."""
        self.is_paused = True

    def toggle_pause(self) -> None:
        """Pause, or go on."""
        self.is_paused = not self.is_paused

    def press(self, key: str) -> None:
        """Do what a key stands for: p pauses or goes on, n marks a moment, q and escape stop."""
        if key == "p":
            self.toggle_pause()
        elif key in ("q", "escape"):
            self.stop()
        elif key == "n":
            self._marks.append(dt.datetime.now(dt.UTC).isoformat())

    def take_marks(self) -> list[str]:
        """Return when somebody marked a moment since the last call, ISO 8601."""
        marks = []
        while self._marks:
            marks.append(self._marks.popleft())
        return marks
