"""Whether a neuron is predicted better than it would be with the images shuffled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from signseg_rig.neurons.accuracy import correlation
from signseg_rig.neurons.cross_validation import N_COMPONENTS
from signseg_rig.neurons.linear import checked_data
from signseg_rig.neurons.nested_pls import NestedPls
from signseg_rig.neurons.shuffles import block_groups, draw_shifts, draw_shuffles
from signseg_rig.stats import adjust_fdr
from signseg_rig.values import FloatArray, IntArray

# Shuffles that a worker does at a time: few enough that the time left is soon known.
PORTION = 5


@dataclass(frozen=True, slots=True)
class PermutationNull:
    """Correlations with shuffled images, and how often they reach that of the true ones.

    Parameters
    ----------
    null_r : (n_shuffles, n_units) float array
        NaN where a neuron is constant, or was predicted to be.
    p_values : (n_units,) float array
        (1 + shuffles that reach the true correlation) / (1 + shuffles); NaN for constant neurons.
    q_values : (n_units,) float array
        The same corrected for the number of neurons (Benjamini-Hochberg).
    """

    null_r: FloatArray
    p_values: FloatArray
    q_values: FloatArray


def permutation_null(
    features: FloatArray,
    responses: FloatArray,
    *,
    n_components: Sequence[int] = N_COMPONENTS,
    n_folds: int = 10,
    n_shuffles: int = 1000,
    seed: int = 0,
    groups: Sequence[object] | None = None,
    n_blocks: int = 0,
    n_workers: int = 1,
    on_progress: Callable[[int], None] = lambda _n_done: None,
) -> PermutationNull:
    """Repeat `cross_validate_pls` with shuffled image labels.

    The whole procedure is repeated for each shuffle, the choice of components included. All
    neurons are shuffled alike, which leaves their correlations as they are.

    Parameters
    ----------
    features, responses, n_components, n_folds, seed, groups
        As of the `cross_validate_pls` in question: the folds are the same.
    n_shuffles : int
        The smallest p-value is ``1 / (1 + n_shuffles)``.
    n_blocks : int
        For images whose order matters, see the Notes: into how many stretches the order is cut, of
        which folds hold whole ones; responses are shifted over it, not shuffled. 0 is for
        images whose order means nothing. The `cross_validate_pls` in question has the groups that
        `block_groups` returns.
    n_workers : int
        Processes that share the work; the result is the same.
    on_progress : callable
        Called with how many shuffles are done.

    Returns
    -------
    null : PermutationNull

    Notes
    -----
    The p-values are right if images are exchangeable: if, for a neuron that nothing in the images
    drives, any order of its responses would have been as likely. This is so where images were shown
    in random order, or where rows stand in an order that has nothing to do with time. Where rows
    stand in the order of showing, and features and responses both vary slowly over it, it is not:
    every slow response is predicted from every slow feature, and p <= 0.05 came out for 100 % of
    unrelated neurons (`order_autocorrelation` finds this).

    With `n_blocks`, whole stretches of the order are left out of a fit, so that an image is not
    predicted from its neighbours, and the null begins elsewhere in the responses and turns back
    at their ends (`draw_shifts`), which leaves them as slow as they are. There are twice as many
    such shifts as images, less one: with more shuffles all of them are taken. Stretches should be
    several times as long as what varies slowly. Measured with 120 images and 10 blocks, where
    features and responses are smooth noise with a correlation length of 8 images, or walk at
    random: p <= 0.05 for 5 % of unrelated neurons (+-1 %). Where both are sines of half a cycle to
    three over all images, for which no stretch is long enough, it is 9 % (+-2 %).

    Groups are shuffled as wholes, among those of their size: the images of a group, which may be
    the same picture twice, share what is true of their responses, and apart they would be more
    observations than they are. A group of a size of its own stays where it is, and makes the test
    a little blunter. A shuffle for which the correlation is not defined counts as one that reaches
    the true correlation, on the safe side.
    """
    from joblib import Parallel, delayed

    features, responses = checked_data(features, responses)
    if n_blocks:
        groups = block_groups(len(features), n_blocks, groups)
    rng = np.random.default_rng(seed)
    nested = NestedPls.prepare(
        features, n_components=n_components, n_folds=n_folds, rng=rng, groups=groups
    ).diagonalized()
    measured = np.ascontiguousarray(responses.T)
    (true_r,) = _shuffled_r(nested, measured, [np.arange(len(features))])
    orders = (
        draw_shifts(len(features), n_shuffles, rng)
        if n_blocks
        else draw_shuffles(len(features), n_shuffles, rng, groups)
    )
    n_shuffles = len(orders)
    null_r = np.empty((n_shuffles, len(measured)))
    portions = [orders[first : first + PORTION] for first in range(0, n_shuffles, PORTION)]
    parallel = Parallel(n_jobs=n_workers, return_as="generator")
    n_done = 0
    on_progress(n_done)
    for r in parallel(delayed(_shuffled_r)(nested, measured, portion) for portion in portions):
        null_r[n_done : n_done + len(r)] = r
        n_done += len(r)
        on_progress(n_done)
    n_reaching = (~(null_r < true_r)).sum(axis=0)
    p_values = np.where(np.isfinite(true_r), (1 + n_reaching) / (1 + n_shuffles), np.nan)
    return PermutationNull(null_r, p_values, adjust_fdr(p_values))


def _shuffled_r(nested: NestedPls, responses: FloatArray, orders: Sequence[IntArray]) -> FloatArray:
    """Correlate predictions with the responses in other orders; gives (n_orders, n_units)."""
    r = np.empty((len(orders), len(responses)))
    for index, order in enumerate(orders):
        shuffled = responses[:, order]
        predictions, _ = nested.predict(shuffled)
        r[index] = correlation(predictions, shuffled)
    return r
