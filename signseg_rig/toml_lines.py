"""Tell on which line of a TOML document each key stands; tomllib keeps no positions."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

KeyPath = tuple[str | int, ...]


def key_lines(text: str) -> dict[KeyPath, int]:
    r"""Find the line of every key and table.

    Parameters
    ----------
    text : str
        A valid TOML document.

    Returns
    -------
    lines : dict of path to line
        The path as keys and positions from the top of the document, the line counted from 1.
        Keys inside an inline table or array stand where their statement begins.

    Examples
    --------
    >>> key_lines("[run]\nname = 'a'\n[[threads]]\nunit = {index = 3}\n")[("run", "name")]
    2

    Notes
    -----
    A statement ends with the first line up to which its lines parse as a document of their own.
    So tomllib itself decides about multi-line strings and arrays, at a cost that grows with the
    square of the lines in one statement.
    """
    lines: dict[KeyPath, int] = {}
    n_tables: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for line, is_header, parsed in _statements(text.replace("\r\n", "\n").split("\n")):
        if is_header:
            table = _entered(parsed, n_tables)
            for depth in range(1, len(table)):
                lines.setdefault(table[:depth], line)
            # An outer table may be opened after the tables inside it.
            lines[table] = line
        else:
            for path in _paths(parsed):
                lines.setdefault(table + path, line)
    return lines


def _statements(rows: list[str]) -> Iterator[tuple[int, bool, dict[str, Any]]]:
    start = 0
    while start < len(rows):
        parsed, end = _first_statement(rows, start)
        if parsed:
            yield start + 1, rows[start].lstrip().startswith("["), parsed
        start = end


def _first_statement(rows: list[str], start: int) -> tuple[dict[str, Any], int]:
    for end in range(start + 1, len(rows)):
        try:
            return tomllib.loads("\n".join(rows[start:end])), end
        except tomllib.TOMLDecodeError:
            continue
    return tomllib.loads("\n".join(rows[start:])), len(rows)


def _entered(header: dict[str, Any], n_tables: dict[KeyPath, int]) -> KeyPath:
    """Resolve a header to a path: names of arrays of tables mean their latest table."""
    path: KeyPath = ()
    node: Any = header
    while node:
        ((key, node),) = node.items()
        path += (key,)
        if isinstance(node, list):
            n_tables[path] = n_tables.get(path, 0) + 1
            node = node[0]
        if path in n_tables:
            path += (n_tables[path] - 1,)
    return path


def _paths(value: Any) -> Iterator[KeyPath]:
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        yield (key,)
        for path in _paths(item):
            yield (key, *path)
