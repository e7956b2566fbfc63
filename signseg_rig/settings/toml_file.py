"""Read settings from a TOML file, or list everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, Literal

from signseg_rig.errors import ConfigError
from signseg_rig.files.user import UnreadableFileError, read_user_file
from signseg_rig.settings.base import BASE_DIR, AnySettings
from signseg_rig.settings.partial import make_partially
from signseg_rig.settings.toml_lines import KeyPath, key_lines
from signseg_rig.settings.toml_text import parse_as_far_as_possible
from signseg_rig.wording import first_few

MAX_LISTED = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about a file of settings that its author should change, or know.

    Parameters
    ----------
    message : str
    key : tuple
        What it is about, as keys and positions from the top of the file.
    severity : {"error", "warning"}
        With an error it cannot be used.
    path : Path or None
        The file.
    line : int or None
        Where in the file, from 1.
    """

    message: str
    key: KeyPath = ()
    severity: Literal["error", "warning"] = "error"
    path: Path | None = None
    line: int | None = None

    @property
    def place(self) -> str:
        """File and line, as editors and terminals understand it."""
        return ":".join(str(part) for part in (self.path, self.line) if part is not None)

    @property
    def dotted_key(self) -> str:
        """The key as a person writes it, such as ``protocol.threads[0].unit``."""
        return "".join(
            f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.key
        ).removeprefix(".")

    def __str__(self) -> str:
        return ": ".join(part for part in (self.place, self.dotted_key, self.message) if part)


@dataclass(frozen=True, slots=True)
class Reading(Generic[AnySettings]):
    """A file of settings, as far as it could be read.

    Parameters
    ----------
    path : Path
    settings : Settings or None
        None where nothing could be made of the file. With problems some values are not its own.
    problems : list of Problem
        All of them, with their lines; with none, `settings` are what the file says.
    doubtful : tuple of tuple
        Paths of what `settings` hold in place of something that is wrong or missing: what a check
        would say of these is not about the file.
    text : str
        What could be parsed.
    renamed : dict of tuple to tuple
        Paths of the keys that were meant, and of those that are written.
    """

    path: Path
    settings: AnySettings | None
    problems: list[Problem]
    doubtful: tuple[KeyPath, ...] = ()
    text: str = ""
    renamed: dict[KeyPath, KeyPath] = field(default_factory=dict)

    def locate(self, problems: Iterable[Problem]) -> list[Problem]:
        """Find the lines that problems stem from: of their key, or of the table it would be in."""
        return _located(list(problems), self.path, self.text, self.renamed)


def read_settings(path: Path, model: type[AnySettings]) -> AnySettings:
    """Read a file of settings.

    Parameters
    ----------
    path : Path
        Paths in it are relative to its folder.
    model : class
        Of the settings.

    Returns
    -------
    settings : instance of `model`

    Raises
    ------
    ConfigError
        It cannot be used; the message lists every problem with its line.
    """
    reading = read_as_far_as_possible(path, model)
    if reading.settings is not None and not reading.problems:
        return reading.settings
    n = len(reading.problems)
    raise ConfigError(
        f"{path} cannot be used; it has {n} {'problem' if n == 1 else 'problems'}:\n"
        f"{first_few(map(str, reading.problems), MAX_LISTED, chr(10))}"
    )


def read_as_far_as_possible(path: Path, model: type[AnySettings]) -> Reading[AnySettings]:
    """Read a file of settings, and list everything that is wrong with it.

    Parameters
    ----------
    path : Path
        Paths in it are relative to its folder.
    model : class
        Of the settings.

    Returns
    -------
    reading : Reading
    """
    try:
        # Some editors on Windows begin a UTF-8 file with a byte order mark.
        text = read_user_file(path).decode("utf-8-sig")
    except UnreadableFileError as error:
        message = f"{error.reason} Give the path of a TOML file."
        return Reading(path, None, [Problem(message, path=path)])
    except UnicodeDecodeError as error:
        return Reading(path, None, [_not_utf8(path, error)])
    parsed = parse_as_far_as_possible(text)
    problems = [
        Problem(f"is not valid TOML: {fault}", path=path, line=fault.line)
        for fault in parsed.faults
    ]
    if problems and not parsed.table:
        return Reading(path, None, problems)
    context = {BASE_DIR: path.absolute().parent}
    partial = make_partially(model, parsed.table, context=context, incomplete=parsed.incomplete)
    found = [Problem(fault.message, fault.path) for fault in partial.faults]
    problems += _located(found, path, parsed.text, partial.renamed)
    problems.sort(key=_line)
    return Reading(path, partial.settings, problems, partial.doubtful, parsed.text, partial.renamed)


def _not_utf8(path: Path, error: UnicodeDecodeError) -> Problem:
    return Problem(
        f"is not UTF-8 text: {error.object[error.start : error.start + 1]!r} is no character; "
        "save the file with UTF-8 encoding",
        path=path,
        line=error.object.count(b"\n", 0, error.start) + 1,
    )


def _located(
    problems: list[Problem], path: Path, text: str, renamed: Mapping[KeyPath, KeyPath]
) -> list[Problem]:
    lines = {(): 1, **key_lines(text)} if problems else {}

    def line_of(key: KeyPath) -> int:
        written = _as_written(key, renamed)
        return next(lines[written[:n]] for n in range(len(written), -1, -1) if written[:n] in lines)

    located = [replace(problem, path=path, line=line_of(problem.key)) for problem in problems]
    return sorted(located, key=_line)


def _as_written(key: KeyPath, renamed: Mapping[KeyPath, KeyPath]) -> KeyPath:
    """Find the path that a key has in the file, where it or a table around it is misspelt."""
    written: KeyPath = ()
    for depth, part in enumerate(key, start=1):
        written = (*written, renamed.get(key[:depth], (part,))[-1])
    return written


def _line(problem: Problem) -> int:
    return problem.line or 0
