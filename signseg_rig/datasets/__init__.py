"""Recorded data sets: what neurons answered to which images, from whatever file it is in."""

from signseg_rig.datasets.arrays import from_arrays, read_array_file, read_rate_csv
from signseg_rig.datasets.checks import check_recorded, prepare_for_fit
from signseg_rig.datasets.completeness import drop_incomplete
from signseg_rig.datasets.dataset import RecordedData
from signseg_rig.datasets.image_files import open_images
from signseg_rig.datasets.image_sets import ImageSet
from signseg_rig.datasets.neo_files import read_neo
from signseg_rig.datasets.nwb import read_nwb
from signseg_rig.datasets.problems import DataProblem
from signseg_rig.datasets.read import read_recorded
from signseg_rig.datasets.xdream import read_xdream

__all__ = [
    "DataProblem",
    "ImageSet",
    "RecordedData",
    "check_recorded",
    "drop_incomplete",
    "from_arrays",
    "open_images",
    "prepare_for_fit",
    "read_array_file",
    "read_neo",
    "read_nwb",
    "read_rate_csv",
    "read_recorded",
    "read_xdream",
]
