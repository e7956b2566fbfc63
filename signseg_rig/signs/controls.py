"""Controls of an ablation: as many random weights, or random weights of the same magnitude."""

from __future__ import annotations

from typing import get_args

import numpy as np

from signseg_rig.errors import ConfigError
from signseg_rig.signs.ablation import AblatedWeights, Scope, judged_by, without
from signseg_rig.signs.conditions import Match, require_word
from signseg_rig.signs.dale import checked_weights
from signseg_rig.values import BoolArray, FloatArray


def matched_random(
    weights: FloatArray,
    ablated: AblatedWeights,
    *,
    match: Match,
    rng: np.random.Generator,
    by: FloatArray | None = None,
) -> AblatedWeights:
    """Remove random weights of any sign, matched to an ablation.

    Parameters
    ----------
    weights : (n_units, n_features) float array
        Those that were ablated, as they were before.
    ablated : AblatedWeights
        Each unit is matched on its own, or the whole matrix, as its scope was.
    match : {"number", "magnitude"}
        ``"number"`` removes as many weights. ``"magnitude"`` removes weights in random order until
        their summed magnitude is as near as it comes to that of the ablation: as an ablation takes
        the largest, it removes more of them.
    rng : numpy.random.Generator
    by : (n_units, n_features) float array, optional
        What the ablation was judged by, if not the weights: it is the magnitude then. Where it is 0
        no ablation removes a weight, and so no control does.

    Returns
    -------
    control : AblatedWeights
        Its realised strength is the removed share of the magnitude of all weights, or of all that
        they are judged by.

    Raises
    ------
    ConfigError
        The word is unknown, or the arrays have different shapes.
    """
    weights = checked_weights(weights)
    require_word("match", match, get_args(Match))
    if weights.shape != ablated.removed_mask.shape:
        raise ConfigError(
            f"The weights {weights.shape} are not those of the ablation, which had "
            f"{ablated.removed_mask.shape}."
        )
    judged = judged_by(weights, by)
    scope: Scope = "unit" if ablated.n_removed.ndim else "matrix"
    shape = weights.shape if scope == "unit" else (1, weights.size)
    choose = _as_many if match == "number" else _as_much
    magnitude = np.abs(judged, dtype=np.float64).reshape(shape)
    mask = choose(magnitude, ablated.removed_mask.reshape(shape), rng)
    return without(weights, mask.reshape(weights.shape), scope, judged)


def _as_many(magnitude: FloatArray, removed_mask: BoolArray, rng: np.random.Generator) -> BoolArray:
    rank = _random_order(magnitude, rng).argsort(axis=1)
    return rank < removed_mask.sum(axis=1, keepdims=True)


def _as_much(magnitude: FloatArray, removed_mask: BoolArray, rng: np.random.Generator) -> BoolArray:
    order = _random_order(magnitude, rng)
    sums = np.take_along_axis(magnitude, order, axis=1).cumsum(axis=1)
    sums = np.pad(sums, ((0, 0), (1, 0)))
    target = np.where(removed_mask, magnitude, 0).sum(axis=1, keepdims=True)
    # Of equally near sums, such as those that only add zeros, the first.
    n_removed = np.abs(sums - target).argmin(axis=1)
    return order.argsort(axis=1) < n_removed[:, None]


def _random_order(magnitude: FloatArray, rng: np.random.Generator) -> np.ndarray:
    """Order each row at random; those of magnitude 0, which cannot be removed, come last."""
    keys = rng.random(magnitude.shape)
    keys[magnitude == 0] = 2
    return keys.argsort(axis=1)
