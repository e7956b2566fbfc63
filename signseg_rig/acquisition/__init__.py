"""From what a recording system sends to the rates that a presentation evoked."""

from signseg_rig.acquisition.alignment import Aligner, Alignment
from signseg_rig.acquisition.measure import Orders, measure
from signseg_rig.acquisition.quiet import QuietCheck
from signseg_rig.acquisition.silence import SilenceCheck

__all__ = ["Aligner", "Alignment", "Orders", "QuietCheck", "SilenceCheck", "measure"]
