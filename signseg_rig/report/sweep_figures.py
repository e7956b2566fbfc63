"""The figures of a sweep's report: image panels, and curves over strength."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from signseg_rig.report.drawing import legend_below, new_figure
from signseg_rig.stats import ALPHA
from signseg_rig.sweeps import Comparison, Condition, Result, SweepImages, Table, conditions

COLORS = {"positive": "#c0392b", "negative": "#2471a3"}
OTHER_COLOR = "#7d3c98"
MARKERS = {"number": "x", "magnitude": "+"}
OTHER_MARKER = "s"
# Controls of one strength lie side by side.
CONTROL_SHIFT = 0.015
# What a measure amounts to by chance: the floor of a similarity, the score of noise.
CHANCE = {
    "across": ("random",),
    "score": ("score.white_noise", "score.phase_scrambled", "score.block_scrambled"),
    "detection_rate": (
        "detection_rate.white_noise",
        "detection_rate.phase_scrambled",
        "detection_rate.block_scrambled",
    ),
}
N_COLUMNS = 3
MIN_COLUMNS = 2  # room for the legend below
MAX_UNITS = 16


def label_of(condition: Condition) -> str:
    """Name a condition as people do."""
    if condition == Condition():
        return "intact"
    if condition.control in MARKERS:
        return f"random, {condition.control} of {condition.sign} {condition.strength:g}"
    what = (condition.control or condition.sign).replace("_", " ")
    return f"{what} {condition.strength:g} removed"


def color_of(condition: Condition) -> str:
    """Return the colour of the sign that a condition removes, or that its control is matched to."""
    return COLORS.get(condition.sign, OTHER_COLOR)


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
        words = label_of(condition).replace(" removed", "\nremoved").replace(", ", ",\n")
        words = words.replace(" of ", " of\n")
        axis.set_title(words, fontsize=7)
    return figure


def draw_changes(comparisons: Sequence[Comparison], table: Table) -> Figure:
    """Draw for each measure the mean change from the intact units against strength.

    Bands and bars are 95 % intervals over units (Student's); points without a line are controls. A
    filled point differs from the random weights matched to it in magnitude at a q-value below 0.05,
    or from those matched in number where there are no others. Dotted lines are what chance amounts
    to.
    """
    differs = _differs_from_control(comparisons)
    comparisons = [one for one in comparisons if one.contrast.question == "intact"]
    measures = list(dict.fromkeys(one.measure for one in comparisons))
    figure, axes = panels(len(measures))
    for axis, measure in zip(axes, measures, strict=False):
        own = [one for one in comparisons if one.measure == measure]
        for sign in COLORS:
            removed = [
                one for one in own if (one.condition.sign, one.condition.control) == (sign, "")
            ]
            _draw_curve(axis, removed, sign, differs)
        draw_controls(axis, [_with_interval(one) for one in own])
        _draw_chance(axis, measure, table)
        axis.axhline(0, color="#999999", linewidth=0.8)
        axis.set(title=measure, xlabel="strength", ylabel="change from intact")
        axis.title.set_fontsize(9)
        axis.spines[["top", "right"]].set_visible(False)
    if measures:
        legend_below(figure, axes[0])
    return figure


def panels(n: int) -> tuple[Figure, list[Axes]]:
    """Make a figure of n panels in rows; the places that are left over stay empty."""
    n_columns = min(max(n, MIN_COLUMNS), N_COLUMNS)
    n_rows = max(1, -(-n // n_columns))
    figure = new_figure(3.4 * n_columns, 2.7 * n_rows)
    axes: list[Axes] = list(figure.subplots(n_rows, n_columns, squeeze=False).flat)
    for axis in axes[n:]:
        axis.set_axis_off()
    return figure, axes


def _differs_from_control(comparisons: Sequence[Comparison]) -> set[tuple[str, Condition]]:
    """Return the measures and ablations that differ from their matched random weights."""
    found: dict[tuple[str, Condition], Comparison] = {}
    for one in comparisons:
        if one.contrast.question == "control":
            key = one.measure, one.condition
            if key not in found or one.contrast.against.control == "magnitude":
                found[key] = one
    return {key for key, one in found.items() if one.q_value < ALPHA}


def _with_interval(one: Comparison) -> tuple[Condition, float, float, float]:
    return one.condition, one.difference, *one.test.difference_band


def _draw_curve(
    axis: Axes, comparisons: Sequence[Comparison], sign: str, differs: set[tuple[str, Condition]]
) -> None:
    color = COLORS[sign]
    removed = sorted(comparisons, key=lambda one: one.condition.strength)
    if not removed:
        return
    strengths = [0.0, *(one.condition.strength for one in removed)]
    changes = [0.0, *(one.difference for one in removed)]
    axis.plot(strengths, changes, color=color, label=f"{sign} removed")
    low, high = np.array([(0.0, 0.0), *(one.test.difference_band for one in removed)]).T
    axis.fill_between(strengths, low, high, color=color, alpha=0.15, linewidth=0)
    for one in removed:
        face = color if (one.measure, one.condition) in differs else "white"
        axis.plot(one.condition.strength, one.difference, "o", color=color, mfc=face, markersize=5)


def draw_controls(axis: Axes, changes: Sequence[tuple[Condition, float, float, float]]) -> None:
    """Draw those of the changes (with the low and high of their bands) that are of controls."""
    kinds: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    for condition, *change_and_band in changes:
        if condition.control:
            kind = kinds.setdefault((condition.sign, condition.control), [])
            kind.append((condition.strength, *change_and_band))
    for place, ((sign, control), own) in enumerate(kinds.items()):
        strength, change, low, high = np.array(own).T
        shift = CONTROL_SHIFT * (place - (len(kinds) - 1) / 2)
        name = f"random, {control} of {sign}" if control in MARKERS else control.replace("_", " ")
        axis.errorbar(
            strength + shift,
            change,
            # Without an interval there is no bar.
            yerr=np.nan_to_num(np.maximum([change - low, high - change], 0)),
            fmt=MARKERS.get(control, OTHER_MARKER),
            color=COLORS.get(sign, OTHER_COLOR),
            mfc="white",
            markersize=5,
            elinewidth=0.8,
            label=name,
        )


def _draw_chance(axis: Axes, measure: str, table: Table) -> None:
    stem = measure.removesuffix(".mean")
    head, dot, last = stem.rpartition(".")
    intact = table.mean(measure, Condition())
    for other in CHANCE.get(last, ()):
        name = f"{head}{dot}{other}{measure.removeprefix(stem)}"
        level = table.mean(name, Condition()) - intact
        if np.isfinite(level):
            axis.axhline(level, color="#777777", linewidth=0.8, linestyle=":")
            words = {"random": "random images"}.get(other, other.rpartition(".")[2])
            place = axis.get_yaxis_transform()
            axis.text(
                1,
                level,
                words.replace("_", " "),
                fontsize=6,
                ha="right",
                va="bottom",
                transform=place,
            )


def _best(results: Sequence[Result | None]) -> Result | None:
    found = [result for result in results if result is not None]
    return max(found, key=lambda result: float(result.scores.max()), default=None)
