"""``signseg-rig bench``: measure the figures that a rig depends on, on this machine."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table


def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Benchmarks to run: optimizer, preload, turnaround, memory, startup, fit, "
            "counts, null, evolve, together, ablate, sweep; by default all."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measure this machine: the closed loop, start-up, fits of neuron models, and sweeps."""
    from signseg_rig.bench.loop import memory_figures, preload_figures, turnaround_figures
    from signseg_rig.bench.neurons import count_figures, fit_figures, null_figures
    from signseg_rig.bench.optimizer import optimizer_figures
    from signseg_rig.bench.startup import startup_figures
    from signseg_rig.bench.visualization import (
        ablation_figures,
        evolve_figures,
        sweep_figures,
        together_figures,
    )
    from signseg_rig.errors import ConfigError

    benchmarks = {
        "optimizer": optimizer_figures,
        "preload": preload_figures,
        "turnaround": turnaround_figures,
        "memory": memory_figures,
        "startup": startup_figures,
        "fit": fit_figures,
        "counts": count_figures,
        "null": null_figures,
        "evolve": evolve_figures,
        "together": together_figures,
        "ablate": ablation_figures,
        "sweep": sweep_figures,
    }
    if unknown := set(names or ()) - benchmarks.keys():
        raise ConfigError(
            f"There is no benchmark {', '.join(sorted(unknown))}; there are "
            f"{', '.join(benchmarks)}."
        )
    console = Console(stderr=True)
    figures = []
    for name in names or benchmarks:
        with console.status(f"measuring {name} ..."):
            figures += benchmarks[name]()
    if as_json:
        typer.echo(json.dumps([{**asdict(one), "is_kept": one.is_kept} for one in figures]))
        return
    table = Table("what", "measured", "at most", "", "how")
    for one in figures:
        table.add_row(
            one.what,
            f"{one.value:.3g} {one.unit}",
            f"{one.limit:g} {one.unit}",
            "kept" if one.is_kept else "MISSED",
            one.detail,
        )
    Console().print(table)
