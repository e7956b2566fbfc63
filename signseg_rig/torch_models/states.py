"""Read weight files without running anything in them, and load them strictly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self, TypeGuard

from signseg_rig.errors import WeightsError
from signseg_rig.torch_models.archives import require_plain_archive
from signseg_rig.torch_models.pickle_bounds import require_bounded_pickle
from signseg_rig.wording import first_few

if TYPE_CHECKING:
    import torch

N_KEYS_SHOWN = 3
# Under these names training scripts put a network's tensors beside their optimizer's.
STATE_KEYS = ("state_dict", "model", "model_state_dict")
# What training on several cards, averaging, compiling and Lightning put before each name.
WRAPPERS = ("module.", "_orig_mod.", "model.")
# How many sets of weights an average is of: no tensor of the network.
AVERAGED = "n_averaged"
# What torch is told to allow holds for the whole process.
_ALLOWING = Lock()


def read_checkpoint(path: Path, keys: Sequence[str] = ()) -> dict[str, torch.Tensor]:
    """Return the named tensors of a torch file, as a training script saves them or bare.

    Parameters
    ----------
    path : Path
    keys : sequence of str
        Names under which the tensors may stand, before those that are usual (`STATE_KEYS`).

    Returns
    -------
    state : dict of str to tensor, on the CPU
        Without what wraps their names (`WRAPPERS`), where that is the same for all.

    Raises
    ------
    WeightsError
        The file is damaged or none of torch's, unpacks to more than it is, or holds no tensors by
        name.

    Notes
    -----
    Objects that stand beside the tensors, such as the arguments of a training script, are not made:
    whatever a file names beyond tensors and plain values is an `_Unread` here, which keeps nothing
    and runs nothing.
    """
    return _unwrapped(_tensors(_read(path), (*keys, *STATE_KEYS), path))


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
        The message shows the first names that do not fit, and the first that the file has; or the
        first whose values are not finite.
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
    if broken := [key for key, value in state.items() if not value.isfinite().all()]:
        raise WeightsError(
            f"{path} holds values that are not finite, in {first_names(broken)}: its training "
            "diverged, or it is damaged. Every number computed with it would be one as well."
        )
    model.load_state_dict(state)


def first_names(names: Iterable[str]) -> str:
    """List the first few of many names, and how many more there are."""
    return first_few(names, N_KEYS_SHOWN, separator="; ")


class _Unread:
    """Stands for an object that a file holds beside tensors: takes everything, keeps nothing."""

    def __new__(cls, *_: object, **__: object) -> Self:
        return super().__new__(cls)

    def __init__(self, *_: object, **__: object) -> None: ...

    def __setstate__(self, _: object) -> None: ...


def _unwrapped(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Take off what stands before all names alike."""
    kept = {key: value for key, value in state.items() if key != AVERAGED}
    for prefix in WRAPPERS:
        if kept and all(key.startswith(prefix) for key in kept):
            return _unwrapped({key.removeprefix(prefix): value for key, value in kept.items()})
    return kept


def _tensors(content: object, keys: Sequence[str], path: Path) -> dict[str, torch.Tensor]:
    found = content
    if isinstance(content, dict) and not _is_state(content):
        found = next((content[key] for key in keys if key in content), content)
    if not _is_state(found) or not found:
        raise WeightsError(
            f"{path} should hold tensors by name, or under {' or '.join(map(repr, keys))}; it has "
            f"{_described(found)}. {_remedy(found)}"
        )
    return dict(found)


def _read(path: Path) -> Any:
    import torch

    require_plain_archive(path)
    require_bounded_pickle(path)
    try:
        with _unread(path):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # torch raises whatever its parsers do: zipfile, pickle and runtime errors.
        raise WeightsError(
            f"{path} cannot be read as torch weights ({_first_sentence(error)}). It is damaged, or "
            "another kind of file. Fetch or copy it again."
        ) from error


@contextmanager
def _unread(path: Path) -> Iterator[None]:
    """Let torch pass over the objects that a file names, in whose place nothing is made."""
    from torch import serialization

    with _ALLOWING:
        # Other libraries let torch make objects of theirs; here it makes none whoever is imported.
        allowed = serialization.get_safe_globals()
        serialization.clear_safe_globals()
        try:
            names = serialization.get_unsafe_globals_in_checkpoint(path)
        except ValueError:  # written by a torch before 1.6, of which it cannot tell
            names = []
        try:
            with serialization.safe_globals([(_Unread, name) for name in names]):
                yield
        finally:
            serialization.add_safe_globals(allowed)


def _first_sentence(error: Exception) -> str:
    # The rest of torch's messages advises to switch its safety off.
    first_line = next(iter(str(error).splitlines()), "")
    return first_line.partition(". ")[0].rstrip(".") or type(error).__name__


def _is_state(content: object) -> TypeGuard[dict[str, torch.Tensor]]:
    return isinstance(content, dict) and all(
        isinstance(key, str) and _is_plain(value) for key, value in content.items()
    )


def _is_plain(value: object) -> bool:
    """Check that it is a tensor whose values are all there: not sparse, nor one value for many."""
    import torch

    return (
        isinstance(value, torch.Tensor)
        and value.layout is torch.strided
        and value.device.type == "cpu"
        and not value.is_quantized
        and value.numel() * value.element_size() <= value.untyped_storage().nbytes()
    )


def _remedy(content: object) -> str:
    if isinstance(content, _Unread):
        return "Where you trust its source load it there, and save its state_dict() alone."
    return "It is the weight file of another model."


def _described(content: object) -> str:
    if isinstance(content, dict):
        keys = [repr(key) for key in content]
        more = ", ..." if len(keys) > N_KEYS_SHOWN else ""
        return f"the keys {', '.join(keys[:N_KEYS_SHOWN])}{more}" if keys else "no keys"
    if isinstance(content, _Unread):
        return "an object of another program"
    return f"a {type(content).__name__}"
