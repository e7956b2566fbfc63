"""Tables as CSV files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from signseg_rig.files.csv_text import csv_text
from signseg_rig.files.whole import write_whole
from signseg_rig.report.faults import explained


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table whole or not at all; see `csv_cell` for what is in its cells.

    Parameters
    ----------
    path : Path
        Its folder is made if it is missing.
    columns : sequence of str
    rows : iterable of sequence

    Raises
    ------
    ReportError
        The folder cannot be written, or the disk is full.
    """
    text = csv_text([columns, *rows])
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode(errors="backslashreplace"))
