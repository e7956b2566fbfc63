"""The figures of a run's report."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from signseg_rig.report.drawing import new_figure, plain
from signseg_rig.report.run_content import ThreadCurve, Timing
from signseg_rig.types import FloatArray, ImageArray

EVOLVED_COLOR = "#c0392b"
REFERENCE_COLOR = "#2c3e50"
MAX_IMAGES = 240
MAX_COLUMNS = 12
Band = Callable[[FloatArray], tuple[float, float]]


def draw_curves(curves: Sequence[ThreadCurve], band: Band) -> Figure:
    """Draw scores of evolved and reference images per generation, with confidence bands.

    References are drawn as if all had been valid in each block.

    Parameters
    ----------
    curves : sequence of ThreadCurve
    band : callable
        ``band(values)`` gives the confidence interval of a mean.
    """
    figure = new_figure(4.2 * max(len(curves), 1), 3.4)
    axes = figure.subplots(1, max(len(curves), 1), squeeze=False)[0]
    for curve, axis in zip(curves, axes, strict=False):
        _draw_means(axis, curve.scores, band, EVOLVED_COLOR, "evolved")
        _draw_means(axis, _matched(curve.reference_scores), band, REFERENCE_COLOR, "references")
        axis.set(
            title=plain(curve.thread),
            xlabel="generation",
            ylabel=f"score ({curve.unit})" if curve.unit else "score",
        )
        axis.spines[["top", "right"]].set_visible(False)
        if axis.lines:
            axis.legend(frameon=False, loc="upper left")
    return figure


def draw_best_images(curve: ThreadCurve, image: Callable[[str], ImageArray | None]) -> Figure:
    """Draw the best image of each generation of a thread, or of 240 from first to last.

    Parameters
    ----------
    curve : ThreadCurve
    image : callable
        ``image(key)`` gives the pixels, or None where they are not on disk yet.
    """
    n_generations = len(curve.best_keys)
    n_images = min(max(n_generations, 1), MAX_IMAGES)
    drawn = np.unique(np.linspace(0, n_generations - 1, n_images).round().astype(int))
    n_rows, n_columns = -(-n_images // MAX_COLUMNS), min(n_images, MAX_COLUMNS)
    figure = new_figure(1.15 * n_columns, 1.55 * n_rows)
    axes = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, generation in zip(axes, drawn if n_generations else [], strict=False):
        key = curve.best_keys[generation]
        pixels = image(key) if key is not None else None
        if pixels is not None:
            axis.imshow(pixels)
            best = float(np.nanmax(curve.scores[generation]))
            axis.set_title(f"gen {generation}\n{best:.3g}", fontsize=8)
    return figure


def draw_timing(timing: Timing) -> Figure:
    """Draw histograms of how long images were shown, of onset intervals and of turn-arounds."""
    figure = new_figure(10.5, 2.8)
    panels = (
        (timing.durations_s, "image on the screen (ms)"),
        (timing.onset_intervals_s, "onset to onset (ms)"),
        (timing.turnarounds_s, "last offset to next block's onset (ms)"),
    )
    for axis, (values_s, label) in zip(figure.subplots(1, 3), panels, strict=True):
        if values_s.size:
            # To a microsecond: where all agree to rounding errors, there is no room for bins.
            axis.hist(np.round(values_s * 1e3, 3), bins=40, color=REFERENCE_COLOR)
        axis.set(xlabel=label, ylabel="count")
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def _matched(generations: Sequence[FloatArray]) -> Sequence[FloatArray]:
    """Take off what each reference scores by itself: which of them are valid moves no mean.

    What is left of each is the mean of all and its own change since the other blocks. Where a
    protocol shows other references in each block, there is nothing to compare, and nothing changes.
    """
    if len({scores.shape for scores in generations}) != 1:
        return generations
    scores = np.array(generations)
    is_valid = np.isfinite(scores)
    own = np.where(is_valid, scores, 0.0).sum(axis=0) / np.maximum(is_valid.sum(axis=0), 1)
    level = own[is_valid.any(axis=0)].sum() / max(is_valid.any(axis=0).sum(), 1)
    return list(scores - own + level)


def _draw_means(
    axis: Axes, generations: Sequence[FloatArray], band: Band, color: str, label: str
) -> None:
    finite = [values[np.isfinite(values)] for values in generations]
    at = [position for position, values in enumerate(finite) if values.size]
    if not at:
        return
    means = [finite[position].mean() for position in at]
    bounds = np.array([band(finite[position]) for position in at])
    axis.plot(at, means, color=color, label=label)
    axis.fill_between(at, bounds[:, 0], bounds[:, 1], color=color, alpha=0.2, linewidth=0)
