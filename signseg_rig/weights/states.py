"""Read weight files without running anything in them, and load them strictly."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signseg_rig.errors import WeightsError

if TYPE_CHECKING:
    import torch

N_KEYS_SHOWN = 3


def read_state(path: Path) -> Any:
    """Read a torch file that holds tensors only.

    Raises
    ------
    WeightsError
        It is damaged, no torch file, or holds something that would have to be executed.
    """
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # torch raises whatever its parsers do: zipfile, pickle and runtime errors.
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsError(
            f"{path} cannot be read as torch weights: {first_line} Fetch or copy it again."
        ) from error


def load_strictly(model: torch.nn.Module, state: Mapping[str, Any], path: Path) -> None:
    """Load a state into a model; every key and shape must fit.

    Raises
    ------
    WeightsError
        The message shows the first keys that do not fit.
    """
    expected = model.state_dict()
    problems = [
        *(f"missing {key}" for key in expected if key not in state),
        *(f"unexpected {key}" for key in state if key not in expected),
        *(
            f"{key} has shape {tuple(state[key].shape)}, expected {tuple(expected[key].shape)}"
            for key in expected
            if key in state and state[key].shape != expected[key].shape
        ),
    ]
    if problems:
        shown = "; ".join(problems[:N_KEYS_SHOWN])
        more = len(problems) - N_KEYS_SHOWN
        raise WeightsError(
            f"{path} does not fit {type(model).__name__}: {shown}"
            f"{f'; and {more} more' if more > 0 else ''}. It is the file of another model."
        )
    model.load_state_dict(state)
