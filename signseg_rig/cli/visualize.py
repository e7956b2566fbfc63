"""``signseg-rig visualize SWEEP.toml``: preferred images of many units under many ablations."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from signseg_rig.cli.console import print_json, print_warning
from signseg_rig.cli.run import STOPPED_EXIT_CODE, JsonOption
from signseg_rig.wording import command

if TYPE_CHECKING:
    from rich.console import Console

    from signseg_rig.sweeps import SweepSettings
    from signseg_rig.sweeps.sweep import OpenExecutor


def visualize(
    file: Annotated[Path, typer.Argument(help="The sweep (TOML).")],
    *,
    n_workers: Annotated[
        int | None,
        typer.Option(help="Number of processes; by default one a processor.", min=1),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            help="Address of a Dask scheduler to use instead of processes. Start its workers with "
            "one thread each (--nworkers N --nthreads 1): threads of a process take turns."
        ),
    ] = None,
    tls_ca_file: Annotated[
        Path | None,
        typer.Option(help="Certificate of the authority that signed those of the Dask cluster."),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(help="Certificate that lets this program into the Dask cluster.")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(help="Private key that belongs to the file of --tls-cert.")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(help="Go on with earlier results, or put their folder aside and begin anew."),
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Evolve preferred images, and go on where an earlier call was stopped or killed."""
    from rich.console import Console

    from signseg_rig.sweeps import (
        TlsFiles,
        dask_cluster,
        list_tasks,
        local_processes,
        put_aside,
        read_sweep,
    )
    from signseg_rig.sweeps.tls import warning_of

    settings = read_sweep(file)
    n_tasks = len(list_tasks(settings))
    console = Console(stderr=True)
    workers: OpenExecutor = partial(local_processes, n_workers)
    if scheduler is not None:
        tls = TlsFiles.of_options(scheduler, tls_ca_file, tls_cert, tls_key)
        if warning := warning_of(scheduler, tls):
            print_warning(console, warning)
        workers = partial(dask_cluster, scheduler, tls)
    kept = (
        None if resume else put_aside(settings.folder, on_warning=partial(print_warning, console))
    )
    if kept is not None:
        typer.echo(f"The earlier results are in {kept} now.", err=True)
    n_done = _conduct(settings, file, workers, console)
    if as_json:
        print_json(
            {
                "folder": str(settings.folder),
                "n_evolutions": n_tasks,
                "n_evolved_now": n_done,
                "put_aside": None if kept is None else str(kept),
            }
        )
        return
    typer.echo(settings.folder)


def _conduct(settings: SweepSettings, file: Path, workers: OpenExecutor, console: Console) -> int:
    """Run a sweep with progress and warnings in the terminal; say after Ctrl-C how to go on."""
    from signseg_rig.cli.stages import StageProgress
    from signseg_rig.sweeps import run_sweep

    try:
        with StageProgress(console) as progress:
            return run_sweep(
                settings,
                workers,
                on_progress=partial(progress, "evolutions"),
                on_warning=partial(print_warning, console),
            )
    except KeyboardInterrupt:
        said = (
            f"The sweep was stopped; what is finished is kept in {settings.folder}. Go on with "
            f"'{command('visualize', file)}'."
        )
        console.print(said, highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(STOPPED_EXIT_CODE) from None
