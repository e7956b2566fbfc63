"""The figures of a sweep's report: image panels, and curves over strength."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from signseg_rig.report.drawing import new_figure
from signseg_rig.visualization import Comparison, Condition, Result, SweepImages, conditions

COLORS = {"positive": "#c0392b", "negative": "#2471a3"}
MARKERS = {"number": "x", "magnitude": "+"}
N_COLUMNS = 3
MAX_UNITS = 16


def label_of(condition: Condition) -> str:
    """Name a condition as people do."""
    if condition == Condition():
        return "intact"
    if condition.control:
        return f"random, {condition.control} of {condition.sign} {condition.strength:g}"
    return f"{condition.sign} {condition.strength:g} removed"


def draw_images(images: SweepImages) -> Figure:
    """Draw the best image of each unit (a row) under each condition (a column).

    Of several repeats that which the unit, as it was ablated, preferred most.
    """
    shown = images.settings.units[:MAX_UNITS]
    columns = list(conditions(images.settings))
    figure = new_figure(1.15 * len(columns) + 1.1, 1.12 * len(shown) + 0.6)
    axes = figure.subplots(len(shown), len(columns), squeeze=False)
    for row, unit in zip(axes, shown, strict=True):
        for axis, condition in zip(row, columns, strict=True):
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            best = _best(images.results[unit, condition])
            if best is not None:
                axis.imshow(best.best_image)
        row[0].set_ylabel(unit, rotation=0, ha="right", va="center", fontsize=8)
    for axis, condition in zip(axes[0], columns, strict=True):
        words = label_of(condition).replace(" ", "\n", 1).replace(" of ", " of\n")
        axis.set_title(words, fontsize=7)
    return figure


def draw_changes(comparisons: Sequence[Comparison]) -> Figure:
    """Draw for each measure the mean change from the intact units against strength.

    Bands are 95 % bootstrap intervals over units and repeats; crosses are random weights. A filled
    point differs from intact at a q-value below 0.05.
    """
    measures = list(dict.fromkeys(one.measure for one in comparisons))
    figure, axes = panels(len(measures))
    for axis, measure in zip(axes, measures, strict=False):
        own = [one for one in comparisons if one.measure == measure]
        for sign in COLORS:
            _draw_sign(axis, [one for one in own if one.condition.sign == sign], sign)
        axis.axhline(0, color="#999999", linewidth=0.8)
        axis.set(title=measure, xlabel="strength", ylabel="change from intact")
        axis.title.set_fontsize(9)
        axis.spines[["top", "right"]].set_visible(False)
    if measures:
        axes[0].legend(frameon=False, fontsize=7)
    return figure


def panels(n: int) -> tuple[Figure, list[Axes]]:
    """Make a figure of n panels in rows; the places that are left over stay empty."""
    n_rows = max(1, -(-n // N_COLUMNS))
    figure = new_figure(3.4 * N_COLUMNS, 2.7 * n_rows)
    axes: list[Axes] = list(figure.subplots(n_rows, N_COLUMNS, squeeze=False).flat)
    for axis in axes[n:]:
        axis.set_axis_off()
    return figure, axes


def _draw_sign(axis: Axes, comparisons: Sequence[Comparison], sign: str) -> None:
    color = COLORS[sign]
    removed = sorted(
        (one for one in comparisons if not one.condition.control),
        key=lambda one: one.condition.strength,
    )
    strengths = [0.0, *(one.condition.strength for one in removed)]
    axis.plot(
        strengths, [0.0, *(one.change for one in removed)], color=color, label=f"{sign} removed"
    )
    low, high = ([0.0, *values] for values in _bounds(removed))
    axis.fill_between(strengths, low, high, color=color, alpha=0.15, linewidth=0)
    for one in removed:
        face = color if one.q_value < 0.05 else "white"
        axis.plot(one.condition.strength, one.change, "o", color=color, mfc=face, markersize=5)
    for match, marker in MARKERS.items():
        controls = [one for one in comparisons if one.condition.control == match]
        if controls:
            axis.plot(
                [one.condition.strength for one in controls],
                [one.change for one in controls],
                marker,
                color=color,
                label=f"random, {match} of {sign}",
            )


def _bounds(comparisons: Sequence[Comparison]) -> tuple[list[float], list[float]]:
    return [one.low for one in comparisons], [one.high for one in comparisons]


def _best(results: Sequence[Result | None]) -> Result | None:
    found = [result for result in results if result is not None]
    return max(found, key=lambda result: float(result.scores.max()), default=None)
