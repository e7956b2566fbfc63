"""Weight files, where they lie, and the torch models that are made of them."""

from signseg_rig.weights.archives import require_plain_archive
from signseg_rig.weights.array_pickles import read_array_lists
from signseg_rig.weights.catalogue import (
    CATALOGUE,
    Download,
    PackageMember,
    WeightFile,
    find_entry,
)
from signseg_rig.weights.files import (
    add_weights,
    fetch_weights,
    find_weights,
    is_intact,
    known_sha256,
    weights_folder,
)
from signseg_rig.weights.hashes import file_sha256
from signseg_rig.weights.inference import (
    compute_in_batches,
    device_here,
    repeatable_algorithms,
    reproducible_inference,
    require_device,
)
from signseg_rig.weights.models import (
    DeviceSettings,
    ModelSettings,
    load_model,
    model_problems,
    trained_model,
)
from signseg_rig.weights.states import first_names, load_state, read_checkpoint
from signseg_rig.weights.trust import (
    PROGRAM_SUFFIX,
    forget_trust,
    is_trusted,
    require_program,
    require_trusted,
    trust_file,
    trust_list,
)
from signseg_rig.weights.used_files import named_files, used_weights

__all__ = [
    "CATALOGUE",
    "PROGRAM_SUFFIX",
    "DeviceSettings",
    "Download",
    "ModelSettings",
    "PackageMember",
    "WeightFile",
    "add_weights",
    "compute_in_batches",
    "device_here",
    "fetch_weights",
    "file_sha256",
    "find_entry",
    "find_weights",
    "first_names",
    "forget_trust",
    "is_intact",
    "is_trusted",
    "known_sha256",
    "load_model",
    "load_state",
    "model_problems",
    "named_files",
    "read_array_lists",
    "read_checkpoint",
    "repeatable_algorithms",
    "reproducible_inference",
    "require_device",
    "require_plain_archive",
    "require_program",
    "require_trusted",
    "trained_model",
    "trust_file",
    "trust_list",
    "used_weights",
    "weights_folder",
]
