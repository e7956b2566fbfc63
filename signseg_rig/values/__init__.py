"""Frozen values that travel between the layers."""

from signseg_rig.values.arrays import BoolArray, FloatArray, ImageArray, IntArray
from signseg_rig.values.hashes import array_sha256
from signseg_rig.values.presentations import PassPlan, PlannedStimulus, Presentation, Shown
from signseg_rig.values.recordings import ClockOffset, Recording
from signseg_rig.values.responses import InvalidReason, ResponseBatch
from signseg_rig.values.results import ProtocolResult
from signseg_rig.values.status import RunEnd, RunState, RunStatus
from signseg_rig.values.stimuli import Origin, Stimulus, StimulusBatch, Told

__all__ = [
    "BoolArray",
    "ClockOffset",
    "FloatArray",
    "ImageArray",
    "IntArray",
    "InvalidReason",
    "Origin",
    "PassPlan",
    "PlannedStimulus",
    "Presentation",
    "ProtocolResult",
    "Recording",
    "ResponseBatch",
    "RunEnd",
    "RunState",
    "RunStatus",
    "Shown",
    "Stimulus",
    "StimulusBatch",
    "Told",
    "array_sha256",
]
