"""``signseg-rig bench``: measure the figures that a rig depends on, on this machine."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from signseg_rig.bench.figure import Figure


def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Benchmarks to run: optimizer, preload, turnaround, memory, flood, startup, fit, "
            "counts, null, evolve, together, ablate, sweep, report; by default all."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measure this machine: the closed loop, start-up, fits of neuron models, and sweeps."""
    from signseg_rig.bench.parts import PARTS, measure, require_parts

    chosen = names or list(PARTS)
    require_parts(chosen)
    console = Console(stderr=True)
    figures = []
    for name in chosen:
        with console.status(f"measuring {name} ..."):
            figures += measure(name)
    if as_json:
        typer.echo(json.dumps([{**asdict(one), "is_kept": one.is_kept} for one in figures]))
        return
    Console().print(_table(figures))


def _table(figures: list[Figure]) -> Table:
    table = Table("what", "measured", "at most", "", "how")
    for one in figures:
        table.add_row(
            one.what,
            f"{one.value:.3g} {one.unit}",
            f"{one.limit:g} {one.unit}",
            "kept" if one.is_kept else "MISSED",
            one.detail,
        )
    return table
