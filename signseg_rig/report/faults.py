"""Say why a report cannot be written, and where else it could be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from signseg_rig.errors import ReportError


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the disk says into a `ReportError`.

    Parameters
    ----------
    path : Path
        What is being written.
    """
    try:
        yield
    except OSError as error:
        raise ReportError(
            f"{path} cannot be written: {error.strerror or error}. Nothing else is lost: free some "
            "space, or name another folder where the command has an option for it ('--out' of "
            "report for a run, '--report' of fit and ablate)."
        ) from error
