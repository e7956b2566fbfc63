"""Write the report of a fit: a table of neurons as CSV, figures, and a page with all of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from signseg_rig.fitting import NeuronFit
from signseg_rig.report.fit_figures import draw_ceiling, draw_predictions, draw_spectra
from signseg_rig.report.html import write_figures, write_page
from signseg_rig.report.tables import write_table


def write_fit_report(fit: NeuronFit, folder: Path) -> Path:
    """Write `report.html`, `neurons.csv` and the PNG figures of a fit.

    Parameters
    ----------
    fit : NeuronFit
    folder : Path
        Made if it is missing.

    Returns
    -------
    report : Path
    """
    sources = write_figures(
        {
            "predictions": draw_predictions(fit),
            "ceiling": draw_ceiling(fit),
            "spectra": draw_spectra(fit),
        },
        folder / "figures",
    )
    columns = fit.columns()
    rows = list(zip(*columns.values(), strict=True))
    write_table(folder / "neurons.csv", list(columns), rows)
    write_page(
        "fit.html",
        folder / "report.html",
        columns=list(columns),
        rows=rows,
        figures=sources,
        features=fit.models.features,
        session=fit.models.session,
        medians={
            name: float(np.nanmedian(values))
            for name, values in fit.models.quality.items()
            if np.isfinite(values).any()
        },
    )
    return folder / "report.html"
