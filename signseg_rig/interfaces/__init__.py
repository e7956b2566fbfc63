"""What a plugin must offer; `signseg_rig.testing` checks that it does."""

from signseg_rig.interfaces.metrics import Metric, MetricContext
from signseg_rig.interfaces.models import (
    Generator,
    Network,
    Optimizer,
    Readout,
    Simulator,
    SimulatorContext,
    WeightLayer,
    no_readout,
)
from signseg_rig.interfaces.plugin import Plugin, PluginWithUnits
from signseg_rig.interfaces.protocol import (
    Protocol,
    ProtocolContext,
    ProtocolSteps,
    Surroundings,
    Turn,
)
from signseg_rig.interfaces.rig import Display, ResponseSource, SourceContext

__all__ = [
    "Display",
    "Generator",
    "Metric",
    "MetricContext",
    "Network",
    "Optimizer",
    "Plugin",
    "PluginWithUnits",
    "Protocol",
    "ProtocolContext",
    "ProtocolSteps",
    "Readout",
    "ResponseSource",
    "Simulator",
    "SimulatorContext",
    "SourceContext",
    "Surroundings",
    "Turn",
    "WeightLayer",
    "no_readout",
]
