"""Which values that a torch module puts out can never be negative, as its operations show."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

# Names of torch's own operations, without overloads; "relu_" is relu in place, and counts as it.
RECTIFYING = frozenset({"relu", "sigmoid", "softplus", "_softmax", "abs", "hardsigmoid"})
# What they put out is not negative where nothing is that they read.
PASSING = frozenset(
    {
        *("max_pool2d", "max_pool2d_with_indices", "avg_pool2d", "adaptive_avg_pool2d"),
        *("_adaptive_avg_pool2d", "mean", "amax", "cat", "clone", "contiguous", "_to_copy"),
        *("view", "_unsafe_view", "reshape", "flatten", "squeeze", "unsqueeze", "detach"),
        *("permute", "transpose", "slice", "select", "dropout"),
    }
)


def is_never_negative(compute: Callable[[], torch.Tensor]) -> bool:
    """Check whether what is computed cannot be negative, whatever the images.

    Parameters
    ----------
    compute : callable
        Computes features of some image, without gradients; which image it is does not matter.

    Returns
    -------
    is_certain : bool
        Whether the operations show it: a rectification comes last, but for such as pool, copy or
        add up what is rectified. False where they do not show it, which proves nothing.

    Notes
    -----
    Each of torch's operations is looked at as it is executed, since neither names of modules nor
    hooks on them tell: a block may use one ReLU twice and add something afterwards, or a ReLU may
    change in place what the convolution before it had put out.
    """
    from torch.utils._python_dispatch import TorchDispatchMode

    rectified = _Rectified()

    class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(
            self, operation: Any, _types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            is_certain = _puts_out_rectified(operation, args, kwargs or {}, rectified)
            result = operation(*args, **(kwargs or {}))
            rectified.note(result, is_certain)
            return result

    with Watch():  # type: ignore[no-untyped-call]
        return compute() in rectified


class _Rectified:
    """The tensors that are known not to be negative."""

    def __init__(self) -> None:
        # Kept, so that no other tensor gets their identity.
        self._known: dict[int, torch.Tensor] = {}

    def __contains__(self, tensor: object) -> bool:
        return id(tensor) in self._known

    def note(self, result: Any, is_certain: bool) -> None:
        for tensor in _tensors(result):
            place = tensor.untyped_storage().data_ptr()
            if is_certain:
                self._known[id(tensor)] = tensor
                continue
            # What was written over in place is no longer what it was, nor are views of it.
            self._known = {
                key: one
                for key, one in self._known.items()
                if one.untyped_storage().data_ptr() != place
            }


def _puts_out_rectified(operation: Any, args: Any, kwargs: Any, rectified: _Rectified) -> bool:
    name = operation.overloadpacket.__name__.removesuffix("_")
    if name in RECTIFYING:
        return True
    if name in ("hardtanh", "clamp"):  # ReLU6 is a hardtanh from 0 to 6
        lowest = args[1] if len(args) > 1 else kwargs.get("min_val", kwargs.get("min", -1))
        return isinstance(lowest, int | float) and lowest >= 0
    if name == "constant_pad_nd":
        filling = args[2] if len(args) > 2 else kwargs.get("value", 0)
        return args[0] in rectified and filling >= 0
    if name == "add":
        return kwargs.get("alpha", 1) >= 0 and all(one in rectified for one in args[:2])
    read = list(_tensors(args))
    return name in PASSING and bool(read) and all(tensor in rectified for tensor in read)


def _tensors(values: Any) -> Iterable[torch.Tensor]:
    import torch

    # Some operations put out, or read, several at once.
    if isinstance(values, torch.Tensor):
        yield values
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _tensors(value)
