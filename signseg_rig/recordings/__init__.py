"""From what a recording system sends to the rates that a presentation evoked."""

from signseg_rig.recordings.alignment import Aligner, Alignment
from signseg_rig.recordings.measure import Orders, measure
from signseg_rig.recordings.quiet import QuietCheck
from signseg_rig.recordings.silence import SilenceCheck

__all__ = ["Aligner", "Alignment", "Orders", "QuietCheck", "SilenceCheck", "measure"]
