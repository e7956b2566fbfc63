"""Write the report of a fit: a table of neurons as CSV, figures, and a page with all of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from signseg_rig.neurons import describe_signs
from signseg_rig.report.fit_figures import (
    draw_ceiling,
    draw_comparisons,
    draw_predictions,
    draw_spectra,
)
from signseg_rig.report.html import write_figures, write_page
from signseg_rig.report.tables import write_table
from signseg_rig.studies import NeuronFit

COMPARED = ("model", "unit", "train_r", "train_r2", "test_r", "test_r2")


def write_fit_report(fit: NeuronFit, folder: Path) -> Path:
    """Write `report.html`, `neurons.csv`, `comparisons.csv` and the PNG figures of a fit.

    Parameters
    ----------
    fit : NeuronFit
    folder : Path
        Made if it is missing.

    Returns
    -------
    report : Path
    """
    figures = {
        "predictions": draw_predictions(fit),
        "ceiling": draw_ceiling(fit),
        "spectra": draw_spectra(fit),
    }
    if fit.comparisons:
        figures["comparisons"] = draw_comparisons(fit)
        write_table(folder / "comparisons.csv", COMPARED, fit.comparison_rows())
    sources = write_figures(figures, folder / "figures")
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
        signs=describe_signs(fit.models.signs),
        session=fit.models.session,
        notes=fit.notes,
        medians={
            name: float(np.nanmedian(values))
            for name, values in fit.models.quality.items()
            if np.isfinite(values).any()
        },
    )
    return folder / "report.html"
