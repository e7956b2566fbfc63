"""How long work will still take, told from its pace of late."""

from __future__ import annotations

import datetime as dt
from collections import deque

from rich.progress import ProgressColumn, Task, TaskID
from rich.text import Text

WINDOW_S = 60.0


class Pace:
    """How fast work goes on, over the last minute or, where steps are longer, over the last step.

    Steps may come in bursts, as from several workers, and minutes apart.
    """

    def __init__(self) -> None:
        self._marks: deque[tuple[float, float]] = deque()
        self._last_step = 0.0

    def see(self, n_done: float, now_s: float) -> None:
        """Take note of how much is done; work that is further back than before has begun anew."""
        if self._marks and n_done < self._marks[-1][1]:
            self._marks.clear()
        if not self._marks:
            self._marks.append((now_s, n_done))
        elif n_done > self._marks[-1][1]:
            self._last_step = n_done - self._marks[-1][1]
            self._marks.append((now_s, n_done))
        while len(self._marks) > 2 and self._marks[1][0] <= now_s - WINDOW_S:
            self._marks.popleft()

    def left_s(self, n_left: float, now_s: float) -> float | None:
        """Return how long the rest will take; None before the second step.

        Between steps it counts down, but not further than to the end of the step under way.
        """
        if len(self._marks) < 2:
            return None
        (first_s, n_first), (last_s, n_last) = self._marks[0], self._marks[-1]
        each_s = (last_s - first_s) / (n_last - n_first)
        return max(n_left * each_s - (now_s - last_s), max(n_left - self._last_step, 0.0) * each_s)


class TimeLeftColumn(ProgressColumn):
    """Shows the time left of every task.

    Rich has a column of this name that knows the last 30 s only: it falls silent where a step
    takes longer, as a block of many presentations does.
    """

    def __init__(self) -> None:
        super().__init__()
        self._paces: dict[TaskID, Pace] = {}

    def render(self, task: Task) -> Text:
        """Draw the time left, or dashes."""
        pace = self._paces.setdefault(task.id, Pace())
        pace.see(task.completed, task.get_time())
        left_s = None if task.remaining is None else pace.left_s(task.remaining, task.get_time())
        text = "-:--:--" if left_s is None else str(dt.timedelta(seconds=round(left_s)))
        return Text(text, style="progress.remaining")
