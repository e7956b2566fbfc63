"""``signseg-rig run FILE``: run an experiment."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from signseg_rig.cli.console import notes_of
from signseg_rig.cli.keyboard import watched_keys
from signseg_rig.cli.progress import RunProgress
from signseg_rig.cli.signals import obeyed_signals
from signseg_rig.control import RunControl
from signseg_rig.errors import RunStopped
from signseg_rig.session import OnStatus, Outcome
from signseg_rig.types import ProtocolResult

STOPPED_EXIT_CODE = 4
NO_SUCCESS_EXIT_CODE = 3

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
SuccessOption = Annotated[
    bool,
    typer.Option(
        help=f"Exit with {NO_SUCCESS_EXIT_CODE} where the protocol's own criterion was not met."
    ),
]


def run(
    file: Annotated[Path, typer.Argument(help="The experiment file (TOML).")],
    run_dir: Annotated[
        Path | None,
        typer.Option(help="Folder of the run record; by default made of name and time."),
    ] = None,
    require_success: SuccessOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run an experiment, and write its record and report."""
    from signseg_rig.experiment_file import read_experiment
    from signseg_rig.session import start_run

    experiment = read_experiment(file)
    conduct(
        lambda control, on_status: start_run(
            experiment, path=run_dir, control=control, on_status=on_status
        ),
        require_success=require_success,
        as_json=as_json,
    )


def conduct(
    start: Callable[[RunControl, OnStatus], Outcome], *, require_success: bool, as_json: bool
) -> None:
    """Drive a run from the terminal: progress, keys, signals, and in the end a table and a report.

    Parameters
    ----------
    start : callable
        Starts or resumes the run.
    require_success, as_json : bool
    """
    from signseg_rig.report import write_report

    console = Console(stderr=as_json)
    control = RunControl()
    try:
        with (
            obeyed_signals(control, console.print),
            watched_keys(control.press),
            RunProgress(console) as progress,
        ):
            outcome = start(control, progress.update)
    except RunStopped as stopped:
        console.print(str(stopped), highlight=False, soft_wrap=True)
        raise typer.Exit(STOPPED_EXIT_CODE) from None
    except KeyboardInterrupt as interrupt:
        said = "\n".join(["The run was stopped at once.", *notes_of(interrupt)])
        console.print(said, highlight=False, soft_wrap=True)
        raise typer.Exit(STOPPED_EXIT_CODE) from None
    if not as_json:
        # Before the report, which may fail: the result is there.
        console.print(_table(outcome.result))
        console.print(f"Record: {outcome.path}", highlight=False, soft_wrap=True)
    report = write_report(outcome.path)
    if as_json:
        typer.echo(json.dumps(_as_json(outcome, report), allow_nan=False))
    else:
        console.print(f"Report: {report}", highlight=False, soft_wrap=True)
    if require_success and not outcome.result.is_success:
        console.print("The protocol's criterion was not met.")
        raise typer.Exit(NO_SUCCESS_EXIT_CODE)


def _table(result: ProtocolResult) -> Table:
    """Give each row of the result a column: there are few threads, and much to say of each."""
    cells = [
        [f"{one:.4g}" if isinstance(one, float) else str(one) for one in row] for row in result.rows
    ]
    names, *rest = [*zip(result.columns, *cells, strict=True)] or [()]
    table = Table(*names)
    for line in rest:
        table.add_row(*line)
    return table


def _as_json(outcome: Outcome, report: Path) -> dict[str, object]:
    rows = [
        {
            column: None if isinstance(cell, float) and cell != cell else cell  # noqa: PLR0124 - NaN
            for column, cell in zip(outcome.result.columns, row, strict=True)
        }
        for row in outcome.result.rows
    ]
    return {
        "record": str(outcome.path),
        "report": str(report),
        "is_success": outcome.result.is_success,
        "rows": rows,
    }
