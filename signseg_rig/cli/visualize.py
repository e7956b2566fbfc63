"""``signseg-rig visualize SWEEP.toml``: preferred images of many units under many ablations."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer


def visualize(
    file: Annotated[Path, typer.Argument(help="The sweep (TOML).")],
    n_workers: Annotated[
        int | None, typer.Option(help="Processes; by default one for each processor.", min=1)
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler to use instead of processes.")
    ] = None,
) -> None:
    """Evolve preferred images, and go on where an earlier call was stopped or killed."""
    from rich.console import Console

    from signseg_rig.cli.stages import StageProgress
    from signseg_rig.visualization import dask_cluster, local_processes, read_sweep, run_sweep

    settings = read_sweep(file)
    workers = partial(local_processes, n_workers)
    if scheduler is not None:
        workers = partial(dask_cluster, scheduler)
    with StageProgress(Console(stderr=True)) as progress:
        run_sweep(settings, workers, on_progress=partial(progress, "evolutions"))
    typer.echo(settings.folder)
