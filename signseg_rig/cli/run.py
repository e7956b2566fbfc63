"""``signseg-rig run FILE``: run an experiment."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from signseg_rig.cli.console import as_records, notes_of, print_error, print_warning
from signseg_rig.cli.keyboard import can_watch_keys, watched_keys
from signseg_rig.cli.progress import RunProgress
from signseg_rig.cli.signals import obeyed_signals
from signseg_rig.errors import RigError, RunStopped, SafeguardError
from signseg_rig.run.control import RunControl
from signseg_rig.run.session import OnStatus, Outcome
from signseg_rig.values import ProtocolResult, RunStatus

STOPPED_EXIT_CODE = 4
NO_SUCCESS_EXIT_CODE = 3
SAFEGUARD_EXIT_CODE = 5

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
    """Run an experiment, and write its record and report.

    Exits with 0 where it has a result, 1 where something failed,
    4 where it was stopped, and 5 where a safeguard ended it or no
    presentation was valid.
    """
    from signseg_rig.experiment import read_experiment
    from signseg_rig.run.session import start_run

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
    control, over = RunControl(is_attended=can_watch_keys()), Event()
    with obeyed_signals(control, console.print, is_over=over.is_set):
        try:
            outcome = _drive(start, control, console, over)
        except (RunStopped, KeyboardInterrupt) as end:
            over.set()
            console.print("\n".join(_last_words(end)), highlight=False, soft_wrap=True)
            raise typer.Exit(STOPPED_EXIT_CODE) from None
        except SafeguardError as error:
            over.set()
            print_error(error)
            raise typer.Exit(SAFEGUARD_EXIT_CODE) from None
        if not as_json:
            # Before the report, which may fail: the result is there.
            console.print(_table(outcome.result))
            if outcome.alarms:
                print_warning(console, _alarms(outcome.alarms))
            console.print(f"Record: {outcome.path}", highlight=False, soft_wrap=True)
        report = write_report(outcome.path)
    if as_json:
        typer.echo(json.dumps(_as_json(outcome, report), allow_nan=False))
    else:
        console.print(f"Report: {report}", highlight=False, soft_wrap=True)
    if outcome.n_valid == 0:
        console.print("No presentation of this run was valid: its result says nothing.")
        raise typer.Exit(SAFEGUARD_EXIT_CODE)
    if require_success and not outcome.result.is_success:
        console.print("The protocol's criterion was not met.")
        raise typer.Exit(NO_SUCCESS_EXIT_CODE)


def _drive(
    start: Callable[[RunControl, OnStatus], Outcome],
    control: RunControl,
    console: Console,
    over: Event,
) -> Outcome:
    """Run, with keys and progress; `over` is set as soon as the protocol has its result."""
    with watched_keys(control.press), RunProgress(console) as progress:

        def on_status(status: RunStatus) -> None:
            if status.state == "ending":
                over.set()
            progress.update(status)

        outcome = start(control, on_status)
        over.set()  # a run that had ended before has no status
        return outcome


def _last_words(end: BaseException) -> list[str]:
    """Say how a run was stopped, and once what is said of the errors that an interrupt came upon.

    An interrupt may come while a run that has stopped, or failed, is taken apart.
    """
    chain = [end]
    while (earlier := chain[-1].__context__) is not None:
        chain.append(earlier)
    said = [
        sentence
        for error in chain
        for sentence in [*([str(error)] if isinstance(error, RigError) else []), *notes_of(error)]
    ]
    if not any(isinstance(error, RunStopped) for error in chain):
        said.insert(0, "The run was stopped at once.")
    return [
        one
        for place, one in enumerate(said)
        if one not in said[:place] and not any(one in other and one != other for other in said)
    ]


def _alarms(alarms: tuple[str, ...]) -> str:
    n = len(alarms)
    times = "once" if n == 1 else f"{n} times, the report lists them all; at last"
    return f"The safeguards gave an alarm {times}: {alarms[-1]}"


def _table(result: ProtocolResult) -> Table:
    """Give each row of the result a column: there are few threads, and much to say of each."""
    from signseg_rig.report.result_table import result_lines

    (heading, names), *lines = result_lines(result) or [("", ())]
    table = Table(heading, *names)
    for what, cells in lines:
        table.add_row(what, *cells)
    return table


def _as_json(outcome: Outcome, report: Path) -> dict[str, object]:
    return {
        "record": str(outcome.path),
        "report": str(report),
        "is_success": outcome.result.is_success,
        "n_valid": outcome.n_valid,
        "alarms": list(outcome.alarms),
        "rows": as_records(outcome.result.columns, outcome.result.rows),
    }
