"""The figures of a run's report."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib import get_data_path
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

from signseg_rig.report.drawing import new_figure, plain
from signseg_rig.report.run_content import ThreadCurve
from signseg_rig.report.run_timing import Timing
from signseg_rig.stats import mean_interval
from signseg_rig.values import FloatArray, ImageArray

EVOLVED_COLOR = "#c0392b"
REFERENCE_COLOR = "#2c3e50"
MAX_IMAGES = 240
MAX_COLUMNS = 12
MAX_PANELS_A_ROW = 2
# Of a cell in the picture of best images, and of the part of it that the image takes.
CELL_WIDTH_PX, CELL_HEIGHT_PX, THUMBNAIL_PX = 126, 170, 120
FONT_PX = 12


def draw_curves(curves: Sequence[ThreadCurve]) -> Figure:
    """Draw scores of evolved and reference images per generation, with their 95 % intervals.

    References are drawn as if all had been valid in each block.

    Parameters
    ----------
    curves : sequence of ThreadCurve
    """
    n_columns = min(max(len(curves), 1), MAX_PANELS_A_ROW)
    n_rows = max(math.ceil(len(curves) / n_columns), 1)
    figure = new_figure(5.2 * n_columns, 3.4 * n_rows)
    axes = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for axis in axes[len(curves) :]:
        axis.set_axis_off()
    for curve, axis in zip(curves, axes, strict=False):
        _draw_means(axis, curve.scores, EVOLVED_COLOR, "evolved")
        _draw_means(axis, _matched(curve.reference_scores), REFERENCE_COLOR, "references")
        axis.set(
            title=plain(curve.thread),
            xlabel="generation",
            ylabel=f"score ({curve.unit})" if curve.unit else "score",
        )
        axis.spines[["top", "right"]].set_visible(False)
        if axis.lines:
            axis.legend(frameon=False, loc="upper left")
    return figure


def best_labels(curve: ThreadCurve) -> dict[int, str]:
    """Choose the generations whose best image is drawn, and what is written above each.

    Returns
    -------
    labels : dict of generation to str
        Of all generations, or of 240 from the first to the last; empty where there is no image.
    """
    n_generations = len(curve.best_keys)
    n_drawn = min(n_generations, MAX_IMAGES)
    drawn = np.unique(np.linspace(0, max(n_generations - 1, 0), n_drawn).round().astype(int))
    return {
        generation: f"gen {generation}\n{np.nanmax(curve.scores[generation]):.3g}"
        if curve.best_keys[generation] is not None
        else ""
        for generation in drawn.tolist()
    }


def draw_best_images(curve: ThreadCurve, image: Callable[[str], ImageArray | None]) -> Image.Image:
    """Draw the best image of each generation of a thread; see `best_labels`.

    Parameters
    ----------
    curve : ThreadCurve
    image : callable
        ``image(key)`` gives the pixels, or None where they are not on disk.

    Notes
    -----
    One picture, without matplotlib: an axis for each image took seconds.
    """
    labels = best_labels(curve)
    n_rows, n_columns = (
        -(-max(len(labels), 1) // MAX_COLUMNS),
        min(max(len(labels), 1), MAX_COLUMNS),
    )
    sheet = Image.new("RGB", (n_columns * CELL_WIDTH_PX, n_rows * CELL_HEIGHT_PX), "white")
    pen, font = ImageDraw.Draw(sheet), _font()
    for place, (generation, label) in enumerate(labels.items()):
        key = curve.best_keys[generation]
        pixels = image(key) if key is not None else None
        row, column = divmod(place, MAX_COLUMNS)
        corner = (column * CELL_WIDTH_PX, row * CELL_HEIGHT_PX)
        if pixels is not None:
            _paste(sheet, pixels, corner)
        said = f"{label}\nnot on disk" if label and pixels is None else label
        middle = corner[0] + CELL_WIDTH_PX / 2
        pen.multiline_text((middle, corner[1] + 4), said, "black", font, "ma", align="center")
    return sheet


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


def _paste(sheet: Image.Image, pixels: ImageArray, corner: tuple[int, int]) -> None:
    """Put an image into the middle of the lower end of its cell, as large as there is room."""
    height, width = pixels.shape[:2]
    scale = THUMBNAIL_PX / max(height, width)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = Image.fromarray(pixels).resize(size, Image.Resampling.BOX)
    sheet.paste(
        small, (corner[0] + (CELL_WIDTH_PX - size[0]) // 2, corner[1] + CELL_HEIGHT_PX - size[1])
    )


def _font() -> ImageFont.FreeTypeFont:
    """Return the font of the other figures, which matplotlib brings along."""
    return ImageFont.truetype(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", FONT_PX)


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


def _draw_means(axis: Axes, generations: Sequence[FloatArray], color: str, label: str) -> None:
    finite = [values[np.isfinite(values)] for values in generations]
    at = [position for position, values in enumerate(finite) if values.size]
    if not at:
        return
    means = [finite[position].mean() for position in at]
    bounds = np.array([mean_interval(finite[position]) for position in at])
    axis.plot(at, means, color=color, label=label)
    axis.fill_between(at, bounds[:, 0], bounds[:, 1], color=color, alpha=0.2, linewidth=0)
