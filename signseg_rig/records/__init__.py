"""The run record: everything that happened in one run, on disk before it is acknowledged."""

from signseg_rig.records.differences import differences
from signseg_rig.records.faults import explained_decoding
from signseg_rig.records.file_images import FileImages
from signseg_rig.records.manifest import build_manifest
from signseg_rig.records.passes import PassRecord
from signseg_rig.records.reader import Note, RunReader
from signseg_rig.records.recount import Psth, RecordedStretch
from signseg_rig.records.writer import RunRecord

__all__ = [
    "FileImages",
    "Note",
    "PassRecord",
    "Psth",
    "RecordedStretch",
    "RunReader",
    "RunRecord",
    "build_manifest",
    "differences",
    "explained_decoding",
]
