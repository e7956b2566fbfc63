"""Write the report of sweeps of several networks: pooled, and against the networks' traits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from signseg_rig.errors import ConfigError
from signseg_rig.report.html import write_figures, write_page
from signseg_rig.report.sweep_figures import label_of
from signseg_rig.report.sweep_page import CONDITION, is_drawn
from signseg_rig.report.sweeps_figures import draw_networks, draw_traits
from signseg_rig.report.tables import write_table
from signseg_rig.visualization import (
    Condition,
    ConditionOverNetworks,
    SweepStudy,
    TraitCorrelation,
    correlate_traits,
    pool_networks,
)


def write_sweeps_report(studies: Sequence[SweepStudy], folder: Path) -> Path:
    """Write `report.html`, the figures, `changes.csv`, `pooled.csv` and `correlations.csv`.

    Parameters
    ----------
    studies : sequence of SweepStudy
        Two or more.
    folder : Path
        Made if it is missing.

    Returns
    -------
    report : Path

    Raises
    ------
    ConfigError
        Two sweeps have one name, or there is no condition that all of them have.
    """
    by_name = {study.settings.name: study for study in studies}
    if len(by_name) < len(studies):
        raise ConfigError(
            f"Sweeps are told apart by the names of their folders; got {len(studies)} sweeps of "
            f"the names {', '.join(by_name)}. Rename a folder."
        )
    seed = studies[0].settings.seed
    traits = {name: study.settings.traits for name, study in by_name.items()}
    pooled = pool_networks(by_name, seed)
    if not pooled:
        raise ConfigError(
            f"The sweeps {', '.join(by_name)} have no condition and measure in common. Compare "
            "sweeps with the same strengths and metrics."
        )
    correlations = correlate_traits(pooled, traits, seed)
    folder.mkdir(parents=True, exist_ok=True)
    _write_tables(folder, pooled, correlations)
    drawn = [one for one in pooled if is_drawn(one.measure)]
    shown = [one for one in correlations if is_drawn(one.measure)]
    figures = {"changes": draw_networks(drawn)}
    if shown:
        figures["traits"] = draw_traits(drawn, shown, traits)
    write_page(
        "sweeps.html",
        folder / "report.html",
        names=tuple(by_name),
        networks={name: study.network["kind"] for name, study in by_name.items()},
        n_units={name: len(study.table.units) for name, study in by_name.items()},
        traits=traits,
        pooled=drawn,
        correlations=shown,
        label_of=label_of,
        figures=write_figures(figures, folder / "figures"),
    )
    return folder / "report.html"


def _write_tables(
    folder: Path,
    pooled: Sequence[ConditionOverNetworks],
    correlations: Sequence[TraitCorrelation],
) -> None:
    write_table(
        folder / "changes.csv",
        ("sweep", "measure", *CONDITION, "change"),
        (
            (name, one.measure, *_cells(one.condition), change)
            for one in pooled
            for name, change in one.changes.items()
        ),
    )
    write_table(
        folder / "pooled.csv",
        ("measure", *CONDITION, "n_networks", "n_units", "n_values", "change", "low", "high"),
        (
            (
                *(one.measure, *_cells(one.condition), *one.pooled.n_groups, one.pooled.n_values),
                *(one.pooled.mean, one.pooled.low, one.pooled.high),
            )
            for one in pooled
        ),
    )
    write_table(
        folder / "correlations.csv",
        ("trait", "measure", *CONDITION, "n_networks", "spearman", "low", "high", "p", "q"),
        (
            (
                *(one.trait, one.measure, *_cells(one.condition), one.correlation.n_pairs),
                *(one.correlation.coefficient, one.correlation.low, one.correlation.high),
                *(one.correlation.p_value, one.q_value),
            )
            for one in correlations
        ),
    )


def _cells(condition: Condition) -> tuple[str, float, str]:
    return condition.sign, condition.strength, condition.control
