"""Sweeps of several networks: pooled over them, and against what is known of each network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from signseg_rig.limits import MIN_NETWORKS
from signseg_rig.seeds import named_rng
from signseg_rig.stats import (
    Correlation,
    HierarchicalMean,
    adjust_fdr,
    hierarchical_bootstrap,
    spearman_with_ci,
)
from signseg_rig.visualization.comparison import Table
from signseg_rig.visualization.study import SweepStudy
from signseg_rig.visualization.tasks import Condition


@dataclass(frozen=True, slots=True)
class ConditionOverNetworks:
    """The change that a condition makes, over networks.

    Parameters
    ----------
    measure : str
    condition : Condition
    changes : dict of str to float
        Mean change from the intact units, by the name of the sweep.
    pooled : HierarchicalMean
        Over networks, units within them and repeats within those.
    """

    measure: str
    condition: Condition
    changes: Mapping[str, float]
    pooled: HierarchicalMean


@dataclass(frozen=True, slots=True)
class TraitCorrelation:
    """How a trait of networks goes with the change that a condition makes.

    Parameters
    ----------
    trait, measure : str
    condition : Condition
    correlation : Correlation
    q_value : float
        Its p-value, corrected over the conditions of the measure (Benjamini & Hochberg).
    """

    trait: str
    measure: str
    condition: Condition
    correlation: Correlation
    q_value: float


def pool_networks(studies: Mapping[str, SweepStudy], seed: int) -> list[ConditionOverNetworks]:
    """Pool the changes over the sweeps of several networks.

    Parameters
    ----------
    studies : mapping of str to SweepStudy
        By the names of the sweeps.
    seed : int
        Of the bootstrap.

    Returns
    -------
    conditions : list of ConditionOverNetworks
        Those that all sweeps have.
    """
    compared = {
        name: {(one.measure, one.condition): one for one in study.comparisons}
        for name, study in studies.items()
    }
    first, *others = compared.values()
    found = []
    for measure, condition in first:
        if all((measure, condition) in other for other in others):
            changes = {name: own[measure, condition].change for name, own in compared.items()}
            pooled = _pooled([study.table for study in studies.values()], measure, condition, seed)
            found.append(ConditionOverNetworks(measure, condition, changes, pooled))
    return found


def correlate_traits(
    pooled: Sequence[ConditionOverNetworks], traits: Mapping[str, Mapping[str, float]], seed: int
) -> list[TraitCorrelation]:
    """Correlate the changes with traits of the networks, such as their robust accuracy.

    Parameters
    ----------
    pooled : sequence of ConditionOverNetworks
    traits : mapping of str to mapping of str to float
        Of each sweep's network, by the names of the sweep and the trait.
    seed : int
        Of the bootstrap.

    Returns
    -------
    correlations : list of TraitCorrelation
        Of traits that are known of at least four networks.
    """
    found: list[TraitCorrelation] = []
    for trait in dict.fromkeys(trait for own in traits.values() for trait in own):
        names = [name for name, own in traits.items() if trait in own]
        if len(names) < MIN_NETWORKS:
            continue
        values = [traits[name][trait] for name in names]
        for measure in dict.fromkeys(one.measure for one in pooled):
            own = [one for one in pooled if one.measure == measure]
            correlations = [
                spearman_with_ci(
                    values,
                    [one.changes[name] for name in names],
                    rng=_rng(seed, measure, one.condition, trait),
                )
                for one in own
            ]
            q_values = adjust_fdr([one.p_value for one in correlations])
            found.extend(
                TraitCorrelation(trait, measure, one.condition, correlation, float(q_value))
                for one, correlation, q_value in zip(own, correlations, q_values, strict=True)
            )
    return found


def _pooled(
    tables: Sequence[Table], measure: str, condition: Condition, seed: int
) -> HierarchicalMean:
    values: list[float] = []
    networks: list[int] = []
    units: list[str] = []
    for network, table in enumerate(tables):
        own, own_units = table.changes(measure, condition)
        values.extend(own)
        networks.extend([network] * len(own))
        units.extend(own_units)
    rng = _rng(seed, measure, condition, "pooled")
    return hierarchical_bootstrap(values, [networks, units], rng)


def _rng(seed: int, measure: str, condition: Condition, purpose: str) -> np.random.Generator:
    return named_rng(seed, "over networks", purpose, measure, *condition.words)
