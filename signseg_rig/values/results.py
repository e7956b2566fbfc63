"""What a protocol concludes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class ProtocolResult:
    """What a protocol concludes.

    Parameters
    ----------
    is_success : bool
        Whether the protocol's own criterion was met.
    columns, headings : tuple of str
        Names of the summary's columns, and the same in words; without words the names are shown.
    rows : tuple of tuples
        The summary, one row per thread or unit.
    notes : tuple of str
        How the summary was made: tests, their sides and level, what was selected.
    """

    is_success: bool
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float, ...], ...]
    headings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
