"""Sweeps of several networks: pooled over them, and against what is known of each network."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

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
from signseg_rig.visualization.comparison import Table, is_compared
from signseg_rig.visualization.study import SweepStudy
from signseg_rig.visualization.tasks import Condition

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class ConditionOverNetworks:
    """The change that a condition makes, over networks.

    Parameters
    ----------
    measure : str
    condition : Condition
    changes : dict of str to float
        Mean change from the intact units, by the name of the sweep; NaN where it is not known.
    pooled : HierarchicalMean
        Over the networks of which it is known, units within them and repeats within those.
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
        By the names of the sweeps; such that `require_poolable` has nothing against.
    seed : int
        Of the bootstrap.

    Returns
    -------
    conditions : list of ConditionOverNetworks
        Those that all sweeps have, where two networks or more are known. A network in which nothing
        differs counts as one, with a change of 0.
    """
    tables = {name: study.table for name, study in studies.items()}
    measures = filter(is_compared, _common([one.measures for one in tables.values()]))
    conditions = _common([one.conditions for one in tables.values()])
    found = []
    for measure, condition in itertools.product(measures, conditions):
        changes = {name: one.change(measure, condition) for name, one in tables.items()}
        if condition != Condition() and np.isfinite(list(changes.values())).sum() > 1:
            pooled = _pooled(list(tables.values()), measure, condition, seed)
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
        Where trait and change are known of at least four networks.
    """
    names = dict.fromkeys(trait for own in traits.values() for trait in own)
    measures = dict.fromkeys(one.measure for one in pooled)
    found: list[TraitCorrelation] = []
    for trait, measure in itertools.product(names, measures):
        known = {name: own[trait] for name, own in traits.items() if trait in own}
        correlations = {
            one.condition: spearman_with_ci(
                list(known.values()),
                [one.changes[name] for name in known],
                rng=_rng(seed, measure, one.condition, trait),
            )
            for one in pooled
            if one.measure == measure
        }
        enough = {key: one for key, one in correlations.items() if one.n_pairs >= MIN_NETWORKS}
        q_values = adjust_fdr([one.p_value for one in enough.values()])
        found.extend(
            TraitCorrelation(trait, measure, condition, correlation, float(q_value))
            for (condition, correlation), q_value in zip(enough.items(), q_values, strict=True)
        )
    return found


def _common(lists: Sequence[Sequence[_Item]]) -> list[_Item]:
    """Give what stands in all lists, in the order of the first."""
    return [one for one in lists[0] if all(one in other for other in lists[1:])]


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
