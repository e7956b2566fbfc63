"""Torch models of weight files: their settings, and how they are built and loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from signseg_rig.errors import RigError, WeightsError
from signseg_rig.plugins import Group, load_plugin
from signseg_rig.settings import Conflict, InputPath, Settings, settings_of, without_setting
from signseg_rig.torch_models.inference import CPU, require_device
from signseg_rig.torch_models.states import load_state, read_checkpoint
from signseg_rig.weights.files import find_weights
from signseg_rig.weights.hashes import file_sha256

if TYPE_CHECKING:
    import torch

State = dict[str, "torch.Tensor"]
GPU_BATCH_SIZE = 32
# Torch's default generator is one for all threads.
_DRAWING = RLock()


def _batch_size_of(values: dict[str, Any]) -> int:
    """Return the batch size that suits the `device` among a model's settings."""
    return 1 if values.get("device", CPU) == CPU else GPU_BATCH_SIZE


class DeviceSettings(Settings):
    """Settings of everything that computes with torch: where, and how many images at a time.

    Batches are always full (the last one is filled up), for torch chooses its algorithm by the size
    of a batch: so an image comes out the same whatever else is asked for, as long as `batch_size`
    stays. By default it is 1 on a CPU, where more are no quicker for images of 224 px, and 32 on a
    graphics card, to keep it busy.
    """

    device: str = Field(default=CPU, pattern=r"^(cpu|mps|cuda(:\d+)?)$")
    batch_size: int = Field(default_factory=_batch_size_of, ge=1, le=1024)


class ModelSettings(DeviceSettings):
    """Settings of every torch model: its weights, and how it computes.

    `weights_path` is a weight file of one's own. With `random_seed` none is read: the weights are
    drawn as the architecture's authors start training, or so that images or features have any
    contrast: to try things out, and as a control where a generator says that its images have the
    statistics of the trained ones.
    """

    weights_path: InputPath | None = None
    random_seed: int | None = Field(default=None, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _trusts_no_file(cls, table: object) -> object:
        why = (
            ": what a weight file holds beside its tensors is passed over, and nothing in it is "
            "run; take the line out"
        )
        return without_setting(table, "trusts_pickle", default=False, why=why)

    def conflicts(self) -> Iterator[Conflict]:
        """Yield weights that are read and drawn."""
        if self.weights_path is not None and self.random_seed is not None:
            yield Conflict(
                "weights_path and random_seed exclude each other; choose one",
                (("random_seed",), ("weights_path",)),
            )


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


def trained_model(
    name: str,
    settings: ModelSettings,
    build: Callable[[], torch.nn.Module],
    rename: Callable[[State], State] = dict,
    *,
    read: Callable[[Path], State] = read_checkpoint,
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
    read : callable
        ``read(path)`` gives the file's tensors.

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
    state = read(path) if path is not None else {}
    model = _drawn(build, settings.random_seed or 0)
    if path is not None:
        load_state(model, _renamed(rename, state, path), path, state)
    model.requires_grad_(requires_grad=False).to(device).eval()
    return model, file_sha256(path) if path else f"random, seed {settings.random_seed}"


def _renamed(rename: Callable[[State], State], state: State, path: Path) -> State:
    try:
        return rename(state)
    # What some names stand for is computed with, which takes tensors of the shapes that are meant.
    except (RuntimeError, ValueError, LookupError, TypeError) as error:
        if isinstance(error, RigError):
            raise
        raise WeightsError(
            f"{path} holds tensors of other shapes than its names promise ({error}). It is the "
            "weight file of another model."
        ) from error


def _drawn(build: Callable[[], torch.nn.Module], seed: int) -> torch.nn.Module:
    import torch

    # Layers draw their weights from the default generator and take no other.
    with _DRAWING:
        state = torch.default_generator.get_state()
        try:
            torch.default_generator.manual_seed(seed)
            return build()
        finally:
            torch.default_generator.set_state(state)
