"""What a sweep evolves: units, ablations, repeats, and with what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import tomli_w
from pydantic import Field

from signseg_rig.experiment import Name
from signseg_rig.neurons import Convention
from signseg_rig.settings import (
    Conflict,
    InputPath,
    OutDir,
    PluginChoice,
    PluginGroup,
    Settings,
    named_again,
    read_settings,
)
from signseg_rig.signs import STRENGTHS, Control, Scope, Sign

Strength = Annotated[float, Field(gt=0, le=1)]


class HiddenSettings(Settings):
    """A hidden layer to be ablated in place of the readout.

    Its connections are judged by what they contribute to a unit, on average over `images` (a folder
    or a zip archive): gradient times activation, not the weight. Random controls are drawn among
    those that contribute anything, and matched in the magnitude of contributions.
    """

    layer: str
    images: InputPath
    scope: Scope = "unit"


class SweepSettings(Settings):
    """A sweep: every unit, under every ablation, so many times.

    The units are those of the network's readout, or with `neurons` those of a neuron-model file
    that was fitted on it, whose intercepts an ablation keeps; models of features that take both
    signs are refused, unless `signed_features_anyway`. The intact units are always evolved
    too. At `control_strengths` there are `controls` as well: random weights, matched to each
    ablation in ``"number"`` or in ``"magnitude"``, and ``"both_signs"``, each ablated by the same
    strength. Random weights are drawn `n_control_draws` times, each draw evolved once: one draw
    says little of what random weights do.

    `traits` are numbers that are known of the network, such as its robust accuracy: the report of
    several sweeps correlates them with what the ablations did.
    """

    name: Name
    seed: int = Field(default=0, ge=0)
    out_dir: OutDir = Path("sweeps")
    units: tuple[str, ...] = Field(min_length=1)
    signs: tuple[Sign, ...] = ("positive", "negative")
    strengths: tuple[Strength, ...] = STRENGTHS
    control_strengths: tuple[Strength, ...] = (0.7,)
    controls: tuple[Control, ...] = ("number",)
    n_repeats: int = Field(default=2, ge=1, le=1000)
    n_control_draws: int = Field(default=3, ge=1, le=1000)
    n_generations: int = Field(default=40, ge=1, le=100_000)
    n_together: int = Field(default=4, ge=1, le=1000)
    network: Annotated[PluginChoice, PluginGroup("networks")]
    neurons: InputPath | None = None
    signed_features_anyway: bool = False
    hidden: HiddenSettings | None = None
    traits: dict[str, Annotated[float, Field(allow_inf_nan=False)]] = Field(default_factory=dict)
    generator: Annotated[PluginChoice, PluginGroup("generators")]
    optimizer: Annotated[PluginChoice, PluginGroup("optimizers")]
    metrics: dict[str, Annotated[PluginChoice, PluginGroup("metrics")]] = Field(
        default_factory=dict
    )

    def conflicts(self) -> Iterator[Conflict]:
        """Yield what is named again, and ways of ablating that exclude each other."""
        for name in ("units", "signs", "strengths", "control_strengths", "controls"):
            yield from named_again(name, getattr(self, name))
        if self.hidden is None:
            return
        if self.neurons is not None:
            yield Conflict(
                "hidden ablates layers for classes of the network's readout, and neurons asks for "
                "neuron models in their place; leave one of them out",
                (("hidden",), ("neurons",)),
            )
        if self.hidden.layer == self.network.load().head_name:
            yield Conflict(
                f"hidden.layer {self.hidden.layer!r} is the readout of {self.network.kind}, which "
                "is ablated without hidden, by the signs of its own weights; leave hidden out, or "
                "name a layer before the readout ('signseg-rig dale' writes their names)",
                (("hidden", "layer"), ("network", "kind")),
            )

    @property
    def convention(self) -> Convention | None:
        """What an ablation of neuron models keeps, see `NeuronModels.ablate`; None for classes.

        There is no setting for it: the other convention adds one number to all scores of a unit
        under a condition, so that a search finds the same images.
        """
        return None if self.neurons is None else "raw"

    @property
    def folder(self) -> Path:
        """Where its results are."""
        return self.out_dir / self.name


def read_sweep(path: Path) -> SweepSettings:
    """Read a sweep from a TOML file.

    Raises
    ------
    ConfigError
        It cannot be used; the message lists every problem with its line.
    """
    return read_settings(path, SweepSettings)


def write_sweep(settings: SweepSettings) -> str:
    """Return the TOML text of a sweep with every default spelled out."""
    return tomli_w.dumps(settings.model_dump(mode="json", exclude_none=True))
