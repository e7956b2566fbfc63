"""The experimenter's wishes, asked for by the loop and set from keys, signals or other threads."""

from __future__ import annotations

import threading


class RunControl:
    """Pause and stop; safe to set from any thread and from a signal handler."""

    def __init__(self) -> None:
        self._is_stopped = threading.Event()
        self._is_paused = threading.Event()

    @property
    def is_stopped(self) -> bool:
        """Whether the run should end after the presentation that is on the screen."""
        return self._is_stopped.is_set()

    @property
    def is_paused(self) -> bool:
        """Whether nothing should be shown for now."""
        return self._is_paused.is_set()

    def is_going(self) -> bool:
        """Whether presentations should go on."""
        return not (self.is_stopped or self.is_paused)

    def stop(self) -> None:
        """Ask for the end of the run."""
        self._is_stopped.set()

    def toggle_pause(self) -> None:
        """Pause, or go on."""
        if self._is_paused.is_set():
            self._is_paused.clear()
        else:
            self._is_paused.set()

    def press(self, key: str) -> None:
        """Do what a key stands for: p pauses or goes on, q and escape stop."""
        if key == "p":
            self.toggle_pause()
        elif key in ("q", "escape"):
            self.stop()
