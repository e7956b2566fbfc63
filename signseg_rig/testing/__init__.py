"""Parts without hardware, and kits that check a plugin against its interface.

A plugin's test is one call of the kit of its group, such as `check_generator`.
"""

from signseg_rig.testing.animal import GENERATOR, UNIT_NAMES, Animal, hill_climber, toy_context
from signseg_rig.testing.displays import check_display
from signseg_rig.testing.generators import check_generator
from signseg_rig.testing.in_process import InProcessSource, Reaction
from signseg_rig.testing.metrics import check_metric
from signseg_rig.testing.networks import check_network
from signseg_rig.testing.optimizers import check_optimizer
from signseg_rig.testing.protocols import check_protocol
from signseg_rig.testing.recording_worlds import Packet, RecordingWorld, check_recording_world
from signseg_rig.testing.response_sources import (
    check_response_source,
    synthetic_images,
    synthetic_plan,
    synthetic_shown,
)
from signseg_rig.testing.simulators import check_simulator
from signseg_rig.testing.synthetic import LinearGenerator, PixelPopulation, PixelSource

__all__ = [
    "GENERATOR",
    "UNIT_NAMES",
    "Animal",
    "InProcessSource",
    "LinearGenerator",
    "Packet",
    "PixelPopulation",
    "PixelSource",
    "Reaction",
    "RecordingWorld",
    "check_display",
    "check_generator",
    "check_metric",
    "check_network",
    "check_optimizer",
    "check_protocol",
    "check_recording_world",
    "check_response_source",
    "check_simulator",
    "hill_climber",
    "synthetic_images",
    "synthetic_plan",
    "synthetic_shown",
    "toy_context",
]
