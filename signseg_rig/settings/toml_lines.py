"""Find the line on which each key of a TOML document stands; tomllib keeps no positions."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

KeyPath = tuple[str | int, ...]

# A text that is not TOML falls apart into these tokens as well: a string that does not end goes to
# the end of its line, or of the text. Every alternative reads on from where it is, so that the time
# grows with the length of the text alone.
_TOKEN = re.compile(
    r'''
    (?P<newline>\n)
    | (?P<blank>[ \t\r]+)
    | (?P<comment>\#[^\n]*)
    | (?P<string> """[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"{3,5}
        | \'\'\'[^']*(?:'(?!'')[^']*)*'{3,5}
        | "(?!"")[^"\\\n]*(?:\\.[^"\\\n]*)*" | '(?!'')[^'\n]*'
        | (?:"""|\'\'\').* | ["'][^\n]*)
    | (?P<open>[\[{]) | (?P<close>[\]}]) | (?P<comma>,) | (?P<dot>\.) | (?P<equals>=)
    | (?P<word>[^\s"'\#\[\]{},.=]+) | (?P<other>.)
    ''',
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """A piece of a TOML document: a string, a bracket, a word, a comment, ...

    Parameters
    ----------
    kind : str
        Name of its group in the grammar above.
    text : str
    line : int
        On which it begins, from 1.
    depth : int
        Of the brackets around it.
    """

    kind: str | None
    text: str
    line: int
    depth: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A key with its value, or a header of a table.

    Parameters
    ----------
    text : str
    line, last_line : int
        On which it begins and ends, from 1.
    tokens : tuple of Token
        Without those before the statement.
    """

    text: str
    line: int
    last_line: int
    tokens: tuple[Token, ...]

    @property
    def is_header(self) -> bool:
        """Whether it opens a table."""
        return self.tokens[0].kind == "open"


def tokens_of(text: str) -> Iterator[Token]:
    """Take a document apart, valid or not."""
    line, depth = 1, 0
    for found in _TOKEN.finditer(text):
        kind, part = found.lastgroup, found[0]
        if kind == "close":
            depth = max(0, depth - 1)
        yield Token(kind, part, line, depth)
        if kind == "open":
            depth += 1
        elif kind in {"newline", "string"}:
            line += part.count("\n")


def statements_of(text: str) -> Iterator[Statement]:
    """List the statements of a document, without the lines that hold none.

    Of a document that is not valid TOML, one whose brackets do not close goes on to the end.
    """
    tokens: list[Token] = []
    for token in tokens_of(text.replace("\r\n", "\n")):
        if token.kind == "newline" and token.depth == 0:
            if tokens:
                yield _statement(tokens)
            tokens = []
        elif tokens or token.kind not in ("newline", "blank", "comment"):
            tokens.append(token)
    if tokens:
        yield _statement(tokens)


def _statement(tokens: list[Token]) -> Statement:
    text = "".join(token.text for token in tokens)
    first = tokens[0].line
    return Statement(text, first, first + text.count("\n"), tuple(tokens))


def key_lines(text: str) -> dict[KeyPath, int]:
    r"""Find the line of every key and table.

    Parameters
    ----------
    text : str
        A valid TOML document.

    Returns
    -------
    lines : dict of path to line
        The path as keys and positions from the top of the document, the line counted from 1. An
        element of an array stands where it begins, and what is inside an inline table where that
        begins.

    Examples
    --------
    >>> key_lines("[run]\nname = 'a'\n[[threads]]\nunit = {index = 3}\n")[("run", "name")]
    2
    """
    lines: dict[KeyPath, int] = {}
    n_tables: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for statement in statements_of(text):
        parsed = tomllib.loads(statement.text)
        if statement.is_header:
            table = _entered(parsed, n_tables)
            for depth in range(1, len(table)):
                lines.setdefault(table[:depth], statement.line)
            # An outer table may be opened after the tables inside it.
            lines[table] = statement.line
        else:
            for path, line in _lines_within(statement, parsed):
                lines.setdefault(table + path, line)
    return lines


def table_at(text: str, line: int) -> KeyPath:
    """Find the table that a line of a document is in; the top where a header before is wrong."""
    n_tables: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for statement in statements_of(text):
        if statement.line >= line:
            break
        if statement.is_header:
            try:
                table = _entered(tomllib.loads(statement.text), n_tables)
            except tomllib.TOMLDecodeError:
                return ()
    return table


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


def _lines_within(statement: Statement, parsed: dict[str, Any]) -> Iterator[tuple[KeyPath, int]]:
    starts = _element_lines(statement)
    # Down to the value: a statement has one key, of one or more parts.
    path: KeyPath = ()
    node: Any = parsed
    while isinstance(node, dict) and len(node) == 1 and len(path) < _n_key_parts(statement):
        ((key, node),) = node.items()
        path += (key,)
        yield path, statement.line
    yield from ((path + inner, line) for inner, line in _paths(node, (), statement.line, starts))


def _n_key_parts(statement: Statement) -> int:
    """Count the parts of a statement's key: it ends at the first equals sign."""
    n_dots = 0
    for token in statement.tokens:
        if token.kind == "equals":
            break
        n_dots += token.kind == "dot"
    return n_dots + 1


def _element_lines(statement: Statement) -> dict[KeyPath, int]:
    """Find where the elements of a statement's array begin, down to the first inline table."""
    lines: dict[KeyPath, int] = {}
    positions: list[int] = []
    n_tables, is_next = 0, False
    for token in statement.tokens:
        if token.kind in {"newline", "blank", "comment"}:
            continue
        if is_next and token.kind != "close":
            lines[tuple(positions)] = token.line
        n_tables += (token.text == "{") - (token.text == "}")
        is_next = n_tables == 0 and (token.text == "[" or token.kind == "comma")
        if n_tables == 0 and token.text == "[":
            positions.append(0)
        elif n_tables == 0 and token.text == "]":
            positions.pop()
        elif is_next:
            positions[-1] += 1
    return lines


def _paths(
    value: Any, path: KeyPath, line: int, starts: dict[KeyPath, int]
) -> Iterator[tuple[KeyPath, int]]:
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        inner = (*path, key)
        where = starts.get(inner, line)
        yield inner, where
        yield from _paths(item, inner, where, starts)
