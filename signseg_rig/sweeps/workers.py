"""The workers of a sweep: processes of this machine, or a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor, ProcessPoolExecutor
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection
from typing import Any

from signseg_rig.errors import ConfigError, SweepError
from signseg_rig.sweeps.tls import TlsFiles


@contextmanager
def local_processes(n_workers: int | None = None) -> Iterator[Executor]:
    """Open processes of this machine, by default as many as it has processors.

    They end with this process, whatever ends it, and at once when it is interrupted: what they
    were doing is lost, and results that were written are whole.
    """
    n_workers = n_workers or os.cpu_count() or 1
    # Forked processes would inherit torch's threads in the middle of whatever they do.
    context = multiprocessing.get_context("spawn")
    watched, held = context.Pipe(duplex=False)
    with (
        closing(watched),
        closing(held),
        ProcessPoolExecutor(
            n_workers, mp_context=context, initializer=_end_with_parent, initargs=(watched,)
        ) as executor,
    ):
        try:
            yield executor
        except Exception:
            executor.shutdown(cancel_futures=True)
            raise
        except BaseException:
            # An interrupt does not wait for tasks of minutes.
            held.close()
            executor.shutdown(cancel_futures=True)
            raise


def _end_with_parent(watched: Connection) -> None:
    """Let this worker end when the other end of a pipe is closed; death closes it, too."""
    # Ctrl-C reaches all processes of a terminal: the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_wait_for_end, args=(watched,), daemon=True).start()


def _wait_for_end(watched: Connection) -> None:
    try:
        watched.poll(None)
    finally:
        # Not SystemExit, which would end this thread alone.
        os._exit(1)


@contextmanager
def dask_cluster(address: str, tls: TlsFiles | None = None) -> Iterator[Executor]:
    """Use the workers of a Dask cluster; they need to see the folder of the sweep.

    Each process does one task at a time, however many threads it has: ``dask worker`` starts one
    process with many, and is quicker with ``--nworkers 8 --nthreads 1`` on eight processors.

    Parameters
    ----------
    address : str
        Of its scheduler, such as ``"tcp://10.0.0.5:8786"``, or ``"tls://..."`` with `tls`.
    tls : TlsFiles, optional
        By which scheduler, workers and this program know each other; without it, whoever reaches
        the scheduler can run programs on its workers.

    Raises
    ------
    ConfigError
        Dask is not installed, or there is no scheduler.
    SweepError
        The scheduler was lost, or workers died again and again, while it was used.
    """
    try:
        import distributed
        from distributed.comm.core import CommClosedError
    except ImportError as error:
        raise ConfigError(
            "Dask is not installed. Install it with \"pip install 'signseg-rig[cluster]'\"."
        ) from error
    try:
        client: Any = distributed.Client(  # type: ignore[no-untyped-call]
            address, timeout=10, security=None if tls is None else tls.security()
        )
    except (OSError, ValueError) as error:
        raise ConfigError(f"There is no Dask scheduler at {address}: {error}.") from error
    try:
        with client, client.get_executor() as executor:
            yield executor
    except distributed.KilledWorker as error:
        raise SweepError(
            f"Workers of the Dask cluster at {address} died while they did a task ({error}); most "
            "likely their memory was full. Give them more, or choose a smaller n_together, and "
            "start the sweep again: what is finished is kept."
        ) from error
    except (CancelledError, CommClosedError) as error:
        # All that waits for a scheduler is cancelled when the connection breaks.
        raise SweepError(
            f"The Dask scheduler at {address} was lost ({type(error).__name__}). Start it and its "
            "workers again, and then the sweep: what is finished is kept."
        ) from error
