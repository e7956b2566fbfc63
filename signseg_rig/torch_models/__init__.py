"""Torch models that are made of weight files, and how they compute."""

from signseg_rig.torch_models.archives import require_plain_archive
from signseg_rig.torch_models.array_pickles import read_array_lists
from signseg_rig.torch_models.inference import (
    compute_in_batches,
    device_here,
    repeatable_algorithms,
    reproducible_inference,
    require_device,
)
from signseg_rig.torch_models.models import (
    DeviceSettings,
    ModelSettings,
    load_model,
    model_problems,
    trained_model,
)
from signseg_rig.torch_models.states import first_names, load_state, read_checkpoint

__all__ = [
    "DeviceSettings",
    "ModelSettings",
    "compute_in_batches",
    "device_here",
    "first_names",
    "load_model",
    "load_state",
    "model_problems",
    "read_array_lists",
    "read_checkpoint",
    "repeatable_algorithms",
    "reproducible_inference",
    "require_device",
    "require_plain_archive",
    "trained_model",
]
