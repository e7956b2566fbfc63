"""What every verb prints with."""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

FAILED_EXIT_CODE = 1


def never_fail_to_print() -> None:
    """Let characters that a terminal or pipe cannot encode be escaped instead of ending the verb.

    On Windows a pipe has an old code page, which lacks most of Unicode.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_error(error: BaseException) -> None:
    """Print what an error says, and its notes, to standard error behind a red ``Error:``."""
    typer.secho("Error:", fg=typer.colors.RED, bold=True, err=True, nl=False)
    typer.echo(f" {error}", err=True)
    for note in notes_of(error):
        typer.echo(note, err=True)


def print_warning(console: Console, warning: str) -> None:
    """Print a sentence behind a yellow ``Warning:``, above the bars of progress that there are."""
    from rich.text import Text

    console.print(Text.assemble(("Warning:", "yellow"), f" {warning}"))


def notes_of(error: BaseException) -> list[str]:
    """List the sentences that were added to an error on its way up."""
    return list(getattr(error, "__notes__", []))


def as_records(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> list[dict[str, object]]:
    """Return the rows of a table for `print_json`: what is no number (NaN, infinite) is None."""
    return [
        {
            column: None if isinstance(cell, float) and not math.isfinite(cell) else cell
            for column, cell in zip(columns, row, strict=True)
        }
        for row in rows
    ]


def print_json(value: Any) -> None:
    """Print a result for other programs."""
    typer.echo(json.dumps(value, indent=2, allow_nan=False))
