"""``signseg-rig keys DIR``: keys for a loop and a display on two machines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from signseg_rig.cli.console import print_json


def keys(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the keys.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the files as JSON.")] = False,
) -> None:
    """Make the keys by which loop and display know each other."""
    from signseg_rig.wire.keys import DISPLAY, LOOP, make_keys

    files = make_keys(folder)
    if as_json:
        print_json({"files": [str(file) for file in files]})
        return
    for file in files:
        typer.echo(file)
    typer.echo(
        f"Copy {DISPLAY}.key_secret and {LOOP}.key to the stimulus computer, in a way that nobody "
        f"can listen to, and delete {DISPLAY}.key_secret here. On both machines set keys_dir "
        "under [wire] to the folder of the keys."
    )
