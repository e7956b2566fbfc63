"""Table and figure of how predicted rates change as weights are removed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from signseg_rig.neurons import AblationPoint
from signseg_rig.report.drawing import new_figure
from signseg_rig.report.html import write_figures
from signseg_rig.report.tables import write_table
from signseg_rig.stats import mean_interval

COLORS = {"positive": "#c0392b", "negative": "#2471a3", "both": "#555555"}
STYLES = {"": "-", "number": ":", "magnitude": "--"}
KIND = attrgetter("convention", "sign", "control")
CURVES = {
    "mean_change_hz": "change of the mean rate\n(spikes/s)",
    "preferred_change_hz": "change of the rate to\npreferred images (spikes/s)",
    "r_intact": "correlation with the intact model",
}
KEYS = ("sign", "control", "convention", "strength", "signed_features_anyway")
SUMMARIZED = (
    "n_removed",
    "realized_strength",
    "mean_rate_hz",
    "preferred_rate_hz",
    "mean_change_hz",
    "preferred_change_hz",
    "r_intact",
)


def write_ablation_report(points: Sequence[AblationPoint], folder: Path) -> Path:
    """Write every number as `ablation.csv`, and the curves as a figure.

    Parameters
    ----------
    points : sequence of AblationPoint
    folder : Path
        Made if it is missing.

    Returns
    -------
    figure : Path
    """
    columns = [field.name for field in fields(AblationPoint)]
    write_table(folder / "ablation.csv", columns, [astuple(point) for point in points])
    # The user named it, and may have named a link.
    write_figures({"ablation": draw_ablation(points)}, folder.resolve())
    return folder / "ablation.png"


def summarize(points: Iterable[AblationPoint]) -> list[dict[str, Any]]:
    """Return means over neurons for every sign, control, convention and strength."""
    by_kind = attrgetter(*KEYS)
    rows: list[dict[str, Any]] = []
    for key, group in groupby(sorted(points, key=by_kind), key=by_kind):
        members = list(group)
        row: dict[str, Any] = dict(zip(KEYS, key, strict=True))
        for name in SUMMARIZED:
            values = np.array([getattr(one, name) for one in members], dtype=np.float64)
            known = values[np.isfinite(values)]
            row[name] = float(known.mean()) if known.size else None
        rows.append(row)
    return rows


def draw_ablation(points: Sequence[AblationPoint]) -> Figure:
    """Draw means over neurons against strength, a column for each convention.

    Bands are 95 % intervals over neurons (Student's), of the ablations; dotted and broken lines are
    random weights matched in number and in magnitude, each neuron's the mean of several draws.
    Rates are drawn as changes from the intact model, for neurons differ more in their rates than in
    what an ablation does to them.
    """
    figure = new_figure(9.5, 8.4)
    conventions = ("raw", "centered")
    axes = figure.subplots(len(CURVES), len(conventions), sharex=True, sharey="row")
    for (convention, sign, control), group in groupby(sorted(points, key=KIND), key=KIND):
        members = list(group)
        for axis, measure in zip(axes[:, conventions.index(convention)], CURVES, strict=True):
            _draw_curve(axis, members, measure, sign, control)
    for column, convention in enumerate(conventions):
        axes[0, column].set_title(f"{convention} convention", fontsize=10)
        axes[-1, column].set_xlabel("strength")
    for axis, label in zip(axes[:, 0], CURVES.values(), strict=True):
        axis.set_ylabel(label)
    axes[-1, 0].legend(frameon=False, fontsize=7)
    return figure


def _draw_curve(
    axis: Axes, points: Sequence[AblationPoint], measure: str, sign: str, control: str
) -> None:
    by_strength = attrgetter("strength")
    strengths, values = [], []
    for strength, group in groupby(sorted(points, key=by_strength), key=by_strength):
        known = np.array([getattr(one, measure) for one in group])
        known = known[np.isfinite(known)]
        if known.size:
            strengths.append(strength)
            values.append(known)
    label = f"{sign} removed" if not control else f"random, {control} of {sign}"
    means = [known.mean() for known in values]
    axis.plot(strengths, means, STYLES[control], color=COLORS[sign], label=label)
    axis.spines[["top", "right"]].set_visible(False)
    if values and not control:
        bands = np.array([mean_interval(known) for known in values])
        axis.fill_between(strengths, *bands.T, color=COLORS[sign], alpha=0.15, linewidth=0)
