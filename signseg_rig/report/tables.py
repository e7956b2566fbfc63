"""Tables as CSV files."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from signseg_rig.report.faults import explained
from signseg_rig.whole_files import write_whole


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table whole or not at all; numbers that are not known (NaN) are left empty.

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
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(["" if _is_unknown(cell) else cell for cell in row] for row in rows)
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.getvalue().encode(errors="backslashreplace"))


def _is_unknown(cell: object) -> bool:
    return isinstance(cell, float) and math.isnan(cell)
