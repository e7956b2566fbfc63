"""``signseg-rig report``: one HTML page about a run, a sweep, or sweeps of several networks."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from signseg_rig.cli.console import as_records, print_json, print_warning
from signseg_rig.errors import ConfigError

if TYPE_CHECKING:
    from signseg_rig.sweeps import SweepStudy

SWEEP_FILE = "sweep.toml"
COMMON_FOLDER = "sweeps-compared"
# The pages of a report, and what they say for other programs.
Written = tuple[list[Path], dict[str, Any]]


def report(
    folders: Annotated[
        list[Path], typer.Argument(help="Folder of the run record, or of one or more sweeps.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the report of a run, in place of the run record; or for what several "
            f"sweeps have in common, in place of {COMMON_FOLDER}."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print paths and results as JSON.")
    ] = False,
) -> None:
    """Write the report of a run or a sweep, finished or still going on.

    Of several sweeps each gets its own, and one tells what they have in common.
    """
    if len(folders) == 1 and not (folders[0] / SWEEP_FILE).is_file():
        pages, facts = _report_run(folders[0], out)
    elif runs := [folder for folder in folders if not (folder / SWEEP_FILE).is_file()]:
        raise ConfigError(
            f"{', '.join(map(str, runs))} holds no sweep (no {SWEEP_FILE}). Name one run, or one "
            "or more sweeps."
        )
    elif len(folders) == 1 and out is not None:
        raise ConfigError(
            f"The report of one sweep is written into its folder, {folders[0]}; leave --out "
            f"{out} out, or copy the folder to where there is room."
        )
    else:
        pages, facts = _report_sweeps(folders, out or Path(COMMON_FOLDER))
    if as_json:
        print_json(facts)
        return
    for page in pages:
        typer.echo(page)


def _report_run(folder: Path, out: Path | None) -> Written:
    from signseg_rig.records import RunReader
    from signseg_rig.report import write_report

    page = write_report(folder, out)
    with RunReader.open(folder) as reader:
        result, problems = reader.result(), reader.problems()
    return [page], {
        "report": str(page),
        "record": str(folder),
        "is_finished": result is not None,
        "is_success": result.is_success if result else None,
        "problems": list(problems),
        "rows": as_records(result.columns, result.rows) if result else [],
    }


def _report_sweeps(folders: list[Path], out: Path) -> Written:
    from signseg_rig.report import compare_sweeps, write_sweep_report, write_sweeps_report
    from signseg_rig.report.sweep_tables import correlation_rows, pooled_rows

    studies, pages = [], []
    for folder in folders:
        studies.append(_study(folder))
        pages.append(write_sweep_report(studies[-1]))
    each = [_facts(study, page) for study, page in zip(studies, pages, strict=True)]
    if len(studies) == 1:
        return pages, each[0]
    comparison = compare_sweeps(studies)
    page = write_sweeps_report(comparison, out)
    return [*pages, page], {
        "report": str(page),
        "sweeps": each,
        "pooled": as_records(*pooled_rows(comparison.pooled)),
        "correlations": as_records(*correlation_rows(comparison.correlations)),
    }


def _facts(study: SweepStudy, page: Path) -> dict[str, Any]:
    from signseg_rig.report.sweep_tables import tested_rows

    images = study.images
    return {
        "report": str(page),
        "sweep": study.settings.name,
        "convention": study.settings.convention,
        "signed_features_anyway": study.settings.signed_features_anyway,
        "signs": study.signs,
        "n_results": sum(len(own) for own in images.results.values()) - images.n_missing,
        "n_missing": images.n_missing,
        "units_without_comparison": list(images.units_without_comparison),
        "tests": as_records(*tested_rows(study)),
    }


def _study(folder: Path) -> SweepStudy:
    from rich.console import Console

    from signseg_rig.cli.stages import StageProgress
    from signseg_rig.sweeps import study_sweep

    console = Console(stderr=True)
    with StageProgress(console) as progress:
        return study_sweep(
            folder,
            on_progress=partial(progress, f"{folder.name}: units measured"),
            on_warning=partial(print_warning, console),
        )
