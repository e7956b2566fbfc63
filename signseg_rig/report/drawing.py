"""Figures drawn with matplotlib, without touching its global state."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

LEGEND_SIZE_PT = 8
LEGEND_COLUMN_IN = 2.2  # for the names of controls, in letters of this size
MAX_SIGNS = 60


def plain(text: str) -> str:
    """Return a text that matplotlib draws as it stands: a name out of a record is no formula."""
    shown = text if len(text) <= MAX_SIGNS else f"{text[:MAX_SIGNS]}..."
    return shown.encode(errors="backslashreplace").decode().replace("$", r"\$")


def new_figure(width_in: float, height_in: float) -> Figure:
    """Make a figure that belongs to nobody: no pyplot, no global state, no screen."""
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def legend_below(figure: Figure, axis: Axes) -> None:
    """Explain what an axis shows below all of the figure, where it hides nothing."""
    handles, labels = axis.get_legend_handles_labels()
    n_columns = max(1, int(figure.get_figwidth() / LEGEND_COLUMN_IN))
    figure.legend(
        *(handles, labels),
        loc="outside lower center",
        ncols=n_columns,
        frameon=False,
        fontsize=LEGEND_SIZE_PT,
    )
