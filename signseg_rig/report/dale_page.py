"""Write the report of a survey of Dale indices: tables, figures and a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import numpy as np
from matplotlib.figure import Figure

from signseg_rig.report.drawing import new_figure
from signseg_rig.report.html import write_figures, write_page
from signseg_rig.report.tables import write_table
from signseg_rig.stats import Correlation, smallest_correlation_p, why_not_significant
from signseg_rig.studies import (
    AccuracyCorrelation,
    DaleSettings,
    Direction,
    LayerIndex,
    correlate_with_accuracy,
    network_excess,
)
from signseg_rig.values import FloatArray

INDEX_COLOR, RANDOM_COLOR = "#6c3483", "#7f8c8d"
LAYER_COLUMNS = (
    *("network", "layer", "direction", "n_channels", "n_weights", "mean", "q05", "q95"),
    *("random_mean", "excess", "zero_fraction"),
)
CHANNEL_COLUMNS = (
    *("network", "layer", "direction", "channel", "name"),
    *("index", "random_index", "zero_fraction"),
)
CORRELATION_COLUMNS = (
    *("direction", "correlation", "coefficient", "coefficient_low", "coefficient_high", "p_value"),
    *("smallest_p", "n_networks", "note"),
)


def write_dale_report(settings: DaleSettings, layers: Sequence[LayerIndex]) -> Path:
    """Write `report.html`, `layers.csv`, `channels.csv` and the figures of a survey.

    Parameters
    ----------
    settings : DaleSettings
    layers : sequence of LayerIndex

    Returns
    -------
    report : Path
    """
    folder = settings.folder
    figures = {"layers": draw_layers(layers), "readouts": draw_readouts(layers)}
    correlations = correlate_with_accuracy(settings, layers)
    if correlations:
        figures["accuracy"] = draw_accuracy(settings, layers, correlations)
    sources = write_figures(figures, folder / "figures")
    rows = layer_rows(layers)
    write_table(folder / "layers.csv", LAYER_COLUMNS, rows)
    write_table(
        folder / "channels.csv",
        CHANNEL_COLUMNS,
        (
            (
                *(one.network, one.layer, one.direction, channel, one.channel_name(channel)),
                *map(float, values),
            )
            for one in layers
            for channel, values in enumerate(
                zip(one.index, one.random_index, one.zero_fraction, strict=True)
            )
        ),
    )
    write_page(
        "dale.html",
        folder / "report.html",
        name=settings.name,
        columns=LAYER_COLUMNS,
        rows=rows,
        readouts=layer_rows([one for one in layers if one.is_readout]),
        correlations=correlations,
        reads=dict.fromkeys(one.reads for one in layers if one.reads),
        note=_note,
        figures=sources,
    )
    return folder / "report.html"


def draw_layers(layers: Sequence[LayerIndex]) -> Figure:
    """Draw the mean index of every layer in order, a row per network, a column per direction.

    Bands hold the middle 90 % of the channels; gray is what random signs have.
    """
    networks = list(dict.fromkeys(one.network for one in layers))
    figure = new_figure(9.5, 2.3 * len(networks) + 0.5)
    axes = figure.subplots(len(networks), 2, sharey=True, squeeze=False)
    for row, network in zip(axes, networks, strict=True):
        for axis, direction in zip(row, get_args(Direction), strict=True):
            own = [one for one in layers if (one.network, one.direction) == (network, direction)]
            place = np.arange(len(own))
            for color, values in (
                (RANDOM_COLOR, [one.random_index for one in own]),
                (INDEX_COLOR, [one.index for one in own]),
            ):
                mean, low, high = np.array([_mean_and_middle(one) for one in values]).T
                axis.plot(place, mean, color=color)
                axis.fill_between(place, low, high, color=color, alpha=0.15, linewidth=0)
            axis.set_title(f"{network}, {direction}", fontsize=9)
            axis.spines[["top", "right"]].set_visible(False)
        row[0].set_ylabel("Dale index")
    for axis in axes[-1]:
        axis.set_xlabel("layer")
    return figure


def draw_readouts(layers: Sequence[LayerIndex]) -> Figure:
    """Draw the distributions of the readouts' indices in both directions."""
    readouts = [one for one in layers if one.is_readout]
    figure = new_figure(9.5, 1.15 * len(readouts) + 0.5)
    axes = figure.subplots(-(-len(readouts) // 2), 2, sharex=True, squeeze=False).ravel()
    for axis, one in zip(axes, readouts, strict=False):
        index, random_index = _known(one.index), _known(one.random_index)
        bins = np.linspace(0.5, index.max(initial=0.7), 61).tolist()
        axis.hist(random_index, bins=bins, color=RANDOM_COLOR, alpha=0.6, label="random signs")
        axis.hist(index, bins=bins, color=INDEX_COLOR, alpha=0.6, label="trained")
        axis.set_title(f"readout of {one.network}, {one.direction}", fontsize=9)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def draw_accuracy(
    settings: DaleSettings,
    layers: Sequence[LayerIndex],
    correlations: Sequence[AccuracyCorrelation],
) -> Figure:
    """Draw the excess over random signs against accuracy, a point per network."""
    figure = new_figure(9.5, 3.4)
    for axis, one in zip(figure.subplots(1, 2), correlations, strict=True):
        for name, accuracy in settings.accuracy.items():
            excess = network_excess(layers, name, one.direction)
            axis.plot(excess, accuracy, "o", color=INDEX_COLOR)
            axis.annotate(name, (excess, accuracy), fontsize=7)
        axis.set(
            title=f"{one.direction}, Spearman {one.spearman.coefficient:.2f}, "
            f"Pearson {one.pearson.coefficient:.2f}",
            xlabel="excess over random signs",
            ylabel="accuracy",
        )
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def layer_rows(layers: Sequence[LayerIndex]) -> list[tuple[str | int | float, ...]]:
    """Return what is known of layers, in `LAYER_COLUMNS`."""
    return [_row(one) for one in layers]


def correlation_rows(
    correlations: Sequence[AccuracyCorrelation],
) -> list[tuple[str | int | float, ...]]:
    """Return the correlations with accuracy, in `CORRELATION_COLUMNS`."""
    return [
        (
            *(one.direction, kind, found.coefficient, found.low, found.high),
            *(found.p_value, smallest_correlation_p(found.n_pairs), found.n_pairs),
            _note(found),
        )
        for one in correlations
        for kind, found in (("spearman", one.spearman), ("pearson", one.pearson))
    ]


def _note(found: Correlation) -> str:
    return why_not_significant(smallest_correlation_p(found.n_pairs), 1)


def _row(one: LayerIndex) -> tuple[str | int | float, ...]:
    random_mean, *_ = _mean_and_middle(one.random_index)
    return (
        *(one.network, one.layer, one.direction, len(one.index), one.n_weights),
        *_mean_and_middle(one.index),
        *(random_mean, one.excess, float(one.zero_fraction.mean())),
    )


def _mean_and_middle(values: FloatArray) -> tuple[float, float, float]:
    """Return the mean and the bounds of the middle 90 %; NaN where nothing is known."""
    known = _known(values)
    if not known.size:
        return np.nan, np.nan, np.nan
    low, high = np.quantile(known, [0.05, 0.95])
    return float(known.mean()), float(low), float(high)


def _known(values: FloatArray) -> FloatArray:
    known: FloatArray = values[np.isfinite(values)]
    return known
