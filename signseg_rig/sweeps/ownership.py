"""One sweep at a time works in a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from signseg_rig.errors import SweepError
from signseg_rig.files.locks import HeldElsewhereError, take_lock


@contextmanager
def owned(folder: Path, on_warning: Callable[[str], object]) -> Iterator[None]:
    """Keep other sweeps off a folder, as long as this context lasts or this process lives.

    The lock lies beside the folder, which may be renamed meanwhile.

    Parameters
    ----------
    folder : Path
        Of the sweep; it need not be there, but its own folder has to.
    on_warning : callable
        Told in a sentence where there can be no lock, as on some network drives: a sweep can do
        without, as long as nobody starts two.

    Raises
    ------
    SweepError
        Another process works there.
    """
    lock = folder.with_name(f".{folder.name}.lock")
    held = None
    try:
        held = take_lock(lock, folder.with_name(f".{folder.name}.owner"))
    except HeldElsewhereError as error:
        raise SweepError(
            f"{folder} is in use by {error.owner}. Wait until that sweep has ended, or stop it; to "
            "have several machines work for one sweep, use a Dask cluster. If that process is no "
            f"longer there, remove {lock}."
        ) from None
    except OSError as error:
        on_warning(
            f"Nothing keeps a second sweep off {folder}, as {lock} cannot be locked "
            f"({error.strerror or error}). Make sure that nobody starts one meanwhile."
        )
    try:
        yield
    finally:
        if held is not None:
            held.release()
