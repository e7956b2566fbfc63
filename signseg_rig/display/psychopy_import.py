"""Import PsychoPy without what it does on the side."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from typing import Any

from signseg_rig.errors import DisplayError


def import_psychopy(module: str) -> Any:
    """Import a module of PsychoPy, quietly.

    PsychoPy would put a package folder of its own into this process's paths and those of its
    children, and print its warnings to the terminal. It keeps its settings folder in the home
    directory, for which there is no switch. It does not use the network.

    Parameters
    ----------
    module : str
        Such as ``"psychopy.visual"``.

    Raises
    ------
    DisplayError
        PsychoPy is not installed, or cannot be imported here.
    """
    os.environ.setdefault("PSYCHOPYNOPACKAGES", "1")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            log = importlib.import_module("psychopy.logging")
            log.console.setLevel(log.CRITICAL)
            return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != "psychopy":
            raise _broken(module, error) from error
        raise DisplayError(
            "PsychoPy is not installed. Install it with \"pip install 'signseg-rig[display]'\", "
            'or choose the display kind = "headless".'
        ) from error
    except Exception as error:
        raise _broken(module, error) from error


def _broken(module: str, error: Exception) -> DisplayError:
    screen = (
        f" It needs a screen: DISPLAY is {os.environ.get('DISPLAY')!r}, and an X server has to "
        f"answer there."
        if sys.platform == "linux"
        else ""
    )
    return DisplayError(
        f"{module} cannot be imported: {type(error).__name__}: {error}.{screen} Test it with "
        f"'python -c \"import {module}\"'."
    )
