"""A simulated animal with a simulated recording system: it sees the screen and answers."""

from __future__ import annotations

from collections import OrderedDict
from typing import Annotated, Any, ClassVar

from pydantic import Field

from signseg_rig.interfaces import Simulator, SimulatorContext, SourceContext
from signseg_rig.seeds import named_rng
from signseg_rig.settings import PluginChoice, PluginGroup, Settings
from signseg_rig.testing.in_process import REST_S, InProcessSource, Reaction
from signseg_rig.values import FloatArray, InvalidReason, PassPlan, Shown
from signseg_simulators.spiking import Firing, SpikingSettings, drift_phases

# When fixation is broken, from the onset on: in the windows of this presentation alone, so that
# what is shown again in other company leaves its neighbours alone.
BREAK_S = (0.01, 0.05)
N_RATES_KEPT = 4096


class SimulatedSourceSettings(Settings):
    """A population of neurons, how they fire, and what goes wrong while they are recorded.

    `invalid_share` of the presentations have broken fixation, `missing_edge_share` of the edges of
    the sync line are lost. The recording's clock starts `clock_offset_s` after the display's and
    runs `clock_drift_ppm` parts per million faster; edges come with a normal jitter.
    """

    population: Annotated[PluginChoice, PluginGroup("simulators")]
    spiking: SpikingSettings = SpikingSettings()
    invalid_share: float = Field(default=0.0, ge=0, le=0.9)
    missing_edge_share: float = Field(default=0.0, ge=0, le=0.9)
    clock_offset_s: float = Field(default=100.0, ge=-1e9, le=1e9)
    clock_drift_ppm: float = Field(default=20.0, ge=-200, le=200)
    edge_jitter_s: float = Field(default=0.0002, ge=0, le=0.002)


class SimulatedSource(InProcessSource):
    """Answers what the display reports as a recording system would, on a clock of its own.

    Whatever is random belongs to a presentation, not to the moment, so that a run which was
    killed and resumed meets the same animal.

    Parameters
    ----------
    settings : SimulatedSourceSettings
    context : SourceContext
    """

    Config: ClassVar[type[Settings]] = SimulatedSourceSettings

    def __init__(self, settings: SimulatedSourceSettings, context: SourceContext) -> None:
        self._settings = settings
        self._population: Simulator = settings.population.load()(
            settings.population.settings, SimulatorContext(seed=context.seed)
        )
        super().__init__(
            context,
            self._population.unit_names,
            clock_offset_s=settings.clock_offset_s,
            clock_drift=settings.clock_drift_ppm * 1e-6,
        )
        self._firing = Firing(settings.spiking, n_units=len(self.unit_names), seed=context.seed)
        # Only what may be shown again soon: this is a run of hours.
        self._rates_hz: OrderedDict[str, FloatArray] = OrderedDict()

    @classmethod
    def foreseen_unit_names(cls, settings: Any) -> tuple[str, ...] | None:
        """Return the names of the population's units; see `ResponseSource.foreseen_unit_names`."""
        population: type[Simulator] = settings.population.load()
        return population.foreseen_unit_names(settings.population.settings)

    def begin(self, plan: PassPlan) -> None:
        """Let the neurons recover; see `ResponseSource.begin`."""
        super().begin(plan)
        self._firing.begin(plan.block)

    def react(self, shown: Shown) -> Reaction:
        """Fire; see `InProcessSource.react`."""
        settings, identity = self._settings, shown.presentation_id
        rates_hz = self._firing.rates_hz(self._expected_hz(shown.pixels_sha256))
        horizon_s = self.context.window_s[1] + REST_S
        spontaneous_s, evoked_s = self._firing.trains_s(identity, rates_hz, horizon_s=horizon_s)
        is_broken = self._draw("fixation", identity) < settings.invalid_share
        return Reaction(
            spontaneous_s,
            evoked_s,
            self._delay_s("edge", "jitter", identity),
            self._delay_s("fall", "fall jitter", identity),
            [(*BREAK_S, InvalidReason.FIXATION_BROKEN)] if is_broken else [],
        )

    def ground_truth(self) -> dict[str, FloatArray]:
        """Return what an analysis of the run would have to find."""
        phases = drift_phases(len(self.unit_names), seed=self.context.seed)
        return {**self._population.ground_truth(), "drift_phase": phases}

    def _expected_hz(self, key: str) -> FloatArray:
        if key not in self._rates_hz:
            self._rates_hz[key] = self._population.rates_hz(self.context.pixels(key)[None])[0]
        self._rates_hz.move_to_end(key)
        while len(self._rates_hz) > N_RATES_KEPT:
            self._rates_hz.popitem(last=False)
        return self._rates_hz[key]

    def _delay_s(self, edge: str, jitter: str, identity: str) -> float | None:
        """Draw by how much an edge is late, on the whole by nothing; None where it is lost."""
        if self._draw(edge, identity) < self._settings.missing_edge_share:
            return None
        rng = named_rng(self.context.seed, jitter, identity)
        return float(self._settings.edge_jitter_s * rng.standard_normal())

    def _draw(self, use: str, identity: str) -> float:
        return float(named_rng(self.context.seed, use, identity).random())
