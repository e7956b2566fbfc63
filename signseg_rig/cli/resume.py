"""``signseg-rig resume RUN``: go on with a run that was stopped or killed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from signseg_rig.cli.run import JsonOption, SuccessOption, conduct


def resume(
    run_dir: Annotated[Path, typer.Argument(help="Folder of the run record.")],
    require_success: SuccessOption = False,
    as_json: JsonOption = False,
) -> None:
    """Go on with a run: replay what is recorded, run the rest.

    Exits as run does: with 0 where it has a result, 1 where something failed,
    4 where it was stopped, and 5 where a safeguard ended it or no
    presentation was valid.
    """
    from signseg_rig.run.session import resume_run

    conduct(
        lambda control, on_status: resume_run(run_dir, control=control, on_status=on_status),
        require_success=require_success,
        as_json=as_json,
    )
