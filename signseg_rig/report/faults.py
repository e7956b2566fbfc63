"""Say why a report cannot be written, and where else it could be."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from signseg_rig.errors import ReportError
from signseg_rig.wording import explained_writing

REMEDY = (
    "Nothing else is lost: free some space, or name another folder where the command has an option "
    "for it ('--out' of report for a run, '--report' of fit and ablate)."
)


def explained(path: Path) -> AbstractContextManager[None]:
    """Turn what the disk says while `path` is written into a `ReportError`."""
    return explained_writing(path, ReportError, REMEDY)
