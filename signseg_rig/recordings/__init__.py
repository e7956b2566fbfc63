"""From what a recording system sent to responses: aligned, counted, and told from silence."""

from signseg_rig.recordings.alignment import Aligner, Alignment
from signseg_rig.recordings.answers import Answer, await_answer
from signseg_rig.recordings.buffer import StreamBuffer
from signseg_rig.recordings.measure import Orders, counted_again, measure
from signseg_rig.recordings.quiet import QuietCheck
from signseg_rig.recordings.silence import SilenceCheck
from signseg_rig.recordings.stream import Stream
from signseg_rig.recordings.sync_line import LineEvents

__all__ = [
    "Aligner",
    "Alignment",
    "Answer",
    "LineEvents",
    "Orders",
    "QuietCheck",
    "SilenceCheck",
    "Stream",
    "StreamBuffer",
    "await_answer",
    "counted_again",
    "measure",
]
