"""What the torch models among the generators and networks have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, model_validator

from signseg_rig.errors import ConfigError, RigError
from signseg_rig.plugins import Group, load_plugin
from signseg_rig.settings import InputPath, PluginChoice, Settings, plugin_choices, settings_of
from signseg_rig.weights.catalogue import CATALOGUE
from signseg_rig.weights.files import file_sha256, find_weights
from signseg_rig.weights.states import load_state, read_checkpoint

if TYPE_CHECKING:
    import torch

State = dict[str, "torch.Tensor"]
CPU = "cpu"
# Those that are activations, or part of one.
VECTOR_FUNCTIONS = ("tanh", "exp", "sigmoid", "erf", "sqrt")


GPU_BATCH_SIZE = 32


def batch_size_of(values: dict[str, Any]) -> int:
    """Give the batch size that suits the `device` among a model's settings."""
    return 1 if values.get("device", CPU) == CPU else GPU_BATCH_SIZE


class ModelSettings(Settings):
    """Settings of every torch model: its weights, and how it computes.

    `weights_path` is a weight file of one's own. With `random_seed` none is read: the weights are
    drawn as the architecture's authors start training, for controls and to try things out.

    Some files hold more than weights, which they can only give by running code. Set `trusts_pickle`
    for one whose source you would also run programs of; that it was needed is then a warning.

    `batch_size` is how many images are computed at a time. Batches are always full (the last one
    is filled up), for torch chooses its algorithm by the size of a batch: so an image comes out the
    same whatever else is asked for, as long as the batch size stays. By default it is 1 on a CPU,
    where more are no quicker for images of 224 px, and 32 on a graphics card, to keep it busy.
    """

    weights_path: InputPath | None = None
    random_seed: int | None = Field(default=None, ge=0)
    trusts_pickle: bool = False
    device: str = Field(default=CPU, pattern=r"^(cpu|mps|cuda(:\d+)?)$")
    batch_size: int = Field(default_factory=batch_size_of, ge=1, le=1024)

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if self.weights_path is not None and self.random_seed is not None:
            raise ValueError("weights_path and random_seed exclude each other; choose one")
        return self


def load_model(
    group: Group, kind: str, *, weights_path: str | None, device: str, **settings: Any
) -> Any:
    """Make a plugin by name, as `load_generator` and `load_network` do.

    `weights_path` and `device` are passed on where they say something, so that a plugin without
    weights can be loaded as well.

    Raises
    ------
    PluginNotFoundError
        There is no plugin of this name.
    ConfigError
        A setting is unknown or out of bounds.
    """
    plugin = load_plugin(group, kind)
    if weights_path is not None:
        settings["weights_path"] = weights_path
    if device != CPU:
        settings["device"] = device
    chosen = settings_of(plugin.Config, settings, f"{kind!r} ({group})")
    return plugin(chosen)


def model_problems(name: str, settings: ModelSettings) -> list[str]:
    """List what keeps a model from being loaded, for `signseg-rig check`.

    Parameters
    ----------
    name : str
        A name of the catalogue.
    settings : ModelSettings
    """
    problems = []
    if settings.random_seed is None:
        try:
            find_weights(name, settings.weights_path)
        except RigError as error:
            problems.append(str(error))
    # Asking which devices there are imports torch, which takes a second.
    if settings.device != CPU:
        try:
            require_device(settings.device)
        except RigError as error:
            problems.append(str(error))
    return problems


def used_weights(settings: Settings) -> dict[str, str]:
    """Hash the files that the plugins which settings choose will load.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    hashes : dict of str to str
        sha256 by path.

    Raises
    ------
    WeightsMissingError, WeightsError
        A file of the catalogue is not there, or is another.
    """
    paths = {path for _, choice in plugin_choices(settings) for path in _used_files(choice)}
    return {str(path): file_sha256(path) for path in sorted(paths)}


def named_files(settings: Settings) -> dict[str, Path]:
    """Give the files that settings name themselves, such as `weights_path`, by the setting."""
    return {name: value for name, value in settings if isinstance(value, Path) and value.is_file()}


def _used_files(choice: PluginChoice) -> Iterator[Path]:
    files = named_files(choice.settings)
    if getattr(choice.settings, "random_seed", None) is not None:
        yield from (path for name, path in files.items() if name != "weights_path")
        return
    yield from files.values()
    if choice.kind in CATALOGUE and hasattr(choice.settings, "weights_path"):
        yield find_weights(choice.kind, choice.settings.weights_path)


def trained_model(
    name: str,
    settings: ModelSettings,
    build: Callable[[], torch.nn.Module],
    rename: Callable[[State], State] = dict,
    *,
    keys: Sequence[str] = (),
) -> tuple[torch.nn.Module, str]:
    """Build a model and load its weights, or draw them where the settings say so.

    Parameters
    ----------
    name : str
        A name of the catalogue.
    settings : ModelSettings
    build : callable
        ``build()`` gives the model with weights drawn from torch's default generator, which is left
        as it was.
    rename : callable
        ``rename(state)`` gives the file's tensors under the model's own names.
    keys : sequence of str
        Under the first of these that the file has its tensors stand, or else they are all there is.

    Returns
    -------
    model : torch.nn.Module
        In evaluation mode, on the device of the settings.
    weights : str
        sha256 of the file, or ``"random, seed 3"``.

    Raises
    ------
    ConfigError
        This machine has no such device.
    WeightsMissingError
        The weights are not on this machine.
    WeightsError
        The file holds something else.
    """
    device = require_device(settings.device)
    path = None if settings.random_seed is not None else find_weights(name, settings.weights_path)
    # Before the model is built, which takes longer than to find that a file cannot be read.
    state = read_checkpoint(path, keys, trusts_pickle=settings.trusts_pickle) if path else {}
    model = _drawn(build, settings.random_seed or 0)
    if path is not None:
        load_state(model, rename(state), path, state)
    model.requires_grad_(requires_grad=False).to(device).eval()
    return model, file_sha256(path) if path else f"random, seed {settings.random_seed}"


def _drawn(build: Callable[[], torch.nn.Module], seed: int) -> torch.nn.Module:
    import torch

    # Layers draw their weights from the default generator and take no other.
    state = torch.default_generator.get_state()
    try:
        torch.default_generator.manual_seed(seed)
        return build()
    finally:
        torch.default_generator.set_state(state)


def require_device(name: str) -> torch.device:
    """Give a device of this machine.

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
    order at every call.
    """
    import torch

    _settle_vector_functions()
    with torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    ):
        yield


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
