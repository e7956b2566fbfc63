"""``signseg-rig units``: connect to a recording system, and list what it offers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from signseg_rig.cli.console import print_json

if TYPE_CHECKING:
    from signseg_rig.values import SourceInfo


def units(
    file: Annotated[Path, typer.Argument(help="The experiment file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Connect to the recording system of an experiment, list its units and lines, and leave.

    Where connecting has a price, such as a click at the device, this pays it; check never does.
    """
    from signseg_rig.experiment import read_experiment
    from signseg_rig.run.rig import Rig

    with Rig(read_experiment(file)).recording_system() as info:
        if as_json:
            print_json(_table(info))
            return
        for key, value in info.description.items():
            typer.echo(f"{key}: {value}")
        typer.echo(f"samples a second: {info.sample_rate_hz:g}")
        typer.echo(f"sync lines: {', '.join(info.lines)}")
        if not info.has_watermark:
            typer.echo(
                "It does not say until when everything has been received: whether a stretch "
                "without spikes is silence or a lost connection cannot be told."
            )
        typer.echo(f"{len(info.unit_names)} units:")
        for name in info.unit_names:
            typer.echo(f"  {name}")


def _table(info: SourceInfo) -> dict[str, Any]:
    return {
        "units": list(info.unit_names),
        "lines": list(info.lines),
        "sample_rate_hz": info.sample_rate_hz,
        "has_watermark": info.has_watermark,
        "delay_s": info.delay_s,
        "description": dict(info.description),
    }
