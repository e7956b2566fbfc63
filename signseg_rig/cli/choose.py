"""``signseg-rig choose FILE.toml``: what ablated models choose, by recorded responses."""

from __future__ import annotations

from functools import partial
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from signseg_rig.cli.console import as_records, print_json, print_warning
from signseg_rig.cli.network_options import CacheDir, features_folder
from signseg_rig.cli.outputs import require_writable

if TYPE_CHECKING:
    from rich.console import Console

    from signseg_rig.neurons import ChoiceTest
    from signseg_rig.studies import ChoiceStudy


def choose(
    file: Annotated[Path, typer.Argument(help="The recorded sessions, and what to read (TOML).")],
    *,
    cache_dir: CacheDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print path and tests as JSON.")] = False,
) -> None:
    """Test on recorded responses whether images that ablated models choose drive neurons less.

    Models fitted to some images choose among the others, intact and without positive, negative or
    matched random weights; what the recorded neurons answered to the chosen images is compared.
    """
    from rich.console import Console

    from signseg_rig.cli.stages import StageProgress
    from signseg_rig.report import write_choice_report
    from signseg_rig.report.choice_page import TEST_COLUMNS, test_rows
    from signseg_rig.studies import read_choice_settings, study_choices

    settings = read_choice_settings(file)
    require_writable(settings.folder, is_folder=True)
    console = Console(stderr=True)
    with StageProgress(console) as progress:
        study = study_choices(
            settings,
            cache_dir=features_folder(cache_dir),
            on_progress=progress,
            on_warning=partial(print_warning, console),
        )
    page = write_choice_report(study)
    if as_json:
        print_json({"report": str(page), "tests": as_records(TEST_COLUMNS, test_rows(study))})
        return
    _print(study, Console())
    typer.echo(page)


def _print(study: ChoiceStudy, console: Console) -> None:
    from rich.table import Column, Table

    from signseg_rig.neurons import MEANING
    from signseg_rig.report.choice_page import describe_session

    for session in dict.fromkeys(one.session for one in study.tests):
        own = [one for one in study.tests if one.session == session]
        console.print(describe_session(study, session), highlight=False, markup=False)
        for strength in study.settings.strengths:
            table = Table(
                Column(f"removed, strength {strength:g}", no_wrap=True),
                *(
                    Column(name, justify="right", no_wrap=True)
                    for name in ("SD", "low", "high", "p", "q", "effect")
                ),
                box=None,  # whose lines would take the room of numbers
                padding=(0, 1, 0, 0),
                pad_edge=False,
            )
            for one in own:
                if one.strength == strength:
                    table.add_row(one.compared, *_numbers(one))
            console.print(table)
        for remark in dict.fromkeys(one.remark for one in own if one.remark):
            console.print(f"No p and no interval: {remark}.", highlight=False)
    console.print(MEANING, highlight=False)


def _numbers(one: ChoiceTest) -> list[str]:
    """Return difference, interval, p, q and effect size as text of few letters."""
    return [
        *(_signed(value) for value in (one.difference, one.low, one.high)),
        *(f"{value:.2g}" if isfinite(value) else "" for value in (one.p_value, one.q_value)),
        _signed(one.rank_biserial),
    ]


def _signed(value: float) -> str:
    return f"{value:+.2f}" if isfinite(value) else ""
