"""Write the report of a run beside its record."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from signseg_rig.records import RunReader
from signseg_rig.report.html import write_figures, write_page
from signseg_rig.report.run_content import Content, gather
from signseg_rig.report.run_figures import draw_best_images, draw_curves, draw_timing
from signseg_rig.stats import mean_interval
from signseg_rig.types import FloatArray, ImageArray


def write_report(path: Path, out: Path | None = None) -> Path:
    """Write `report.html` and the PNG figures of a run, finished or still going on.

    Parameters
    ----------
    path : Path
        Folder of the run record.
    out : Path, optional
        Folder for the report where it should not lie in the run record.

    Returns
    -------
    report : Path
        The page; all its figures are inside it, and also beside it under `figures/`.

    Raises
    ------
    RecordError
        There is no run record at `path`.
    ReportError
        The folder cannot be written, or the disk is full.
    """
    folder = out or path
    with RunReader.open(path) as reader:
        content = gather(reader)
        figures = _draw(content, reader)
    sources = write_figures(figures, folder / "figures")
    best = [(curve.thread, sources[f"best_{curve.thread}"]) for curve in content.curves]
    write_page(
        "run.html",
        folder / "report.html",
        content=content,
        figures={"curves": sources.get("curves"), "timing": sources["timing"], "best": best},
        manifest=json.dumps(content.manifest, indent=2, default=str),
        median=np.median,
    )
    return folder / "report.html"


def _draw(content: Content, reader: RunReader) -> dict[str, Figure]:
    def image(key: str) -> ImageArray | None:
        return reader.image(key) if reader.has_image(key) else None

    figures = {"timing": draw_timing(content.timing)}
    if content.curves:
        figures["curves"] = draw_curves(content.curves, _band)
    for curve in content.curves:
        figures[f"best_{curve.thread}"] = draw_best_images(curve, image)
    return figures


def _band(values: FloatArray) -> tuple[float, float]:
    return mean_interval(values)
