"""Write the report of a sweep: tidy tables, image panels, curves and tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from signseg_rig.report.html import write_figures, write_page
from signseg_rig.report.sweep_figures import draw_changes, draw_images, label_of
from signseg_rig.report.sweep_tables import area_rows, number_rows, tested_rows
from signseg_rig.report.sweep_values import value_tables
from signseg_rig.report.tables import write_table
from signseg_rig.visualization import (
    Comparison,
    Condition,
    SweepStudy,
    is_main,
    write_sweep,
)


def write_sweep_report(study: SweepStudy) -> Path:
    """Write `report.html`, the figures, and `numbers.csv`, `tests.csv` and `areas.csv` of a sweep.

    Parameters
    ----------
    study : SweepStudy

    Returns
    -------
    report : Path
        In the folder of the sweep.
    """
    settings, images = study.settings, study.images
    folder = settings.folder
    write_table(folder / "numbers.csv", *number_rows(study.numbers, settings.convention))
    write_table(folder / "tests.csv", *tested_rows(study.comparisons))
    write_table(folder / "areas.csv", *area_rows(study.areas))
    drawn = [one for one in study.comparisons if is_main(one.measure)]
    figures = {"images": draw_images(images), "changes": draw_changes(drawn, study.table)}
    write_page(
        "sweep.html",
        folder / "report.html",
        settings=write_sweep(settings),
        name=settings.name,
        n_missing=images.n_missing,
        n_results=sum(len(own) for own in images.results.values()) - images.n_missing,
        n_repeats=settings.n_repeats,
        units=study.table.units,
        network=study.network,
        convention=settings.convention,
        signs=study.signs,
        comparisons=_with_intact(study, drawn),
        values=value_tables(study.table),
        without_comparison=_without_comparison(study),
        areas=[one for one in study.areas if is_main(one.measure)],
        described=study.described,
        software=[
            (name, [one.get(name, "") for one in study.software])
            for name in dict.fromkeys(name for one in study.software for name in one)
        ],
        n_software=len(study.software),
        label_of=label_of,
        figures=write_figures(figures, folder / "figures"),
    )
    return folder / "report.html"


def _with_intact(
    study: SweepStudy, comparisons: Sequence[Comparison]
) -> list[tuple[str, float, list[Comparison]]]:
    """Give each measure with its intact mean and its comparisons."""
    return [
        (
            measure,
            study.table.mean(measure, Condition()),
            [one for one in comparisons if one.measure == measure],
        )
        for measure in dict.fromkeys(one.measure for one in comparisons)
    ]


def _without_comparison(study: SweepStudy) -> list[str]:
    """Name the units of which something is unknown for want of an independent intact image."""
    unknown = {
        one.unit for one in study.numbers if one.condition == Condition() and np.isnan(one.value)
    }
    return [unit for unit in study.images.units_without_comparison if unit in unknown]
