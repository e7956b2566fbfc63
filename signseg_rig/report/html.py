"""Self-contained HTML pages: templates of this package, with their figures inside."""

from __future__ import annotations

import base64
import datetime as dt
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from matplotlib.figure import Figure
from PIL import Image

from signseg_rig.files.guarded import file_name, make_folder
from signseg_rig.files.whole import write_whole
from signseg_rig.report.faults import explained

DPI = 110


def write_figures(figures: Mapping[str, Figure | Image.Image], folder: Path) -> dict[str, str]:
    """Write figures as PNG files, and give each as an address that holds it.

    Parameters
    ----------
    figures : mapping of str to Figure or PIL.Image.Image
        By the name of their file, as far as it can be one: it may come out of a record.
    folder : Path
        Made if it is missing; a link is refused, which would lead out of the report's folder.

    Returns
    -------
    sources : dict of str to str

    Raises
    ------
    ReportError
        The folder cannot be written, or the disk is full.
    """
    with explained(folder):
        make_folder(folder)
    return {
        name: _save(figure, folder / f"{file_name(name)}.png") for name, figure in figures.items()
    }


def write_page(template: str, target: Path, **content: Any) -> None:
    """Render a template of this package to a file.

    Parameters
    ----------
    template : str
        Its file name.
    target : Path
        Replaced in one piece: a reader that has the page open never sees half of it.
    **content
        What the template shows.

    Raises
    ------
    ReportError
        The folder cannot be written, or the disk is full.
    """
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.PackageLoader("signseg_rig.report", ""),
    )
    written = f"{dt.datetime.now().astimezone():%Y-%m-%d %H:%M %Z}"
    page = environment.get_template(template).render(written=written, **content)
    with explained(target):
        # Names of files that are no text are shown, as Python writes what it cannot read of them.
        write_whole(target, page.encode(errors="backslashreplace"))


def _save(figure: Figure | Image.Image, target: Path) -> str:
    buffer = io.BytesIO()
    if isinstance(figure, Figure):
        figure.savefig(buffer, format="png", dpi=DPI)
    else:
        figure.save(buffer, "PNG")
    with explained(target):
        write_whole(target, buffer.getvalue())
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
