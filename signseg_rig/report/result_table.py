"""The result of a protocol as people read it: in words, an estimate beside its interval."""

from __future__ import annotations

import math

from signseg_rig.values import ProtocolResult

UNKNOWN = "-"
Line = tuple[str, tuple[str, ...]]


def result_lines(result: ProtocolResult) -> list[Line]:
    """Arrange a result in lines: there are few threads, and much to say of each.

    Parameters
    ----------
    result : ProtocolResult

    Returns
    -------
    lines : list of (heading, cells)
        A cell for each row of the result. Columns NAME, NAME_low and NAME_high are one line.
    """
    headings = result.headings or tuple(name.replace("_", " ") for name in result.columns)
    heading_of = dict(zip(result.columns, headings, strict=True))
    cells_of = dict(zip(result.columns, zip(*result.rows, strict=True), strict=False))
    lines = []
    for name, heading in heading_of.items():
        if name.endswith(("_low", "_high")) and name.rpartition("_")[0] in heading_of:
            continue
        cells = cells_of.get(name, ())
        bounds = [cells_of[bound] for bound in (f"{name}_low", f"{name}_high") if bound in cells_of]
        if len(bounds) == 2:
            texts = [_with_interval(*one) for one in zip(cells, *bounds, strict=True)]
            lines.append((f"{heading} [95 % interval]", tuple(texts)))
        else:
            lines.append((heading, tuple(map(_text, cells))))
    return lines


def _with_interval(value: str | float, low: str | float, high: str | float) -> str:
    if _text(low) == UNKNOWN:
        return _text(value)
    return f"{_text(value)} [{_text(low)}, {_text(high)}]"


def _text(cell: str | float) -> str:
    if isinstance(cell, float):
        return UNKNOWN if math.isnan(cell) else f"{cell:.3g}"
    return str(cell)
