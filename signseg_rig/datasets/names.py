"""Ids as text, whatever a file holds them as."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from signseg_rig.errors import DataSetError


def as_names(values: Iterable[object]) -> list[str]:
    """Return ids as text; whole numbers that a file keeps as floats lose their '.0'.

    Raises
    ------
    DataSetError
        Bytes are not UTF-8.

    Examples
    --------
    >>> as_names(["a", b"b.jpg", 7, 12.0])
    ['a', 'b.jpg', '7', '12']
    """
    return [_as_name(value) for value in values]


def composed(name: str) -> str:
    """Return a name with accented letters as one character: macOS writes file names with two."""
    return unicodedata.normalize("NFC", name)


def _as_name(value: object) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise DataSetError(
                f"The id {value!r} should be text in UTF-8; {error.reason}. Save ids as text."
            ) from error
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
