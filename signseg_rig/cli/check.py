"""``signseg-rig check FILE``: everything that is wrong with an experiment, before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from signseg_rig.cli.console import FAILED_EXIT_CODE, print_json
from signseg_rig.experiment import Experiment
from signseg_rig.run.preflight import DURATIONS, FrameTiming, check_experiment, frame_timings
from signseg_rig.settings import Problem, read_as_far_as_possible
from signseg_rig.settings.partial import touches
from signseg_rig.wording import counted

COLORS = {"error": "red", "warning": "yellow"}


def check(
    file: Annotated[Path, typer.Argument(help="The experiment file (TOML).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the problems as JSON.")] = False,
) -> None:
    """List every problem of an experiment file, with its line.

    Exits with 1 where there are errors; warnings alone are no failure.
    """
    reading = read_as_far_as_possible(file, Experiment)
    experiment, problems = reading.settings, reading.problems
    if experiment is not None:
        further = reading.locate(check_experiment(experiment, reading.doubtful))
        problems = sorted([*problems, *further], key=lambda problem: problem.line or 0)
    is_timed = not any(touches(key, reading.doubtful) for key in DURATIONS)
    timings = frame_timings(experiment) if experiment is not None and is_timed else []
    if as_json:
        print_json(
            {
                "file": str(file),
                "problems": [_problem_as_json(problem) for problem in problems],
                "timing": [_timing_as_json(timing) for timing in timings],
            }
        )
    else:
        _print(file, problems, experiment, timings)
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(FAILED_EXIT_CODE)


def _print(
    file: Path, problems: list[Problem], experiment: Experiment | None, timings: list[FrameTiming]
) -> None:
    console = Console(highlight=False)
    if problems:
        table = Table("line", "", box=None, pad_edge=False)
        table.add_column("key", overflow="fold")
        table.add_column("problem", overflow="fold")
        for problem in problems:
            severity = Text(problem.severity, style=COLORS[problem.severity])
            line = "" if problem.line is None else str(problem.line)
            table.add_row(line, severity, Text(problem.dotted_key), Text(problem.message))
        console.print(table)
    for timing in timings:
        assert experiment is not None
        console.print(
            f"{timing.name}: {timing.asked_ms:g} ms = {timing.n_frames} frames = "
            f"{timing.actual_ms:.1f} ms at {experiment.monitor.refresh_rate_hz:g} Hz"
        )
    n_errors = sum(problem.severity == "error" for problem in problems)
    console.print(
        f"{file}: {counted(n_errors, 'error')}, {counted(len(problems) - n_errors, 'warning')}",
        markup=False,
        soft_wrap=True,
    )


def _problem_as_json(problem: Problem) -> dict[str, object]:
    return {
        "line": problem.line,
        "key": problem.dotted_key,
        "severity": problem.severity,
        "message": problem.message,
    }


def _timing_as_json(timing: FrameTiming) -> dict[str, object]:
    return {
        "key": f"stimulus.{timing.name}",
        "asked_ms": timing.asked_ms,
        "n_frames": timing.n_frames,
        "actual_ms": timing.actual_ms,
    }
