"""What a run looks like in the terminal while it goes on."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from signseg_rig.cli.console import print_warning
from signseg_rig.cli.time_left import TimeLeftColumn
from signseg_rig.values import RunStatus

KEYS_HINT = "p pauses, q stops after this presentation"


class RunProgress:
    """Bars for blocks and presentations with the time left, and the scores of every thread.

    Without a terminal it prints a line per block instead.

    Parameters
    ----------
    console : rich.console.Console
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:>13}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeLeftColumn(),
            console=console,
        )
        self._blocks = self._bars.add_task("blocks", total=None)
        self._presentations = self._bars.add_task("presentations", total=None)
        self._live = Live(console=console, refresh_per_second=8, transient=False)
        self._status = RunStatus()

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def update(self, status: RunStatus) -> None:
        """Show a new status."""
        before, self._status = self._status, status
        is_elsewhere = _place(status) != _place(before)
        if self._console.is_terminal:
            # At once, or an alarm is printed above a line that no longer holds, as "press p".
            self._draw(status, at_once=is_elsewhere)
        elif is_elsewhere and status.state != "ending":
            self._print_line(status)
        if status.alarm and status.alarm != before.alarm:
            # It stays above the bars, and is heard across the room.
            self._console.bell()
            print_warning(self._console, status.alarm)

    def _draw(self, status: RunStatus, *, at_once: bool) -> None:
        self._bars.update(self._blocks, completed=status.block, total=status.n_blocks or None)
        self._bars.update(
            self._presentations, completed=status.n_shown, total=status.n_planned or None
        )
        hint = status.message or (KEYS_HINT if status.state == "running" else "")
        parts = [status.state, hint, f"{status.n_invalid} invalid presentations"]
        line = Text("; ".join(part for part in parts if part))
        alarm = [Text(status.alarm, style="bold red")] if status.alarm else []
        self._live.update(Group(self._bars, _scores_table(status), line, *alarm), refresh=at_once)

    def _print_line(self, status: RunStatus) -> None:
        of = f" of {status.n_blocks}" if status.n_blocks else ""
        scores = ", ".join(
            f"{thread} best {best:.2f} mean {mean:.2f}"
            for thread, (best, mean) in status.scores.items()
        )
        invalid = f"{status.n_invalid} invalid presentations" if status.n_invalid else ""
        parts = [f"{status.state}: block {status.block}{of}", scores, invalid, status.message]
        self._console.print("; ".join(part for part in parts if part), highlight=False)


def _place(status: RunStatus) -> tuple[int, str]:
    return status.block, status.state


def _scores_table(status: RunStatus) -> Table:
    table = Table("thread", "best score", "mean score", box=None, pad_edge=False)
    for thread, (best, mean) in status.scores.items():
        table.add_row(thread, f"{best:.2f}", f"{mean:.2f}")
    return table
