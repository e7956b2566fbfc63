"""Read settings from a TOML file, or list everything that is wrong with it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from signseg_rig.errors import ConfigError
from signseg_rig.setting_errors import explain
from signseg_rig.settings import BASE_DIR, AnySettings
from signseg_rig.toml_lines import KeyPath, key_lines


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
    outcome = validated(path, model)
    if not isinstance(outcome, list):
        return outcome
    n = len(outcome)
    raise ConfigError(
        f"{path} cannot be used; it has {n} {'problem' if n == 1 else 'problems'}:\n"
        + "\n".join(map(str, outcome))
    )


def locate(problems: Iterable[Problem], path: Path) -> list[Problem]:
    """Find the lines that problems stem from.

    Parameters
    ----------
    problems : iterable of Problem
        Without path and line.
    path : Path
        The file; it can be read.

    Returns
    -------
    problems : list of Problem
        Each with the line of its key or else of the table that the key would be in.
    """
    return _located(list(problems), path, _text(path.read_bytes()))


def validated(path: Path, model: type[AnySettings]) -> AnySettings | list[Problem]:
    """Read a file, or list everything that keeps it from being read."""
    try:
        text = _text(path.read_bytes())
    except UnicodeDecodeError as error:
        return [_not_utf8(path, error)]
    except OSError as error:
        return [Problem(_unreadable(error), path=path)]
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return [_not_toml(path, text, error)]
    try:
        return model.model_validate(table, context={BASE_DIR: path.absolute().parent})
    except ValidationError as error:
        problems = [Problem(message, key) for key, message in explain(error, model)]
        return _located(problems, path, text)


def _text(data: bytes) -> str:
    # Some editors on Windows begin a UTF-8 file with a byte order mark.
    return data.decode("utf-8-sig")


def _unreadable(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file; give the path of a TOML file"
    return f"cannot be read: {error.strerror}; give the path of a TOML file"


def _not_utf8(path: Path, error: UnicodeDecodeError) -> Problem:
    return Problem(
        f"is not UTF-8 text: {error.object[error.start : error.start + 1]!r} is no character; "
        "save the file with UTF-8 encoding",
        path=path,
        line=error.object.count(b"\n", 0, error.start) + 1,
    )


def _not_toml(path: Path, text: str, error: tomllib.TOMLDecodeError) -> Problem:
    place = re.search(r"at line (\d+)", str(error))
    line = int(place[1]) if place else text.rstrip().count("\n") + 1
    return Problem(f"is not valid TOML: {error}", path=path, line=line)


def _located(problems: list[Problem], path: Path, text: str) -> list[Problem]:
    lines = {(): 1, **key_lines(text)} if problems else {}

    def line_of(key: KeyPath) -> int:
        return next(lines[key[:n]] for n in range(len(key), -1, -1) if key[:n] in lines)

    located = [replace(problem, path=path, line=line_of(problem.key)) for problem in problems]
    return sorted(located, key=lambda problem: problem.line or 0)
