"""How torch computes here: on which device, in full batches, and the same at every call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from signseg_rig.errors import ConfigError

if TYPE_CHECKING:
    import torch

CPU = "cpu"
GRAPHICS = ("cuda", "mps")
# Those that are activations, or part of one.
VECTOR_FUNCTIONS = ("tanh", "exp", "sigmoid", "erf", "sqrt")


def require_device(name: str) -> torch.device:
    """Return a device of this machine.

    Raises
    ------
    ConfigError
        This machine, or the torch that is installed, does not have it.
    """
    import torch

    n_cuda = torch.cuda.device_count()
    available = [CPU, *(f"cuda:{index}" for index in range(n_cuda))]
    if torch.backends.mps.is_available():
        available.append("mps")
    if name in available or (name == "cuda" and n_cuda):
        return torch.device(name)
    raise ConfigError(
        f"There is no device {name!r} here; torch {torch.__version__} finds "
        f"{', '.join(available)}. Set 'device' to one of these, or install a torch for your "
        "graphics card."
    )


def device_here(name: str) -> str:
    """Name a device of this machine, where need be in the place of one that it lacks.

    Parameters
    ----------
    name : str
        What is no device of torch is given back as it is.

    Returns
    -------
    device : str
        Another graphics card in the place of one, or else the CPU.
    """
    kind, _, _ = name.partition(":")
    if kind not in GRAPHICS:
        return name
    for device in (name, kind):
        try:
            require_device(device)
        except ConfigError:
            continue
        return device
    return CPU


def compute_in_batches(
    compute: Callable[[torch.Tensor], torch.Tensor], inputs: torch.Tensor, batch_size: int
) -> torch.Tensor:
    """Apply a function of batches to inputs, in batches that are all of one size.

    Parameters
    ----------
    compute : callable
        ``compute(batch)`` gives a tensor with a row for each of the batch.
    inputs : (n, ...) tensor
    batch_size : int

    Returns
    -------
    outputs : (n, ...) tensor, on the CPU
    """
    import torch

    n_inputs = len(inputs)
    n_missing = -n_inputs % batch_size if n_inputs else batch_size
    filled = torch.cat([inputs, inputs.new_zeros(n_missing, *inputs.shape[1:])])
    with reproducible_inference():
        outputs = [
            compute(filled[first : first + batch_size]).cpu()
            for first in range(0, len(filled), batch_size)
        ]
    return torch.cat(outputs)[:n_inputs]


@contextmanager
def reproducible_inference() -> Iterator[None]:
    """Compute without gradients, by algorithms that repeat."""
    import torch

    with torch.inference_mode(), repeatable_algorithms():
        yield


@contextmanager
def repeatable_algorithms() -> Iterator[None]:
    """Compute in full single precision and by algorithms that repeat.

    On CUDA, convolutions else round their inputs to 10 bits (TF32), and may add up in another
    order at every call. What torch is told of this holds for all threads of the process: the first
    that comes changes it, and the last that leaves puts it back.
    """
    _REPEATABLE.enter()
    try:
        yield
    finally:
        _REPEATABLE.leave()


class _Repeatable:
    """The algorithms of this process, as long as some thread needs them to repeat."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._n_inside = 0
        self._changed = ExitStack()

    def enter(self) -> None:
        import torch

        with self._lock:
            _settle_vector_functions()
            if not self._n_inside:
                flags = torch.backends.cudnn.flags(
                    enabled=True, benchmark=False, deterministic=True, allow_tf32=False
                )
                self._changed.enter_context(flags)
            self._n_inside += 1

    def leave(self) -> None:
        with self._lock:
            self._n_inside -= 1
            if not self._n_inside:
                self._changed.close()


_REPEATABLE = _Repeatable()


@cache
def _settle_vector_functions() -> None:
    """Call MKL's vector functions once, in one thread.

    Each picks its code at the first call, and where several threads make that call together one of
    them may get code of lower accuracy (https://github.com/pytorch/pytorch/issues/188792): the
    first image of a process would differ from the same image rendered later.
    """
    import torch

    few = torch.ones(8)  # too few to be shared among threads
    for name in VECTOR_FUNCTIONS:
        getattr(torch, name)(few)
