"""Write the report of a sweep: tidy tables, image panels, curves and tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from signseg_rig.interfaces import Network
from signseg_rig.report.html import write_figures, write_page
from signseg_rig.report.sweep_figures import draw_changes, draw_images, label_of
from signseg_rig.report.tables import write_table
from signseg_rig.visualization import (
    AreaBetween,
    Comparison,
    Number,
    SweepImages,
    Table,
    measure_sweep,
    read_sweep,
    write_sweep,
)

CONDITION = ("sign", "strength", "control")
# What else a metric tells, such as its controls and numbers of pairs, is in the tables.
DRAWN = (
    *("reached_activation", "intact_response", "across", "across.mean"),
    *("score", "detection_rate", "low_share", "slope"),
)


def write_sweep_report(
    folder: Path, *, on_progress: Callable[[int, int], None] = lambda _n_done, _n_all: None
) -> Path:
    """Write `report.html`, the figures, and `numbers.csv`, `tests.csv` and `areas.csv` of a sweep.

    Parameters
    ----------
    folder : Path
        Of the sweep, which may still be going on.
    on_progress : callable
        Called with the numbers of units that are measured and that there are.

    Returns
    -------
    report : Path

    Raises
    ------
    SweepError
        It has no result yet, or one is damaged.
    """
    settings = read_sweep(folder / "sweep.toml").model_copy(
        update={"out_dir": folder.absolute().parent, "name": folder.absolute().name}
    )
    images = SweepImages.read(settings)
    network: Network = settings.network.load()(settings.network.settings)
    visualized = {} if settings.neurons else network.identity
    numbers, described = measure_sweep(images, visualized, on_progress=on_progress)
    table = Table(numbers, settings.seed)
    comparisons = [one for measure in table.measures for one in table.comparisons(measure)]
    areas = table.areas()
    _write_tables(folder, numbers, comparisons, areas)
    drawn = [one for one in comparisons if _is_drawn(one.measure)]
    figures = {"images": draw_images(images), "changes": draw_changes(drawn)}
    write_page(
        "sweep.html",
        folder / "report.html",
        settings=write_sweep(settings),
        name=settings.name,
        n_missing=images.n_missing,
        n_results=sum(len(own) for own in images.results.values()) - images.n_missing,
        n_repeats=settings.n_repeats,
        units=table.units,
        network=dict(network.identity),
        comparisons=drawn,
        areas=[one for one in areas if _is_drawn(one.measure)],
        described=described,
        label_of=label_of,
        figures=write_figures(figures, folder / "figures"),
    )
    return folder / "report.html"


def _is_drawn(measure: str) -> bool:
    return any(measure == name or measure.endswith(f".{name}") for name in DRAWN)


def _write_tables(
    folder: Path,
    numbers: Sequence[Number],
    comparisons: Sequence[Comparison],
    areas: Sequence[AreaBetween],
) -> None:
    write_table(
        folder / "numbers.csv",
        ("unit", *CONDITION, "repeat", "measure", "value"),
        (
            (
                *(one.unit, one.condition.sign, one.condition.strength, one.condition.control),
                *("" if one.repeat is None else one.repeat, one.measure, one.value),
            )
            for one in numbers
        ),
    )
    tested = ("n_units", "difference", "p_value", "q_value", "rank_biserial")
    write_table(
        folder / "tests.csv",
        ("measure", *CONDITION, "mean", "low", "high", *tested),
        (
            (
                *(one.measure, one.condition.sign, one.condition.strength, one.condition.control),
                *(one.mean, one.low, one.high, one.test.n_pairs, one.change),
                *(one.test.p_value, one.q_value, one.test.rank_biserial),
            )
            for one in comparisons
        ),
    )
    write_table(
        folder / "areas.csv",
        ("measure", *tested),
        (
            (
                *(one.measure, one.test.n_pairs, one.test.difference, one.test.p_value),
                *(one.q_value, one.test.rank_biserial),
            )
            for one in areas
        ),
    )
