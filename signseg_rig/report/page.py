"""Write the report of a run beside its record."""

from __future__ import annotations

import base64
import datetime as dt
import io
import json
from importlib.resources import files
from pathlib import Path

import jinja2
import numpy as np
from matplotlib.figure import Figure

from signseg_rig.records import RunReader
from signseg_rig.report.content import Content, gather
from signseg_rig.report.figures import draw_best_images, draw_curves, draw_timing
from signseg_rig.stats import bootstrap_mean_band
from signseg_rig.types import FloatArray, ImageArray

DPI = 110


def write_report(path: Path) -> Path:
    """Write `report.html` and the PNG figures of a run, finished or still going on.

    Parameters
    ----------
    path : Path
        Folder of the run record.

    Returns
    -------
    report : Path
        The page; all its figures are inside it, and also beside it under `figures/`.

    Raises
    ------
    RecordError
        There is no run record at `path`.
    """
    with RunReader.open(path) as reader:
        content = gather(reader)
        figures = _draw(content, reader)
    folder = path / "figures"
    folder.mkdir(exist_ok=True)
    sources = {name: _save(figure, folder / f"{name}.png") for name, figure in figures.items()}
    page = _render(content, sources)
    # A reader that has the page open never sees half of it.
    draft = path / "report.html.part"
    draft.write_text(page, encoding="utf-8")
    draft.replace(path / "report.html")
    return path / "report.html"


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
    return bootstrap_mean_band(values, rng=np.random.default_rng(0))


def _save(figure: Figure, target: Path) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    target.write_bytes(buffer.getvalue())
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _render(content: Content, sources: dict[str, str]) -> str:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = files("signseg_rig.report").joinpath("template.html").read_text(encoding="utf-8")
    best = [(curve.thread, sources[f"best_{curve.thread}"]) for curve in content.curves]
    return environment.from_string(template).render(
        content=content,
        figures={"curves": sources.get("curves"), "timing": sources["timing"], "best": best},
        manifest=json.dumps(content.manifest, indent=2, default=str),
        median=np.median,
        written=f"{dt.datetime.now().astimezone():%Y-%m-%d %H:%M %Z}",
    )
