"""The figures of a report of several networks' sweeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from signseg_rig.report.drawing import legend_below
from signseg_rig.report.sweep_figures import COLORS, color_of, draw_controls, label_of, panels
from signseg_rig.sweeps import ContrastOverNetworks, TraitCorrelation

MARKERS = "osD^v<>Pph*"


def draw_networks(pooled: Sequence[ContrastOverNetworks]) -> Figure:
    """Draw for each measure the change against strength: of each network, and of all.

    Thick lines are means over networks, with 95 % intervals over networks (Student's) where there
    are enough of them, and markers beside them those of controls.
    """
    pooled = [one for one in pooled if one.contrast.question == "intact"]
    measures = list(dict.fromkeys(one.measure for one in pooled))
    figure, axes = panels(len(measures))
    for axis, measure in zip(axes, measures, strict=False):
        for sign, color in COLORS.items():
            own = [
                one
                for one in pooled
                if (one.measure, *_sign_and_control(one)) == (measure, sign, "")
            ]
            _draw_sign(axis, sorted(own, key=_strength), sign, color)
        bands = [
            (one.contrast.condition, one.pooled.mean, one.pooled.low, one.pooled.high)
            for one in pooled
            if one.measure == measure
        ]
        draw_controls(axis, bands)
        axis.axhline(0, color="#999999", linewidth=0.8)
        axis.set(xlabel="strength", ylabel=_change_label(pooled, measure))
        axis.set_title(measure, fontsize=9)
        axis.spines[["top", "right"]].set_visible(False)
    legend_below(figure, axes[0])
    return figure


def draw_traits(
    pooled: Sequence[ContrastOverNetworks],
    correlations: Sequence[TraitCorrelation],
    traits: Mapping[str, Mapping[str, float]],
) -> Figure:
    """Draw the change that each ablation makes against a trait, a point per network."""
    changes = {
        (one.measure, one.contrast.condition): one.differences
        for one in pooled
        if one.contrast.question == "intact"
    }
    shown = list(dict.fromkeys((one.trait, one.measure) for one in correlations))
    figure, axes = panels(len(shown))
    for axis, (trait, measure) in zip(axes, shown, strict=False):
        own = [
            one
            for one in correlations
            if (one.trait, one.measure) == (trait, measure) and not one.condition.control
        ]
        for one, marker in zip(own, MARKERS * len(own), strict=False):
            values = changes[measure, one.condition]
            names = [name for name, known in traits.items() if trait in known]
            axis.plot(
                [traits[name][trait] for name in names],
                [values[name] for name in names],
                marker,
                color=color_of(one.condition),
                alpha=0.7,
                markersize=4,
                label=f"{label_of(one.condition)}: {one.correlation.coefficient:.2f}, "
                f"q {one.q_value:.2g}",
            )
        axis.set(xlabel=trait, ylabel=_change_label(pooled, measure))
        axis.set_title(measure, fontsize=9)
        axis.legend(frameon=False, fontsize=6)
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def _change_label(pooled: Sequence[ContrastOverNetworks], measure: str) -> str:
    is_share = any(one.unit for one in pooled if one.measure == measure)
    return "change from intact (share)" if is_share else "change from intact"


def _strength(one: ContrastOverNetworks) -> float:
    return one.contrast.condition.strength


def _sign_and_control(one: ContrastOverNetworks) -> tuple[str, str]:
    return one.contrast.condition.sign, one.contrast.condition.control


def _draw_sign(axis: Axes, pooled: Sequence[ContrastOverNetworks], sign: str, color: str) -> None:
    if not pooled:
        return
    strengths = [0.0, *map(_strength, pooled)]
    for name in pooled[0].differences:
        axis.plot(
            strengths, [0.0, *(one.differences[name] for one in pooled)], color=color, linewidth=0.6
        )
    axis.plot(
        strengths,
        [0.0, *(one.pooled.mean for one in pooled)],
        color=color,
        linewidth=2,
        label=f"{sign} removed",
    )
    low = [0.0, *(one.pooled.low for one in pooled)]
    high = [0.0, *(one.pooled.high for one in pooled)]
    axis.fill_between(strengths, low, high, color=color, alpha=0.15, linewidth=0)
