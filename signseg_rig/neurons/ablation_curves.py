"""How predicted rates change as weights are removed: every sign, strength, convention, control."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from signseg_rig.errors import ConfigError
from signseg_rig.neurons.accuracy import correlation
from signseg_rig.neurons.feature_signs import allow_sign_ablation, require_never_negative
from signseg_rig.neurons.features import FeatureSpec
from signseg_rig.neurons.models import Ablation, Convention, NeuronModels
from signseg_rig.seeds import named_rng
from signseg_rig.signs import (
    STRENGTHS,
    AblatedWeights,
    Condition,
    GradedAblation,
    Match,
    Sign,
    both_signs,
    matched_random,
)
from signseg_rig.values import BoolArray, FloatArray

FROM_INTACT = (0.0, *STRENGTHS)
PREFERRED = 0.1
N_DRAWS = 10


@dataclass(frozen=True, slots=True)
class AblationPoint:
    """What one ablation did to one neuron model.

    Parameters
    ----------
    unit : str
    sign : str
        ``"positive"``, ``"negative"`` or ``"both"``: the weights that were removed, or to which a
        control was matched; of a `Condition`.
    control : str
        ``""`` for the ablation itself, ``"number"`` or ``"magnitude"`` for random weights matched
        to it: `match` of a `Condition`.
    convention : str
        ``"raw"`` or ``"centered"``, see `NeuronModels.ablate`.
    signed_features_anyway : bool
        Whether features take both signs, so that the sign of a weight means nothing, or may do so.
    strength, realized_strength : float
        The share of magnitude that was to be removed, and that was: of the weights of the sign, or
        for controls and both signs of all weights.
    n_removed : float
        A mean, as all that follows, where a control was drawn several times.
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
    signed_features_anyway: bool
    strength: float
    realized_strength: float
    n_removed: float
    mean_rate_hz: float
    preferred_rate_hz: float
    mean_change_hz: float
    preferred_change_hz: float
    r_intact: float


def ablation_curves(
    models: NeuronModels,
    features: FloatArray,
    *,
    strengths: Sequence[float] = FROM_INTACT,
    seed: int = 0,
    n_draws: int = N_DRAWS,
    spec: FeatureSpec | None = None,
    signed_features_anyway: bool = False,
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
        Of the random controls; each kind, strength and draw has a stream of its own.
    n_draws : int, at least 1
        Of each random control: single neurons vary from draw to draw, and points are means.
    spec : FeatureSpec, optional
        See `NeuronModels.predict`.
    signed_features_anyway : bool
        See `NeuronModels.ablate`.

    Returns
    -------
    points : list of AblationPoint
        For every sign and strength, both conventions, and both matched-random controls.

    Raises
    ------
    NeuronModelError
        The features are not those that the models read, or the models are ablated already, or the
        features take both signs, so that the signs of weights mean nothing.
    ConfigError
        There is less than one draw.
    """
    if n_draws < 1:
        raise ConfigError(f"n_draws should be at least 1; got {n_draws}.")
    features = models.checked_features(features, spec)
    is_anyway = allow_sign_ablation(
        models.signs, models.described, signed_features_anyway=signed_features_anyway
    )
    if not is_anyway:
        require_never_negative(features, models.described)
    centred = features - models.feature_mean
    intact = centred @ models.coef.T + models.mean_rate_hz
    preferred = intact >= np.quantile(intact, 1 - PREFERRED, axis=0)

    def measured(condition: Condition, ablated: AblatedWeights) -> Iterator[FloatArray]:
        # The conventions differ in a constant only.
        deviation = centred @ ablated.weights.T
        for convention in get_args(Convention):
            ablation = Ablation(condition, convention, is_anyway)
            rates = deviation + models.with_weights(ablated, ablation).mean_rate_hz
            yield _measures(ablated, rates, intact, preferred)

    points: list[AblationPoint] = []
    for one, draws in _ablations(models.coef, strengths, seed, n_draws):
        means = np.mean([list(measured(one, ablated)) for ablated in draws], axis=0)
        points += [
            AblationPoint(
                *(unit, one.sign, one.match, convention, is_anyway, one.strength), *values
            )
            for convention, of_units in zip(get_args(Convention), means, strict=True)
            for unit, values in zip(models.unit_ids, of_units.T.tolist(), strict=True)
        ]
    return points


def _measures(
    ablated: AblatedWeights, rates: FloatArray, intact: FloatArray, preferred: BoolArray
) -> FloatArray:
    """Return what a point tells of an ablation, (n_measures, n_units), in the order of fields."""
    change = rates - intact
    return np.array(
        [
            ablated.realized_strength,
            ablated.n_removed,
            rates.mean(axis=0),
            rates.mean(axis=0, where=preferred),
            change.mean(axis=0),
            change.mean(axis=0, where=preferred),
            correlation(rates.T, intact.T),
        ]
    )


def _ablations(
    weights: FloatArray, strengths: Sequence[float], seed: int, n_draws: int
) -> Iterator[tuple[Condition, Iterable[AblatedWeights]]]:
    """Yield the ablations of each condition: one, or the draws of a random control.

    Each is followed by its controls, which are matched to it; the order is that of the table.
    """
    for sign in get_args(Sign):
        graded = GradedAblation(weights, sign=sign)
        for strength in strengths:
            ablated = graded.at(strength)
            condition = Condition(sign, strength)
            yield condition, [ablated]
            # Without anything to remove all draws are alike.
            n_different = n_draws if ablated.n_removed.any() else 1
            for match in get_args(Match):
                # Not `Condition.words`: other words would draw other weights than before.
                stream = sign, match, str(strength)
                draws = (
                    matched_random(
                        weights, ablated, match=match, rng=named_rng(seed, *stream, draw)
                    )
                    for draw in range(n_different)
                )
                yield replace(condition, control=match), draws
    for strength in strengths:
        yield Condition("both", strength, "both_signs"), [both_signs(weights, strength=strength)]
