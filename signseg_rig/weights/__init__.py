"""Weight files: which there are, where they lie, and whether they are what they should be."""

from signseg_rig.weights.catalogue import CATALOGUE, Download, PackageMember, WeightFile, find_entry
from signseg_rig.weights.files import (
    add_weights,
    fetch_weights,
    find_weights,
    is_intact,
    known_sha256,
    weights_folder,
)
from signseg_rig.weights.hashes import file_sha256
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
    "Download",
    "PackageMember",
    "WeightFile",
    "add_weights",
    "fetch_weights",
    "file_sha256",
    "find_entry",
    "find_weights",
    "forget_trust",
    "is_intact",
    "is_trusted",
    "known_sha256",
    "named_files",
    "require_program",
    "require_trusted",
    "trust_file",
    "trust_list",
    "used_weights",
    "weights_folder",
]
