"""Progress of long work that has stages, with the time left."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from signseg_rig.cli.time_left import TimeLeftColumn


class StageProgress:
    """A bar for each stage; without a terminal, a line when a stage ends.

    Call it with ``(stage, n_done, n_all)``.

    Parameters
    ----------
    console : rich.console.Console
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tasks: dict[str, TaskID] = {}
        self._bars = Progress(
            TextColumn("{task.description:>18}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeLeftColumn(),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def __call__(self, stage: str, n_done: int, n_all: int) -> None:
        """Show how far a stage is."""
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=n_all)
        self._bars.update(self._tasks[stage], completed=n_done)
        if n_done == n_all and not self._console.is_terminal:
            self._console.print(f"{stage}: {n_done} of {n_all}")
