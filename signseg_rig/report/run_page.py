"""Write the report of a run beside its record."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from signseg_rig.errors import RecordError
from signseg_rig.records import RunReader, explained_decoding
from signseg_rig.report.html import write_figures, write_page
from signseg_rig.report.result_table import result_lines
from signseg_rig.report.run_content import Content, gather
from signseg_rig.report.run_figures import draw_best_images, draw_curves, draw_timing
from signseg_rig.values import ImageArray


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
    with RunReader.open(path) as reader, explained_decoding(path):
        content = gather(reader)
        figures = _draw(content, reader)
    sources = write_figures(figures, folder / "figures")
    channels, result = content.channels, content.result
    best = [
        (curve.thread, sources[_best_name(number)], curve.n_showings)
        for number, curve in enumerate(content.curves)
    ]
    write_page(
        "run.html",
        folder / "report.html",
        content=content,
        lines=result_lines(result) if result else [],
        has_finals=result is not None and "best_final" in result.columns,
        channel_rows=list(zip(channels.unit_names, channels.rates_hz, strict=True))
        if channels
        else [],
        figures={"curves": sources.get("curves"), "timing": sources["timing"], "best": best},
        manifest=json.dumps(content.manifest, indent=2, default=str),
        median=np.median,
    )
    return folder / "report.html"


def _draw(content: Content, reader: RunReader) -> dict[str, Figure | Image.Image]:
    def image(key: str) -> ImageArray | None:
        try:
            return reader.image(key)
        except RecordError:
            return None  # said among what happened, as far as it was answered

    figures: dict[str, Figure | Image.Image] = {"timing": draw_timing(content.timing)}
    if content.curves:
        figures["curves"] = draw_curves(content.curves)
    for number, curve in enumerate(content.curves):
        figures[_best_name(number)] = draw_best_images(curve, image)
    return figures


def _best_name(number: int) -> str:
    # Not of the thread's name: a record may come from somebody else, and this names a file.
    return f"best_{number}"
