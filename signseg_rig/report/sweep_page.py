"""Write the report of a sweep: tidy tables, image panels, curves and tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from signseg_rig.report.html import write_figures, write_page
from signseg_rig.report.sweep_figures import draw_changes, draw_images, label_of
from signseg_rig.report.sweep_tables import number_rows, tested_rows
from signseg_rig.report.sweep_values import value_tables
from signseg_rig.report.tables import write_table
from signseg_rig.stats import NOT_PRINTED
from signseg_rig.sweeps import (
    QUESTIONS,
    Comparison,
    Condition,
    Question,
    SweepStudy,
    is_main,
    write_sweep,
)


def write_sweep_report(study: SweepStudy) -> Path:
    """Write `report.html`, the figures, and `numbers.csv` and `tests.csv` of a sweep.

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
    write_table(folder / "numbers.csv", *number_rows(study))
    write_table(folder / "tests.csv", *tested_rows(study))
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
        n_control_draws=settings.n_control_draws,
        tables=_by_question(study, drawn),
        without_control=_without_control(study),
        not_printed=NOT_PRINTED,
        values=value_tables(study.table),
        without_comparison=_without_comparison(study),
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


def _by_question(
    study: SweepStudy, comparisons: Sequence[Comparison]
) -> dict[Question, list[tuple[str, float, list[Comparison]]]]:
    """Return for each question each measure with its intact mean and its comparisons."""
    tables: dict[Question, list[tuple[str, float, list[Comparison]]]] = {}
    for question in QUESTIONS:
        own = [one for one in comparisons if one.contrast.question == question]
        tables[question] = [
            (
                measure,
                study.table.mean(measure, Condition()),
                [one for one in own if one.measure == measure],
            )
            for measure in dict.fromkeys(one.measure for one in own)
        ]
    return tables


def _without_control(study: SweepStudy) -> list[Condition]:
    """List the ablations that have no matched random weights to be tested against."""
    tested = {one.condition for one in study.table.contrasts if one.question == "control"}
    ablations = [one for one in study.table.conditions if one != Condition() and not one.control]
    return [one for one in ablations if one not in tested]


def _without_comparison(study: SweepStudy) -> list[str]:
    """Name the units of which something is unknown for want of an independent intact image."""
    unknown = {
        one.unit for one in study.numbers if one.condition == Condition() and np.isnan(one.value)
    }
    return [unit for unit in study.images.units_without_comparison if unit in unknown]
