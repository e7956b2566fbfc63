"""Graded ablation: remove the weights of one sign, the largest first, by cumulative magnitude."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from signseg_rig.errors import ConfigError
from signseg_rig.signs.conditions import Sign, require_strength, require_word
from signseg_rig.signs.dale import checked_weights
from signseg_rig.values import BoolArray, FloatArray, IntArray

Scope = Literal["unit", "matrix"]


@dataclass(frozen=True, slots=True, eq=False)
class AblatedWeights:
    """Weights of which some were set to 0.

    Parameters
    ----------
    weights : (n_units, n_features) float array
    removed_mask : (n_units, n_features) bool array
    n_removed : (n_units,) int array
        With scope ``"matrix"`` an array of shape ().
    realized_strength : (n_units,) float array
        The removed share of the summed magnitude of all weights that might have been removed, or
        of what they are judged by; NaN where there was none; with scope ``"matrix"`` of shape ().
    """

    weights: FloatArray
    removed_mask: BoolArray
    n_removed: IntArray
    realized_strength: FloatArray


class GradedAblation:
    """Weights sorted once, to be ablated at any strength.

    Parameters
    ----------
    weights : (n_units, n_features) float array
        Never changed.
    sign : {"positive", "negative"}
        Which weights are removed.
    scope : {"unit", "matrix"}
        Whether each unit, a row, is taken on its own, or the whole matrix as one set.
    by : (n_units, n_features) float array, optional
        What decides in place of the weights themselves, by its sign and its magnitude: the
        contributions of hidden connections, gradient times activation, for instance.

    Raises
    ------
    ConfigError
        A word is unknown, the arrays are no matrices of one shape, or hold values not finite.

    Examples
    --------
    >>> ablation = GradedAblation(np.array([[4.0, -1.0, 3.0, 1.0]]), sign="positive")
    >>> ablation.at(0.5).weights, ablation.at(0.6).weights
    (array([[ 0., -1.,  3.,  1.]]), array([[ 0., -1.,  0.,  1.]]))
    """

    def __init__(
        self,
        weights: FloatArray,
        *,
        sign: Sign,
        scope: Scope = "unit",
        by: FloatArray | None = None,
    ) -> None:
        require_word("sign", sign, get_args(Sign))
        require_word("scope", scope, get_args(Scope))
        self._weights = checked_weights(weights)
        judged = judged_by(self._weights, by)
        self._scope = scope
        sets = judged.reshape(1, -1) if scope == "matrix" else judged
        self._magnitude = np.maximum(sets if sign == "positive" else -sets, 0)
        self._n_of_sign = np.count_nonzero(self._magnitude, axis=1)
        # Descending, and no more of them than the set with the most weights of the sign has.
        n_kept = max(1, int(self._n_of_sign.max()))
        self._sorted = np.sort(self._magnitude, axis=1)[:, : -n_kept - 1 : -1]
        # Converted as a whole first: cumsum(dtype=...) of what is reversed takes twice as long.
        self._removed_sum = self._sorted.astype(np.float64, order="C")
        np.cumsum(self._removed_sum, axis=1, out=self._removed_sum)

    def at(self, strength: float) -> AblatedWeights:
        """Remove the fewest weights whose summed magnitude is the wanted share, largest first.

        Parameters
        ----------
        strength : float, from 0 to 1
            0 removes nothing, 1 removes all weights of the sign, whatever the sums are in floating
            point.

        Raises
        ------
        ConfigError
            It is not from 0 to 1.
        """
        n_removed = self._n_to_remove(strength)
        removed_mask = self._largest(n_removed).reshape(self._weights.shape)
        share = self._share(n_removed)
        if self._scope == "matrix":
            n_removed, share = n_removed[0], share[0]
        return AblatedWeights(
            weights=_zeroed(self._weights, removed_mask),
            removed_mask=removed_mask,
            n_removed=np.asarray(n_removed),
            realized_strength=np.asarray(share),
        )

    def _n_to_remove(self, strength: float) -> IntArray:
        require_strength(strength)
        if strength == 0:
            return np.zeros_like(self._n_of_sign)
        if strength == 1:
            return self._n_of_sign
        # Sums in floating point: of ten equal weights, three are a share of 0.3.
        tolerance = self._removed_sum.shape[1] * np.finfo(np.float64).eps
        target = strength * (1 - tolerance) * self._removed_sum[:, -1:]
        # The sums grow, so that counting those below the target finds the first that reaches it.
        n_below = np.count_nonzero(self._removed_sum < target, axis=1)
        return np.minimum(n_below + 1, self._n_of_sign)

    def _largest(self, n_removed: IntArray) -> BoolArray:
        """Return the n largest of each set; of equal ones the first in the order of features."""
        last = np.maximum(n_removed - 1, 0)[:, None]
        least = np.take_along_axis(self._sorted, last, axis=1)
        least = np.where(n_removed[:, None] > 0, least, np.inf)
        larger = self._magnitude > least
        tied = self._magnitude == least
        n_wanted = n_removed - np.count_nonzero(larger, axis=1)
        rows = np.flatnonzero(np.count_nonzero(tied, axis=1) > n_wanted)
        tied[rows] &= tied[rows].cumsum(axis=1) <= n_wanted[rows, None]
        return larger | tied

    def _share(self, n_removed: IntArray) -> FloatArray:
        last = np.maximum(n_removed - 1, 0)[:, None]
        removed = np.where(
            n_removed > 0, np.take_along_axis(self._removed_sum, last, axis=1)[:, 0], 0
        )
        total = self._removed_sum[:, -1]
        share = np.divide(removed, total, out=np.full(total.shape, np.nan), where=total > 0)
        return np.where((n_removed == self._n_of_sign) & (total > 0), 1.0, share)


def ablate(
    weights: FloatArray, *, sign: Sign, strength: float, scope: Scope = "unit"
) -> AblatedWeights:
    """Remove positive or negative weights: the fewest that make up a share of their magnitude.

    The weights of one sign are sorted by magnitude, descending, and the first k are set to 0, with
    the smallest k whose summed magnitude is at least `strength` times that of all of them.

    Parameters
    ----------
    weights : (n_units, n_features) float array
        A row is a unit's incoming weights: a network's readout, or neuron models. Never changed.
    sign : {"positive", "negative"}
    strength : float, from 0 to 1
    scope : {"unit", "matrix"}
        Whether each unit is taken on its own, or the whole matrix as one set.

    Returns
    -------
    ablated : AblatedWeights

    Raises
    ------
    ConfigError
        An argument is not as described, or a weight is not finite.

    See Also
    --------
    GradedAblation : the same for many strengths, sorted once.

    Examples
    --------
    >>> ablate(np.array([[4.0, -1.0, 3.0, 1.0]]), sign="positive", strength=0.5).weights
    array([[ 0., -1.,  3.,  1.]])
    """
    return GradedAblation(weights, sign=sign, scope=scope).at(strength)


def both_signs(
    weights: FloatArray, *, strength: float, scope: Scope = "unit", by: FloatArray | None = None
) -> AblatedWeights:
    """Remove weights of both signs, each by the same strength: a control.

    Parameters, errors and result are those of `GradedAblation`; the realised strength is the
    removed share of the magnitude of all weights, or of all that they are judged by.
    """
    weights = checked_weights(weights)
    masks = [
        GradedAblation(weights, sign=sign, scope=scope, by=by).at(strength).removed_mask
        for sign in get_args(Sign)
    ]
    return without(weights, masks[0] | masks[1], scope, judged_by(weights, by))


def judged_by(weights: FloatArray, by: FloatArray | None) -> FloatArray:
    """Return what decides which weights are removed: they themselves, unless it is something else.

    Raises
    ------
    ConfigError
        The arrays are no matrices of one shape, or hold values not finite.
    """
    judged = weights if by is None else checked_weights(by)
    if weights.ndim != 2 or not weights.size or judged.shape != weights.shape:
        raise ConfigError(
            "Weights should be (n_units, n_features), and what they are judged by likewise; "
            f"got {weights.shape} and {judged.shape}."
        )
    return judged


def without(
    weights: FloatArray, removed_mask: BoolArray, scope: Scope, judged: FloatArray
) -> AblatedWeights:
    """Return weights without some, chosen of either sign among all that are judged other than 0."""
    magnitude = np.abs(judged, dtype=np.float64)
    axis = 1 if scope == "unit" else None
    removed = np.asarray(np.where(removed_mask, magnitude, 0).sum(axis=axis))
    total = np.asarray(magnitude.sum(axis=axis))
    return AblatedWeights(
        weights=_zeroed(weights, removed_mask),
        removed_mask=removed_mask,
        n_removed=np.asarray(np.count_nonzero(removed_mask, axis=axis)),
        realized_strength=np.divide(
            removed, total, out=np.full(total.shape, np.nan), where=total > 0
        ),
    )


def _zeroed(weights: FloatArray, removed_mask: BoolArray) -> FloatArray:
    # A product, as a choice by a scattered mask (np.where) takes four times as long. It leaves -0
    # of negative weights; the sum makes 0 of that.
    kept: FloatArray = weights * ~removed_mask
    kept += 0
    return kept
