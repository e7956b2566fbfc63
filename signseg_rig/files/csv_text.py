"""Rows as CSV that a spreadsheet shows, and does not compute."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence

# A spreadsheet takes what begins like this for a formula: a name may have been chosen by whoever
# sent the file.
# Apostrophes before it are there so that every text can be told from its escaped form.
FORMULA = re.compile(r"'*[=+\-@\t\r]")


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    r"""Return rows as CSV, see `csv_cell`.

    Examples
    --------
    >>> csv_text([["=1+1", "-3", -0.5, float("nan")]])
    "'=1+1,-3,-0.5,\r\n"
    """
    text = io.StringIO()
    csv.writer(text).writerows(map(csv_cell, row) for row in rows)
    return text.getvalue()


def csv_cell(cell: object) -> object:
    """Return what stands in a cell.

    Numbers that are not known (NaN) are left empty. Text that a spreadsheet would take for a
    formula has an apostrophe before it; numbers, also those that are written as text, stay as they
    are.
    """
    if isinstance(cell, float) and math.isnan(cell):
        return ""
    if isinstance(cell, str) and FORMULA.match(cell) and not _is_number(cell):
        return f"'{cell}"
    return cell


def plain_text(cell: str) -> str:
    """Return the text of a cell, without the apostrophe of `csv_cell` where it has one.

    Examples
    --------
    >>> plain_text("'=1+1"), plain_text("'tis")
    ('=1+1', "'tis")
    """
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.strip() == text
