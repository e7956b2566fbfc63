"""What every verb prints with."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import typer

FAILED_EXIT_CODE = 1


def never_fail_to_print() -> None:
    """Let characters that a terminal or pipe cannot encode be escaped instead of ending the verb.

    On Windows a pipe has an old code page, which lacks most of Unicode.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_error(message: str) -> None:
    """Print a sentence to standard error, behind a red ``Error:``."""
    typer.secho("Error:", fg=typer.colors.RED, bold=True, err=True, nl=False)
    typer.echo(f" {message}", err=True)


def print_json(value: Any) -> None:
    """Print a result for other programs."""
    typer.echo(json.dumps(value, indent=2, allow_nan=False))
