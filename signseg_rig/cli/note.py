"""``signseg-rig note``: what a person has to say of a run, kept in its record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def note(
    run: Annotated[Path, typer.Argument(help="Folder of the run record.")],
    text: Annotated[list[str], typer.Argument(help="What to note; quotes are not needed.")],
) -> None:
    """Write a note into the record of a run, finished or going on.

    In the terminal of a run the key n marks a moment without words.
    """
    from signseg_rig.records.notes import add_note

    add_note(run, " ".join(text))
    typer.echo(f"Noted in {run}.")
