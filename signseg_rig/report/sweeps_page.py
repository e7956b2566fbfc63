"""Write the report of sweeps of several networks: pooled, and against the networks' traits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from signseg_rig.errors import ConfigError
from signseg_rig.limits import MIN_NETWORKS
from signseg_rig.report.html import write_figures, write_page
from signseg_rig.report.sweep_figures import label_of
from signseg_rig.report.sweep_tables import (
    change_rows,
    correlation_rows,
    interval_note,
    pooled_rows,
)
from signseg_rig.report.sweeps_figures import draw_networks, draw_traits
from signseg_rig.report.tables import write_table
from signseg_rig.stats import MIN_VALUES, smallest_correlation_p
from signseg_rig.sweeps import (
    QUESTIONS,
    ContrastOverNetworks,
    SweepStudy,
    TraitCorrelation,
    correlate_traits,
    is_main,
    pool_networks,
    require_poolable,
    settings_that_differ,
)


@dataclass(frozen=True, slots=True, eq=False)
class SweepsComparison:
    """What the sweeps of several networks have in common.

    Parameters
    ----------
    studies : mapping of str to SweepStudy
        By the names of their folders.
    pooled : sequence of ContrastOverNetworks
    correlations : sequence of TraitCorrelation
    """

    studies: Mapping[str, SweepStudy]
    pooled: Sequence[ContrastOverNetworks]
    correlations: Sequence[TraitCorrelation]

    @property
    def traits(self) -> dict[str, dict[str, float]]:
        """What is known of each network."""
        return {name: study.settings.traits for name, study in self.studies.items()}

    @property
    def observations(self) -> str:
        """What one observation among several is, in the plural."""
        is_neurons = any(study.settings.neurons is not None for study in self.studies.values())
        return "sets of neuron models" if is_neurons else "networks"

    @property
    def unknown(self) -> dict[str, list[str]]:
        """Main measures that are not known of every network, and of which sweeps they are not."""
        known = {
            name: {one.measure for one in study.comparisons} for name, study in self.studies.items()
        }
        measures = dict.fromkeys(
            measure for study in self.studies.values() for measure in study.table.measures
        )
        without = {
            measure: [name for name, own in known.items() if measure not in own]
            for measure in filter(is_main, measures)
        }
        return {measure: names for measure, names in without.items() if names}


def compare_sweeps(studies: Sequence[SweepStudy]) -> SweepsComparison:
    """Pool sweeps of several networks, and correlate them with traits of the networks.

    Parameters
    ----------
    studies : sequence of SweepStudy
        Two or more.

    Raises
    ------
    ConfigError
        Two sweeps have one name or cannot be pooled (see `require_poolable`), or there is no
        condition that all of them have.
    """
    by_name = {study.settings.name: study for study in studies}
    if len(by_name) < len(studies):
        raise ConfigError(
            f"Sweeps are told apart by the names of their folders; got {len(studies)} sweeps of "
            f"the names {', '.join(by_name)}. Rename a folder."
        )
    require_poolable(by_name)
    pooled = pool_networks(by_name)
    if not pooled:
        raise ConfigError(
            f"The sweeps {', '.join(by_name)} have no condition in common. Compare sweeps that "
            "have strengths, and results of them, in common."
        )
    traits = {name: study.settings.traits for name, study in by_name.items()}
    return SweepsComparison(by_name, pooled, correlate_traits(pooled, traits))


def write_sweeps_report(comparison: SweepsComparison, folder: Path) -> Path:
    """Write `report.html`, the figures, `changes.csv`, `pooled.csv` and `correlations.csv`.

    Parameters
    ----------
    comparison : SweepsComparison
    folder : Path
        Made if it is missing.

    Returns
    -------
    report : Path
    """
    pooled, correlations = comparison.pooled, comparison.correlations
    traits = comparison.traits
    write_table(folder / "changes.csv", *change_rows(pooled))
    write_table(folder / "pooled.csv", *pooled_rows(pooled))
    write_table(folder / "correlations.csv", *correlation_rows(correlations))
    drawn = [one for one in pooled if is_main(one.measure)]
    shown = [one for one in correlations if is_main(one.measure)]
    figures = {"changes": draw_networks(drawn)}
    if shown:
        figures["traits"] = draw_traits(drawn, shown, traits)
    write_page(
        "sweeps.html",
        folder / "report.html",
        names=tuple(comparison.studies),
        networks={name: study.network["kind"] for name, study in comparison.studies.items()},
        n_units={name: len(study.table.units) for name, study in comparison.studies.items()},
        traits=traits,
        differing=settings_that_differ(comparison.studies),
        observations=comparison.observations,
        pooled={
            question: [one for one in drawn if one.contrast.question == question]
            for question in QUESTIONS
        },
        n_networks=len(comparison.studies),
        min_networks=MIN_NETWORKS,
        min_for_interval=MIN_VALUES,
        interval_note=interval_note,
        smallest_p=smallest_correlation_p(len(comparison.studies)),
        correlations=shown,
        unknown=comparison.unknown,
        shares=list(dict.fromkeys(one.measure for one in drawn if one.unit)),
        label_of=label_of,
        figures=write_figures(figures, folder / "figures"),
    )
    return folder / "report.html"
