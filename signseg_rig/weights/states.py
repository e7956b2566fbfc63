"""Read weight files without running anything in them, and load them strictly."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from signseg_rig.errors import WeightsError
from signseg_rig.wording import first_few

if TYPE_CHECKING:
    import torch

N_KEYS_SHOWN = 3


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """Read the named tensors of a torch file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    state : dict of str to tensor, on the CPU

    Raises
    ------
    WeightsError
        The file is damaged, is no torch file, holds something that would have to be executed, or
        something else than tensors by name.
    """
    return _tensors(_read(path), (), path)


def read_checkpoint(
    path: Path, keys: Sequence[str], *, trusts_pickle: bool
) -> dict[str, torch.Tensor]:
    """Read the named tensors of a checkpoint, which may hold other things as well.

    Parameters
    ----------
    path : Path
    keys : sequence of str
        Under the first of these that is there the tensors stand, or else they are all there is.
    trusts_pickle : bool
        Whether a file that cannot be read otherwise may run code of its own.

    Returns
    -------
    state : dict of str to tensor, on the CPU

    Raises
    ------
    WeightsError
        As of `read_state`; where running code would help the message says so.
    """
    try:
        content = _read(path)
    except WeightsError as error:
        if not trusts_pickle:
            raise WeightsError(
                f"{error} If it is intact it holds code, and where you would run programs from the "
                "same source set 'trusts_pickle = true'."
            ) from error
        content = _unpickled(path)
    return _tensors(content, keys, path)


def load_state(
    model: torch.nn.Module,
    state: Mapping[str, torch.Tensor],
    path: Path,
    own_names: Iterable[str] = (),
) -> None:
    """Load tensors into a model; every name and shape must fit.

    Parameters
    ----------
    model : torch.nn.Module
    state : mapping of str to tensor
    path : Path
        Where they were read, for the message.
    own_names : iterable of str
        The names in the file, for the message, where `state` has them changed or chosen from.

    Raises
    ------
    WeightsError
        The message shows the first names that do not fit, and the first that the file has.
    """
    expected = model.state_dict()
    problems = [
        *(f"{key} is missing" for key in expected if key not in state),
        *(f"{key} is unknown" for key in state if key not in expected),
        *(
            f"{key} has shape {tuple(state[key].shape)}, expected is {tuple(expected[key].shape)}"
            for key in expected
            if key in state and state[key].shape != expected[key].shape
        ),
    ]
    if problems:
        own = first_names(own_names)
        names = f" The file has {own}." if own else ""
        raise WeightsError(
            f"{path} does not fit {type(model).__name__}: {first_names(problems)}.{names} It is "
            "the weight file of another model."
        )
    model.load_state_dict(state)


def first_names(names: Iterable[str]) -> str:
    """List the first few of many names, and how many more there are."""
    return first_few(names, N_KEYS_SHOWN, separator="; ")


def _tensors(content: object, keys: Sequence[str], path: Path) -> dict[str, torch.Tensor]:
    if isinstance(content, dict):
        content = next((content[key] for key in keys if key in content), content)
    if not _is_state(content):
        places = f", or under {' or '.join(map(repr, keys))}" if keys else ""
        raise WeightsError(
            f"{path} should hold tensors by name{places}; it has {_described(content)}. It is the "
            "weight file of another model."
        )
    return dict(content)


def _read(path: Path) -> Any:
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # torch raises whatever its parsers do: zipfile, pickle and runtime errors.
        raise WeightsError(
            f"{path} cannot be read as torch weights ({_first_sentence(error)}). Fetch or copy it "
            "again."
        ) from error


def _unpickled(path: Path) -> Any:
    import torch

    warnings.warn(
        f"{path} is read with trusts_pickle: code that it holds is run now.", stacklevel=2
    )
    try:
        return torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:
        raise WeightsError(
            f"{path} cannot be read as a torch checkpoint ({_first_sentence(error)}). Fetch or "
            "copy it again, or install the package whose objects it holds."
        ) from error


def _first_sentence(error: Exception) -> str:
    # The rest of torch's messages advises to switch its safety off.
    first_line = next(iter(str(error).splitlines()), "")
    return first_line.partition(". ")[0].rstrip(".") or type(error).__name__


def _is_state(content: object) -> TypeGuard[dict[str, torch.Tensor]]:
    import torch

    return isinstance(content, dict) and all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in content.items()
    )


def _described(content: object) -> str:
    if isinstance(content, dict):
        keys = [repr(key) for key in content]
        more = ", ..." if len(keys) > N_KEYS_SHOWN else ""
        return f"the keys {', '.join(keys[:N_KEYS_SHOWN])}{more}" if keys else "no keys"
    return f"a {type(content).__name__}"
