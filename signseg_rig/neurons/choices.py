"""Which left-out images ablated models like best, and what recorded neurons answered to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np

from signseg_rig.errors import ConfigError
from signseg_rig.neurons.cross_validation import CrossValidation
from signseg_rig.neurons.linear import checked_data
from signseg_rig.neurons.pls import fit_pls
from signseg_rig.seeds import named_rng
from signseg_rig.signs import GradedAblation, Match, Sign, matched_random
from signseg_rig.values import BoolArray, FloatArray, IntArray

SHARE = 0.05
Control = Literal["", "number", "magnitude", "equal_number", "equal_magnitude"]


class Removal(NamedTuple):
    """What is removed of a model's weights.

    Parameters
    ----------
    sign : {"positive", "negative"}
        Of the weights that are removed, or to which random ones are matched.
    control : str
        ``""`` removes a share of the weights' summed magnitude, the largest first; ``"number"`` and
        ``"magnitude"`` remove random weights of either sign, matched to that. ``"equal_number"``
        and ``"equal_magnitude"`` remove the largest of the sign, but as many, or as much, as can be
        removed of both signs: the smaller of both amounts.
    strength : float, from 0 to 1
    """

    sign: Sign
    control: Control
    strength: float


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """What neurons answered to the images that models of them chose.

    Parameters
    ----------
    intact : (n_units,) float array, in standard deviations
        Mean response to the images that the intact model likes best, above that to all images, in
        standard deviations of the neuron's responses over the images.
    by_fold : dict of Removal to (n_units, n_folds) float array, in standard deviations
        The same of an ablated model, less that of the intact one, in each fold, whose images no
        other fold has. NaN where so much was removed that a model likes all images equally.
    n_chosen : int
        Images that are chosen in each fold.
    """

    intact: FloatArray
    by_fold: dict[Removal, FloatArray]
    n_chosen: int

    @property
    def removed(self) -> dict[Removal, FloatArray]:
        """Means over folds, (n_units,) each."""
        return {removal: values.mean(axis=1) for removal, values in self.by_fold.items()}


def choose_images(predictions: FloatArray, n_chosen: int) -> FloatArray:
    """Choose the images with the largest predictions.

    Parameters
    ----------
    predictions : (n_units, n_images) float array
    n_chosen : int

    Returns
    -------
    weights : (n_units, n_images) float array
        ``1 / n_chosen`` for each chosen image. Where several tie for the last places these are
        shared equally, which gives the mean over all ways to break the tie. NaN where all
        predictions of a unit are the same.

    Examples
    --------
    >>> choose_images(np.array([[3.0, 1.0, 2.0, 2.0]]), 2)
    array([[0.5 , 0.  , 0.25, 0.25]])
    """
    least = -np.sort(-predictions, axis=1)[:, n_chosen - 1 : n_chosen]
    above, tied = predictions > least, predictions == least
    left = n_chosen - above.sum(axis=1, keepdims=True)
    weights = (above + tied * (left / tied.sum(axis=1, keepdims=True))) / n_chosen
    # A model without weights predicts one rate for all images, but for its last bits.
    spread, scale = np.ptp(predictions, axis=1), np.abs(predictions).max(axis=1)
    weights[spread <= 1e-12 * scale] = np.nan
    return weights


def ablated_choices(
    features: FloatArray,
    responses: FloatArray,
    validation: CrossValidation,
    *,
    strengths: Sequence[float] = (0.7,),
    share: float = SHARE,
    n_draws: int = 10,
    seed: int = 0,
    on_progress: Callable[[int], None] = lambda _n_done: None,
) -> Choices:
    """Let intact and ablated models choose among left-out images, and ask the recorded neurons.

    In each fold, models are fitted to the other images; of the images left out, each model chooses
    the share that it predicts the largest rates for, and the recorded responses to these are
    averaged. No image is chosen by a model that was fitted to it.

    Parameters
    ----------
    features : (n_images, n_features) float array
        Never negative, or signs mean nothing (`allow_sign_ablation`).
    responses : (n_images, n_units) float array
        Mean rates over the repeats; single showings do as well, with more scatter.
    validation : CrossValidation
        Of the same, by `cross_validate_pls`: its folds and numbers of components are used.
    strengths : sequence of float, from 0 to 1
        Shares of the summed magnitude of weights that are removed.
    share : float, in (0, 0.5]
        Of the left-out images, chosen in each fold; at least one is.
    n_draws : int, at least 1
        Of each random control; means over the draws are given.
    seed : int
        Of the draws; each fold, strength, kind and draw has a stream of its own.
    on_progress : callable
        Called with how many folds are done.

    Returns
    -------
    choices : Choices

    Raises
    ------
    ConfigError
        The arrays do not fit together, or a number is out of bounds.

    Notes
    -----
    The conventions ``"raw"`` and ``"centered"`` of an ablation differ by a constant for each model,
    which does not change the order of images: both choose the same.

    Differences from the intact model's choice are biased where neurons were selected by how well
    the intact model predicts, with the same responses, and by arithmetic: they are no evidence.
    Two ablated models are compared with each other.
    """
    features, responses = checked_data(features, responses)
    if not (0 < share <= 0.5 and n_draws >= 1):
        raise ConfigError(
            f"share should be above 0 and at most 0.5, and n_draws at least 1; got {share} and "
            f"{n_draws}."
        )
    deviation = (responses - responses.mean(axis=0)) / responses.std(axis=0)
    folds = range(len(validation.n_components_chosen))
    n_chosen = max(1, round(share * len(features) / len(folds)))
    found: list[dict[Removal | None, FloatArray]] = []
    for fold in folds:
        is_test = validation.fold == fold
        weights = fit_pls(
            features[~is_test],
            responses[~is_test],
            n_components=validation.n_components_chosen[fold],
        ).coef
        liked: dict[Removal | None, list[FloatArray]] = {}
        for removal, left in _models(weights, strengths, n_draws, (seed, fold)):
            chosen = choose_images(left @ features[is_test].T, n_chosen)
            liked.setdefault(removal, []).append((chosen * deviation[is_test].T).sum(axis=1))
        found.append({removal: np.mean(draws, axis=0) for removal, draws in liked.items()})
        on_progress(fold + 1)
    by_model: dict[Removal | None, FloatArray] = {
        removal: np.stack([one[removal] for one in found], axis=1) for removal in found[0]
    }
    intact = by_model[None]
    by_fold: dict[Removal, FloatArray] = {
        removal: one - intact for removal, one in by_model.items() if removal is not None
    }
    return Choices(intact.mean(axis=1), by_fold, n_chosen)


def _models(
    weights: FloatArray, strengths: Sequence[float], n_draws: int, stream: tuple[int, int]
) -> Iterator[tuple[Removal | None, FloatArray]]:
    """Yield weights of the intact models (None), of ablated ones, and each draw of a control."""
    yield None, weights
    graded: dict[Sign, GradedAblation] = {
        sign: GradedAblation(weights, sign=sign) for sign in get_args(Sign)
    }
    seed, fold = stream
    for strength in strengths:
        for sign, ablation in graded.items():
            ablated = ablation.at(strength)
            yield Removal(sign, "", strength), ablated.weights
            for match in get_args(Match):
                for draw in range(n_draws):
                    rng = named_rng(seed, "choice", fold, sign, repr(strength), match, draw)
                    drawn = matched_random(weights, ablated, match=match, rng=rng)
                    yield Removal(sign, match, strength), drawn.weights
        yield from _equal(weights, strength)


def _equal(weights: FloatArray, strength: float) -> Iterator[tuple[Removal, FloatArray]]:
    """Remove equally many of both signs, and equally much, the largest of each sign first."""
    magnitude = {"positive": np.maximum(weights, 0), "negative": np.maximum(-weights, 0)}
    order = {sign: np.argsort(-values, axis=1) for sign, values in magnitude.items()}
    sums = {
        sign: np.take_along_axis(values, order[sign], axis=1).cumsum(axis=1)
        for sign, values in magnitude.items()
    }
    wanted = strength * np.minimum(*(one[:, -1] for one in sums.values()))
    as_much = {sign: _n_reaching(one, wanted) for sign, one in sums.items()}
    own = {sign: _n_reaching(one, strength * one[:, -1]) for sign, one in sums.items()}
    n_of_sign = [np.count_nonzero(values, axis=1) for values in magnitude.values()]
    as_many = np.minimum(np.minimum(*own.values()), np.minimum(*n_of_sign))
    for sign in get_args(Sign):
        rank = order[sign].argsort(axis=1)
        for control, n_removed in (
            ("equal_number", as_many),
            ("equal_magnitude", as_much[sign]),
        ):
            removal = Removal(sign, control, strength)  # type: ignore[arg-type]
            yield removal, weights * ~_first(rank, n_removed)


def _n_reaching(sums: FloatArray, wanted: FloatArray) -> IntArray:
    """Return how many of the largest are needed for a sum; of what rounding leaves, none."""
    n_needed: IntArray = np.count_nonzero(sums < wanted[:, None] * (1 - 1e-9), axis=1)
    return np.where(wanted > 0, n_needed + 1, 0)


def _first(rank: IntArray, n_removed: IntArray) -> BoolArray:
    return rank < n_removed[:, None]
