"""Frozen values that travel between the layers."""

from signseg_rig.values.arrays import BoolArray, FloatArray, ImageArray, IntArray
from signseg_rig.values.hashes import array_sha256
from signseg_rig.values.presentations import (
    BrokenOff,
    Order,
    PassPlan,
    PlannedStimulus,
    Presentation,
    Shown,
    View,
)
from signseg_rig.values.recordings import (
    NO_CODE,
    Chunk,
    ClockLine,
    Epoch,
    Recording,
    SourceInfo,
    Stretch,
    SyncEvents,
)
from signseg_rig.values.responses import InvalidReason, ResponseBatch
from signseg_rig.values.results import ProtocolResult
from signseg_rig.values.status import RunEnd, RunState, RunStatus
from signseg_rig.values.stimuli import (
    EVOLVED,
    REFERENCE,
    Durations,
    Placement,
    Provenance,
    Stimulus,
    StimulusBatch,
    Told,
)

__all__ = [
    "EVOLVED",
    "NO_CODE",
    "REFERENCE",
    "BoolArray",
    "BrokenOff",
    "Chunk",
    "ClockLine",
    "Durations",
    "Epoch",
    "FloatArray",
    "ImageArray",
    "IntArray",
    "InvalidReason",
    "Order",
    "PassPlan",
    "Placement",
    "PlannedStimulus",
    "Presentation",
    "ProtocolResult",
    "Provenance",
    "Recording",
    "ResponseBatch",
    "RunEnd",
    "RunState",
    "RunStatus",
    "Shown",
    "SourceInfo",
    "Stimulus",
    "StimulusBatch",
    "Stretch",
    "SyncEvents",
    "Told",
    "View",
    "array_sha256",
]
