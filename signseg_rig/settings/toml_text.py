"""Parse TOML of unknown origin: in bounded time, and past the statements that are wrong."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any, NamedTuple

from signseg_rig.settings.toml_lines import KeyPath, Statement, statements_of, table_at, tokens_of

# Settings are a few tables deep; tomllib takes the square of a key's parts, and Python's stack ends
# at some hundred brackets.
MAX_DEPTH = 40
# Python refuses to read longer ones, with a hint for programmers.
MAX_DIGITS = 1000
# Who forgot to close a string does not want to read of everything after it.
MAX_FAULTS = 20
# Nobody writes more by hand, and each fault takes another look at all of it.
MAX_MENDED_CHARACTERS = 2**14

_HEADER = re.compile(r"\s*\[")
_BEGINNING = re.compile(r"""\s*(\[|#|$|[\w"'.-][\w"'. -]*=)""")


class TomlError(ValueError):
    """A statement that is not TOML, or not such as is read here.

    Attributes
    ----------
    line : int
        From 1.
    """

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def parse_toml(text: str) -> dict[str, Any]:
    """Parse a document, whoever wrote it.

    Parameters
    ----------
    text : str

    Returns
    -------
    table : dict

    Raises
    ------
    TomlError
        It is not valid TOML, or is nested or has numbers as no settings are and have.
    """
    for fault in _excesses(text):
        raise fault
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", str(error))
        line = int(place[1]) if place and place[1] else text.rstrip().count("\n") + 1
        message = str(error) if place is None else str(error)[: place.start()]
        raise TomlError(message, line) from None
    if _depth(table) > MAX_DEPTH:
        raise _too_deep(1)
    return table


class Parsed(NamedTuple):
    """A document as far as it could be parsed.

    Parameters
    ----------
    table : dict
    text : str
        The document with blank lines in the place of what is wrong.
    faults : list of TomlError
        What is wrong, in the order of the document.
    incomplete : list of tuple
        Paths of the tables that lack a statement; the top, ``()``, where a header is wrong.
    """

    table: dict[str, Any]
    text: str
    faults: list[TomlError]
    incomplete: list[KeyPath]


def parse_as_far_as_possible(text: str) -> Parsed:
    """Parse a document, leaving out the statements that cannot be parsed.

    Parameters
    ----------
    text : str

    Returns
    -------
    parsed : Parsed
        Empty where too many statements are wrong.
    """
    rows = text.replace("\r\n", "\n").split("\n")
    faults: list[TomlError] = []
    incomplete: list[KeyPath] = []
    last_line = -1
    for _ in range(MAX_FAULTS):
        rest = "\n".join(rows)
        try:
            return Parsed(parse_toml(rest), rest, faults, incomplete)
        except TomlError as fault:
            if len(text) > MAX_MENDED_CHARACTERS:
                return Parsed({}, "", [fault], [()])
            first, end, is_header = _extent(rest, rows, fault.line)
            if first > last_line + 1 or not faults:
                # Else it is what remains of a statement that has been told.
                where = f"; the statement begins on line {first}" if first < fault.line else ""
                faults.append(TomlError(f"{fault}{where}", fault.line))
            incomplete.append(() if is_header else table_at(rest, first))
            rows[first - 1 : end] = [""] * (end - first + 1)
            last_line = end
    return Parsed({}, "", faults, [()])


def _extent(text: str, rows: list[str], line: int) -> tuple[int, int, bool]:
    """Find the lines, first and last, of a wrong statement, and whether it is a header."""
    statement = _statement_at(text, line)
    first = line if statement is None else statement.line
    end = line
    if _HEADER.match(rows[first - 1]):
        # What follows would be taken for keys of the table before.
        end = first
        while end < len(rows) and not _HEADER.match(rows[end]):
            end += 1
        return first, end, True
    if first < line and _BEGINNING.match(rows[line - 1]):
        end = line - 1  # the next statement, which stumbled over a bracket or quote left open
    return first, end, False


def _statement_at(text: str, line: int) -> Statement | None:
    found = (one for one in statements_of(text) if one.line <= line <= one.last_line)
    return next(found, None)


def _excesses(text: str) -> Iterator[TomlError]:
    """Find what would take tomllib too long, or end it with another error than its own."""
    n_parts = 1
    for token in tokens_of(text):
        if token.depth >= MAX_DEPTH:
            yield _too_deep(token.line)
        if token.kind == "dot":
            n_parts += 1
        elif token.kind not in ("word", "string", "blank"):
            n_parts = 1
        if n_parts > MAX_DEPTH:
            yield TomlError(f"A key has more than {MAX_DEPTH} parts", token.line)
        if token.kind == "word" and len(token.text) > MAX_DIGITS:
            yield TomlError(f"A word or number has more than {MAX_DIGITS} characters", token.line)


def _too_deep(line: int) -> TomlError:
    return TomlError(f"Tables and arrays are nested more than {MAX_DEPTH} deep", line)


def _depth(value: Any) -> int:
    """Count the levels of tables and arrays, without a call for each."""
    depth, level = 0, [value]
    while level := [one for one in level if isinstance(one, dict | list)]:
        depth += 1
        level = [item for one in level for item in (one.values() if isinstance(one, dict) else one)]
        if depth > MAX_DEPTH:
            break
    return depth
