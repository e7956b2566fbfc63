"""Weight files: what there is, where it lies, and how it is loaded."""

from signseg_rig.weights.catalogue import CATALOGUE, WeightFile
from signseg_rig.weights.files import (
    add_weights,
    fetch_weights,
    file_sha256,
    find_weights,
    weights_folder,
)
from signseg_rig.weights.states import load_strictly, read_state

__all__ = [
    "CATALOGUE",
    "WeightFile",
    "add_weights",
    "fetch_weights",
    "file_sha256",
    "find_weights",
    "load_strictly",
    "read_state",
    "weights_folder",
]
