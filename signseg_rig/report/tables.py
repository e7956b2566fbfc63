"""Tables as CSV files."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from signseg_rig.report.faults import explained
from signseg_rig.whole_files import write_whole

# A spreadsheet takes what begins like this for a formula, and computes it: a name may have been
# chosen by whoever sent the file.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table whole or not at all; see `table_text` for what is in its cells.

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
    text = table_text([columns, *rows])
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode(errors="backslashreplace"))


def table_text(rows: Iterable[Sequence[object]], *, line_end: str = "\r\n") -> str:
    r"""Return rows as CSV.

    Numbers that are not known (NaN) are left empty. Text that a spreadsheet would take for a
    formula has an apostrophe before it; numbers, also those that are written as text, stay as they
    are.

    Examples
    --------
    >>> table_text([["=1+1", "-3", -0.5, float("nan")]])
    "'=1+1,-3,-0.5,\r\n"
    """
    text = io.StringIO()
    csv.writer(text, lineterminator=line_end).writerows(map(_cell, row) for row in rows)
    return text.getvalue()


def _cell(cell: object) -> object:
    if isinstance(cell, float) and math.isnan(cell):
        return ""
    if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) and not _is_number(cell):
        return f"'{cell}"
    return cell


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.strip() == text
