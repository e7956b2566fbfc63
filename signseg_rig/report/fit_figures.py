"""The figures of a fit: how good the models are, and how their weights are spread."""

from __future__ import annotations

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from signseg_rig.report.drawing import new_figure
from signseg_rig.studies import NeuronFit
from signseg_rig.values import FloatArray

POSITIVE_COLOR, NEGATIVE_COLOR, OTHER_COLOR = "#c0392b", "#2471a3", "#2c3e50"
N_NEURONS_SHOWN = 8


def draw_predictions(fit: NeuronFit) -> Figure:
    """Draw predicted against measured rates of neurons, from the best predicted to the worst."""
    known = np.flatnonzero(np.isfinite(fit.validation.r))
    ranked = known[np.argsort(-fit.validation.r[known])]
    steps = np.linspace(0, len(ranked) - 1, min(N_NEURONS_SHOWN, len(ranked))).astype(int)
    figure = new_figure(10.5, 5.2)
    axes = figure.subplots(2, N_NEURONS_SHOWN // 2).ravel()
    for axis in axes[len(steps) :]:
        axis.set_axis_off()
    for axis, unit in zip(axes, ranked[steps], strict=False):
        measured, predicted = fit.measured_hz[:, unit], fit.validation.predictions[:, unit]
        axis.plot(measured, predicted, ".", ms=2, color=OTHER_COLOR, alpha=0.6)
        both = [min(measured.min(), predicted.min()), max(measured.max(), predicted.max())]
        axis.plot(both, both, lw=0.8, color="#999999")
        name = fit.models.unit_ids[unit]
        axis.set_title(f"{name}: r = {fit.validation.r[unit]:.2f}", fontsize=9)
        _plain(axis)
    figure.supxlabel("measured (spikes/s)", fontsize=10)
    figure.supylabel("predicted, image left out (spikes/s)", fontsize=10)
    return figure


def draw_ceiling(fit: NeuronFit) -> Figure:
    """Draw test correlations against their ceilings, beside those with shuffled images."""
    quality = fit.models.quality
    figure = new_figure(8.4, 3.6)
    left, right = figure.subplots(1, 2)
    if np.isfinite(quality["ceiling_r"]).any():
        left.plot(quality["ceiling_r"], quality["test_r"], "o", ms=4, color=OTHER_COLOR)
        left.plot([0, 1], [0, 1], lw=0.8, color="#999999")
        left.set(xlabel="ceiling: root of the reliability", ylabel="test r", xlim=(0, 1))
    else:
        left.text(0.5, 0.5, "no repeats: no ceiling", ha="center", transform=left.transAxes)
        left.set_axis_off()
    bins = np.linspace(-1, 1, 81)
    if fit.null is not None:
        _density(right, fit.null.null_r.ravel(), bins, "#bbbbbb", "images shuffled")
    _density(right, quality["test_r"], bins, OTHER_COLOR, "test r")
    right.set(xlabel="correlation", ylabel="share of values", xlim=(-0.6, 1))
    right.legend(frameon=False)
    for axis in (left, right):
        _plain(axis)
    return figure


def draw_spectra(fit: NeuronFit) -> Figure:
    """Draw the coefficients by rank, and the share of their magnitude that is positive."""
    coef = fit.models.coef
    figure = new_figure(8.4, 3.4)
    left, right = figure.subplots(1, 2)
    for sign, color, label in (
        (1, POSITIVE_COLOR, "positive"),
        (-1, NEGATIVE_COLOR, "negative"),
    ):
        magnitude = -np.sort(-np.maximum(sign * coef, 0), axis=1)
        largest = np.abs(coef).max(axis=1, keepdims=True)
        relative = np.divide(magnitude, largest, out=np.zeros_like(magnitude), where=largest > 0)
        low, median, high = np.quantile(relative, [0.25, 0.5, 0.75], axis=0)
        rank = np.arange(1, coef.shape[1] + 1)
        left.plot(rank, median, color=color, label=label)
        left.fill_between(rank, low, high, color=color, alpha=0.2, linewidth=0)
    left.set(xscale="log", xlabel="rank of the coefficient", ylabel="magnitude / largest")
    left.legend(frameon=False)
    share = positive_share(coef)
    right.hist(share[np.isfinite(share)], bins=np.linspace(0, 1, 41), color=POSITIVE_COLOR)
    right.axvline(0.5, lw=0.8, color="#999999")
    right.set(xlabel="positive share of the magnitude", ylabel="neurons", xlim=(0, 1))
    for axis in (left, right):
        _plain(axis)
    return figure


def draw_comparisons(fit: NeuronFit) -> Figure:
    """Draw train and test correlations of this fit and of those compared, a dot for each neuron."""
    results = {"pls": fit.validation, **fit.comparisons}
    figure = new_figure(1.4 + 1.3 * len(results), 3.6)
    axis = figure.subplots()
    for index, result in enumerate(results.values()):
        for shift, values, color, label in (
            (-0.15, result.train_r, "#bbbbbb", "images of the fit"),
            (0.15, result.r, OTHER_COLOR, "images left out"),
        ):
            known = values[np.isfinite(values)]
            spread = np.linspace(-0.1, 0.1, len(known))
            axis.plot(index + shift + spread, np.sort(known), ".", ms=3, color=color, label=label)
            axis.plot([index + shift - 0.1, index + shift + 0.1], [np.median(known)] * 2, "k", lw=1)
    axis.set_xticks(range(len(results)), [name.replace("-", "\n") for name in results])
    axis.set(ylabel="correlation, sorted; line: median")
    axis.legend(*_first_of_each(axis), frameon=False, fontsize=8)
    _plain(axis)
    return figure


def _first_of_each(axis: Axes) -> tuple[list[Artist], list[str]]:
    handles, labels = axis.get_legend_handles_labels()
    first = dict(reversed(list(zip(labels, handles, strict=True))))
    return list(first.values()), list(first)


def positive_share(coef: FloatArray) -> FloatArray:
    """Return the positive share of each neuron's summed coefficient magnitude, (n_units,)."""
    total = np.abs(coef).sum(axis=1)
    positive = np.maximum(coef, 0).sum(axis=1)
    share: FloatArray = np.full(len(coef), np.nan)
    np.divide(positive, total, out=share, where=total > 0)
    return share


def _density(axis: Axes, values: FloatArray, bins: FloatArray, color: str, label: str) -> None:
    known = values[np.isfinite(values)]
    weights = np.full(len(known), 1 / max(len(known), 1))
    axis.hist(known, bins=list(bins), weights=weights, color=color, alpha=0.7, label=label)


def _plain(axis: Axes) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)
