"""Ids as text, whatever a file holds them as."""

from __future__ import annotations

from collections.abc import Iterable


def as_names(values: Iterable[object]) -> list[str]:
    """Give ids as text; whole numbers that a file keeps as floats lose their '.0'.

    Examples
    --------
    >>> as_names(["a", 7, 12.0])
    ['a', '7', '12']
    """
    return [
        str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        for value in values
    ]
