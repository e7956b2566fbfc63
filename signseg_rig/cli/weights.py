"""``signseg-rig weights``: the one place that downloads anything, and only when told to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from signseg_rig.weights import CATALOGUE, WeightFile, add_weights, fetch_weights, find_weights

app = typer.Typer(no_args_is_help=True, add_completion=False)
Name = Annotated[str, typer.Argument(help="A name that 'weights list' shows.")]


@app.command("list")
def list_weights(
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the known weight files: size, licence, and where they lie on this machine."""
    from rich.console import Console
    from rich.table import Table

    rows = [(entry, _path(entry)) for entry in CATALOGUE.values()]
    if as_json:
        listed = [
            {
                "name": entry.name,
                "n_bytes": entry.n_bytes,
                "sha256": entry.sha256,
                "licence": entry.licence,
                "source": f"{entry.distribution}=={entry.version}",
                "path": None if path is None else str(path),
            }
            for entry, path in rows
        ]
        typer.echo(json.dumps(listed))
        return
    table = Table("name", "size", "licence", "sha256", "from", "on this machine")
    for entry, path in rows:
        table.add_row(
            entry.name,
            f"{entry.n_bytes / 1e6:.0f} MB",
            entry.licence,
            f"{entry.sha256[:12]}...",
            f"{entry.distribution} {entry.version}",
            str(path) if path else f"missing: signseg-rig weights fetch {entry.name}",
        )
    Console().print(table)


@app.command()
def fetch(name: Name) -> None:
    """Download a weight file."""
    typer.echo(fetch_weights(name))


@app.command()
def add(
    name: Name,
    path: Annotated[Path, typer.Argument(help="The file, obtained by other means.")],
) -> None:
    """Check a weight file and copy it to where it is found."""
    typer.echo(add_weights(name, path))


def _path(entry: WeightFile) -> Path | None:
    from signseg_rig.errors import WeightsMissingError

    try:
        return find_weights(entry.name)
    except WeightsMissingError:
        return None
