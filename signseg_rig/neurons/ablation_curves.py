"""How predicted rates change as weights are removed: every sign, strength, convention, control."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from signseg_rig.neurons.accuracy import correlation
from signseg_rig.neurons.models import Ablation, Convention, NeuronModels
from signseg_rig.signs import (
    AblatedWeights,
    GradedAblation,
    Match,
    Sign,
    both_signs,
    matched_random,
)
from signseg_rig.types import FloatArray

STRENGTHS = tuple(round(0.1 * step, 1) for step in range(11))
BOTH = "both"
PREFERRED = 0.1


@dataclass(frozen=True, slots=True)
class AblationPoint:
    """What one ablation did to one neuron model.

    Parameters
    ----------
    unit : str
    sign : str
        ``"positive"``, ``"negative"`` or ``"both"``: the weights that were removed, or to which a
        control was matched.
    control : str
        ``""`` for the ablation itself, ``"number"`` or ``"magnitude"`` for random weights matched
        to it.
    convention : str
        ``"raw"`` or ``"centered"``, see `NeuronModels.ablate`.
    strength, realized_strength : float
        The share of magnitude that was to be removed, and that was: of the weights of the sign, or
        for controls and both signs of all weights.
    n_removed : int
    mean_rate_hz : float
        Predicted, over the images, in spikes per second.
    preferred_rate_hz : float
        Predicted, over the tenth of the images that the intact model prefers.
    mean_change_hz, preferred_change_hz : float
        The same minus what the intact model predicts.
    r_intact : float
        Correlation with the intact model's predictions; NaN where nothing is left.
    """

    unit: str
    sign: str
    control: str
    convention: str
    strength: float
    realized_strength: float
    n_removed: int
    mean_rate_hz: float
    preferred_rate_hz: float
    mean_change_hz: float
    preferred_change_hz: float
    r_intact: float


def ablation_curves(
    models: NeuronModels,
    features: FloatArray,
    *,
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
) -> list[AblationPoint]:
    """Predict the rates of images by models whose weights are removed by degrees.

    Parameters
    ----------
    models : NeuronModels
        As fitted.
    features : (n_images, n_features) float array
        Of the images, such as those of the recording.
    strengths : sequence of float, from 0 to 1
    seed : int
        Of the random controls.

    Returns
    -------
    points : list of AblationPoint
        For every sign and strength, both conventions, and both matched-random controls.
    """
    rng = np.random.default_rng(seed)
    intact = models.predict(features)
    preferred = intact >= np.quantile(intact, 1 - PREFERRED, axis=0)
    points: list[AblationPoint] = []
    for sign, control, strength, ablated in _ablations(models.coef, strengths, rng):
        for convention in get_args(Convention):
            changed = models.with_weights(ablated, Ablation(sign, strength, convention))
            rates = changed.predict(features)
            measures = zip(
                models.unit_ids,
                ablated.realized_strength.tolist(),
                ablated.n_removed.tolist(),
                rates.mean(axis=0).tolist(),
                rates.mean(axis=0, where=preferred).tolist(),
                (rates - intact).mean(axis=0).tolist(),
                (rates - intact).mean(axis=0, where=preferred).tolist(),
                correlation(rates.T, intact.T).tolist(),
                strict=True,
            )
            points += [
                AblationPoint(unit, sign, control, convention, strength, *rest)
                for unit, *rest in measures
            ]
    return points


def _ablations(
    weights: FloatArray, strengths: Sequence[float], rng: np.random.Generator
) -> Iterator[tuple[str, str, float, AblatedWeights]]:
    for sign in get_args(Sign):
        graded = GradedAblation(weights, sign=sign)
        for strength in strengths:
            ablated = graded.at(strength)
            yield sign, "", strength, ablated
            for match in get_args(Match):
                yield sign, match, strength, matched_random(weights, ablated, match=match, rng=rng)
    for strength in strengths:
        yield BOTH, "", strength, both_signs(weights, strength=strength)
