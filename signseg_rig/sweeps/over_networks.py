"""Sweeps of several networks: pooled over them, and against what is known of each network."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from signseg_rig.limits import MIN_NETWORKS
from signseg_rig.signs import Condition
from signseg_rig.stats import (
    Correlation,
    HierarchicalMean,
    adjust_fdr,
    hierarchical_mean,
    smallest_correlation_p,
    spearman_with_ci,
    why_not_significant,
)
from signseg_rig.sweeps.comparison import is_compared
from signseg_rig.sweeps.contrasts import INTACT_UNIT, Contrast
from signseg_rig.sweeps.measurement import INTACT_RESPONSE, REACHED
from signseg_rig.sweeps.study import SweepStudy
from signseg_rig.values import FloatArray

_Item = TypeVar("_Item")

ACTIVATIONS = (REACHED, INTACT_RESPONSE)
OF_INTACT = "share of what intact units reach"


@dataclass(frozen=True, slots=True)
class ContrastOverNetworks:
    """The difference between two conditions, over networks.

    Parameters
    ----------
    measure : str
    contrast : Contrast
    unit : str
        What a difference of 1 is; empty where it is what the metric counts in.
    differences : dict of str to float
        Mean difference, by the name of the sweep; NaN where it is not known.
    pooled : HierarchicalMean
        Over the networks of which it is known, and units within them.
    """

    measure: str
    contrast: Contrast
    unit: str
    differences: Mapping[str, float]
    pooled: HierarchicalMean


@dataclass(frozen=True, slots=True)
class TraitCorrelation:
    """How a trait of networks goes with the change that a condition makes from the intact units.

    Parameters
    ----------
    trait, measure : str
    condition : Condition
    correlation : Correlation
    q_value : float
        Its p-value, corrected over the conditions of the measure (Benjamini & Hochberg).
    n_in_family : int
        How many these are.
    """

    trait: str
    measure: str
    condition: Condition
    correlation: Correlation
    q_value: float
    n_in_family: int

    @property
    def note(self) -> str:
        """Why it could hardly be significant; empty where it could."""
        smallest_p = smallest_correlation_p(self.correlation.n_pairs)
        return why_not_significant(smallest_p, self.n_in_family)


def pool_networks(studies: Mapping[str, SweepStudy]) -> list[ContrastOverNetworks]:
    """Pool the differences over the sweeps of several networks.

    Each network's activations have a scale of their own, and the network of the largest would make
    up the mean. They are pooled as shares of what the intact units of the network reach, on average
    over units; rates of neuron models stay in spikes/s.

    Parameters
    ----------
    studies : mapping of str to SweepStudy
        By the names of the sweeps; such that `require_poolable` has nothing against.

    Returns
    -------
    contrasts : list of ContrastOverNetworks
        Those that all sweeps have, where two networks or more are known. A network in which nothing
        differs counts as one, with a difference of 0. Of a network whose intact units reach nothing
        above 0 there is no share, and nothing is known of its activations.
    """
    tables = {name: study.table for name, study in studies.items()}
    measures = filter(is_compared, _common([one.measures for one in tables.values()]))
    contrasts = _common([one.contrasts for one in tables.values()])
    found = []
    for measure, contrast in itertools.product(measures, contrasts):
        own = {
            name: table.differences(measure, contrast) / _scale(studies[name], measure)
            for name, table in tables.items()
        }
        means = {name: _known_mean(values) for name, values in own.items()}
        if np.isfinite(list(means.values())).sum() > 1:
            pooled = hierarchical_mean(*_nested(list(own.values())))
            unit = OF_INTACT if any(map(partial(_is_scaled, measure), studies.values())) else ""
            found.append(ContrastOverNetworks(measure, contrast, unit, means, pooled))
    return found


def correlate_traits(
    pooled: Sequence[ContrastOverNetworks], traits: Mapping[str, Mapping[str, float]]
) -> list[TraitCorrelation]:
    """Correlate the changes from intact with traits of the networks, such as robust accuracy.

    Parameters
    ----------
    pooled : sequence of ContrastOverNetworks
    traits : mapping of str to mapping of str to float
        Of each sweep's network, by the names of the sweep and the trait.

    Returns
    -------
    correlations : list of TraitCorrelation
        Where trait and change are known of at least four networks.
    """
    names = dict.fromkeys(trait for own in traits.values() for trait in own)
    changes = [one for one in pooled if one.contrast.question == "intact"]
    measures = dict.fromkeys(one.measure for one in changes)
    found: list[TraitCorrelation] = []
    for trait, measure in itertools.product(names, measures):
        known = {name: own[trait] for name, own in traits.items() if trait in own}
        correlations = {
            one.contrast.condition: spearman_with_ci(
                list(known.values()), [one.differences[name] for name in known]
            )
            for one in changes
            if one.measure == measure
        }
        enough = {key: one for key, one in correlations.items() if one.n_pairs >= MIN_NETWORKS}
        p_values = [one.p_value for one in enough.values()]
        n_in_family = int(np.count_nonzero(np.isfinite(p_values)))
        found.extend(
            TraitCorrelation(trait, measure, condition, correlation, float(q_value), n_in_family)
            for (condition, correlation), q_value in zip(
                enough.items(), adjust_fdr(p_values), strict=True
            )
        )
    return found


def _is_scaled(measure: str, study: SweepStudy) -> bool:
    return measure in ACTIVATIONS and study.settings.neurons is None


def _scale(study: SweepStudy, measure: str) -> float:
    """Return what the differences of a sweep are divided by, NaN where they cannot be."""
    if not _is_scaled(measure, study):
        return 1.0
    reached = study.table.mean(REACHED, INTACT_UNIT)
    return reached if reached > 0 else float("nan")


def _common(lists: Sequence[Sequence[_Item]]) -> list[_Item]:
    """Return what stands in all lists, in the order of the first."""
    return [one for one in lists[0] if all(one in other for other in lists[1:])]


def _nested(
    differences: Sequence[FloatArray],
) -> tuple[FloatArray, tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Return the differences of all units, and of which network and unit each is."""
    sizes = [len(own) for own in differences]
    networks = np.repeat(np.arange(len(sizes)), sizes)
    return np.concatenate(differences), (networks, np.concatenate([*map(np.arange, sizes)]))


def _known_mean(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
