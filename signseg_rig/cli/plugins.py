"""``signseg-rig plugins``: what is installed, and what of it works."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from signseg_rig.cli.console import print_json
from signseg_rig.errors import RigError
from signseg_rig.plugins import PluginInfo, list_plugins, load_plugin


def plugins(
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the installed plugins, and why any of them does not work."""
    found = [(info, _fault(info)) for info in list_plugins()]
    if as_json:
        print_json([{**asdict(info), "fault": fault} for info, fault in found])
        return
    width = max((len(info.name) for info, _ in found), default=0)
    for group in sorted({info.group for info, _ in found}):
        typer.secho(group, bold=True)
        for info, fault in found:
            if info.group == group:
                origin = f"{info.distribution} {info.version}"
                typer.echo(f"  {info.name.ljust(width)}  {info.target} ({origin})")
                if fault is not None:
                    typer.secho(f"    does not work: {fault}", fg=typer.colors.RED)


def _fault(info: PluginInfo) -> str | None:
    try:
        load_plugin(info.group, info.name)
    except RigError as error:
        return str(error)
    return None
