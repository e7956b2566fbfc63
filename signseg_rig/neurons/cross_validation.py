"""How well PLS predicts neurons' responses to images that it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from signseg_rig.neurons.accuracy import correlation, explained_variance
from signseg_rig.neurons.folds import assign_folds, groups_of
from signseg_rig.neurons.linear import checked_data
from signseg_rig.neurons.nested_pls import NestedPls, at_components, choose_on_all
from signseg_rig.neurons.pls import PlsModel, fit_pls
from signseg_rig.neurons.regularized import LinearFit
from signseg_rig.values import BoolArray, FloatArray, IntArray

N_COMPONENTS = range(1, 26)


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """Predictions of every image from a fit to others, and how good they are.

    Parameters
    ----------
    predictions : (n_images, n_units) float array
    r : (n_units,) float array
        Correlation of predicted and measured responses over all images; NaN where one of them is
        constant.
    r2 : (n_units,) float array
        Explained variance over all images; below 0 where the mean response predicts better.
    train_r, train_r2 : (n_units,) float arrays
        The same for the images of the fits, as the mean over the folds in which the neuron's
        responses differ; NaN where there is none.
    n_components_chosen : (n_folds, n_units) int array
        Without columns for fits that have no components.
    fold : (n_images,) int array
        In which fold an image was predicted.
    """

    predictions: FloatArray
    r: FloatArray
    r2: FloatArray
    train_r: FloatArray
    train_r2: FloatArray
    n_components_chosen: IntArray
    fold: IntArray

    def of_units(self, units: BoolArray | IntArray) -> CrossValidation:
        """Return the part of some units, by their numbers or a mask."""
        return CrossValidation(
            *(self.predictions[:, units], self.r[units], self.r2[units]),
            *(self.train_r[units], self.train_r2[units]),
            self.n_components_chosen[:, units],
            self.fold,
        )


def cross_validate_pls(
    features: FloatArray,
    responses: FloatArray,
    *,
    n_components: Sequence[int] = N_COMPONENTS,
    n_folds: int = 10,
    seed: int = 0,
    groups: Sequence[object] | None = None,
) -> CrossValidation:
    """Predict every image by PLS models that were fitted to, and chosen with, other images.

    In each of `n_folds` parts of the images, a neuron's number of components is chosen by an inner
    5-fold cross-validation of the rest, by least squared error; then the rest is fitted with it,
    and the part is predicted.

    Parameters
    ----------
    features : (n_images, n_features) float array
    responses : (n_images, n_units) float array
        Such as mean rates over the repeats of an image. A row is an image, so all its repeats are
        in one fold.
    n_components : sequence of int
        To choose from. Those that the smallest of the inner fits cannot have are left out.
    n_folds : int
    seed : int
        Of the assignment of images to folds.
    groups : sequence of n_images hashable, optional
        Images of one group are never on both sides of a split: the same picture under two names.

    Returns
    -------
    result : CrossValidation

    Raises
    ------
    ConfigError
        The arrays do not fit together, are not finite, or have too few images for the folds.

    Notes
    -----
    Features are centred by the images of each fit only. The correlation is taken over all images
    at once; where nothing can be predicted it tends to lie a little below 0, because leaving images
    out moves the mean of the rest away from them. `permutation_null` has the same tendency, and so
    gives right p-values.
    """
    features, responses = checked_data(features, responses)
    nested = NestedPls.prepare(
        features,
        n_components=n_components,
        n_folds=n_folds,
        rng=np.random.default_rng(seed),
        groups=groups,
    )
    measured = np.ascontiguousarray(responses.T)
    predictions, chosen = nested.predict(measured)
    train_r, train_r2 = _train_accuracy(nested, measured, chosen)
    fold = np.empty(len(features), dtype=np.int64)
    for number, one in enumerate(nested.outer):
        fold[one.test] = number
    return CrossValidation(
        predictions=predictions.T,
        r=correlation(predictions, measured),
        r2=explained_variance(predictions, measured),
        train_r=train_r,
        train_r2=train_r2,
        n_components_chosen=chosen,
        fold=fold,
    )


def fit_pls_chosen(
    features: FloatArray,
    responses: FloatArray,
    *,
    n_components: Sequence[int] = N_COMPONENTS,
    seed: int = 0,
    groups: Sequence[object] | None = None,
) -> PlsModel:
    """Fit all images, each neuron with the number of components that 5-fold cross-validation gives.

    Parameters
    ----------
    features, responses, n_components, seed, groups
        See `cross_validate_pls`, which tells how good such a model is: the choice that is made
        here is no test.

    Returns
    -------
    model : PlsModel
    """
    features, responses = checked_data(features, responses)
    chosen = choose_on_all(
        features,
        np.ascontiguousarray(responses.T),
        n_components=n_components,
        rng=np.random.default_rng(seed),
        groups=groups,
    )
    return fit_pls(features, responses, n_components=chosen)


def cross_validate_fit(
    fit: LinearFit,
    features: FloatArray,
    responses: FloatArray,
    *,
    n_folds: int = 10,
    seed: int = 0,
    groups: Sequence[object] | None = None,
    on_progress: Callable[[int], None] = lambda _n_done: None,
) -> CrossValidation:
    """Predict every image by another kind of fit, for comparison with `cross_validate_pls`.

    Parameters
    ----------
    fit : callable
        Such as `fit_ridge`, or one of `comparison_fits`; it chooses its own penalties, among the
        images that it is given, with their `groups`.
    features, responses, n_folds, seed, groups
        See `cross_validate_pls`; the outer folds are the same.
    on_progress : callable
        Called with how many folds are done.

    Returns
    -------
    result : CrossValidation
    """
    features, responses = checked_data(features, responses)
    fold = assign_folds(len(features), n_folds, np.random.default_rng(seed), groups)
    predictions = np.empty_like(responses)
    train_r, train_r2 = [], []
    for number in range(n_folds):
        train, test = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        model = fit(features[train], responses[train], groups=groups_of(train, groups))
        predictions[test] = model.predict(features[test])
        described, measured = model.predict(features[train]).T, responses[train].T
        train_r.append(correlation(described, measured))
        train_r2.append(explained_variance(described, measured))
        on_progress(number + 1)
    return CrossValidation(
        predictions=predictions,
        r=correlation(predictions.T, responses.T),
        r2=explained_variance(predictions.T, responses.T),
        train_r=_mean_of_known(train_r),
        train_r2=_mean_of_known(train_r2),
        n_components_chosen=np.empty((n_folds, 0), dtype=np.int64),
        fold=fold,
    )


def _train_accuracy(
    nested: NestedPls, responses: FloatArray, chosen: IntArray
) -> tuple[FloatArray, FloatArray]:
    r, r2 = [], []
    for fold, n_components in zip(nested.outer, chosen, strict=True):
        path = fold.describe(responses, int(n_components.max(initial=1)))
        described = at_components(path, n_components)
        r.append(correlation(described, responses[:, fold.train]))
        r2.append(explained_variance(described, responses[:, fold.train]))
    return _mean_of_known(r), _mean_of_known(r2)


def _mean_of_known(folds: Sequence[FloatArray]) -> FloatArray:
    values = np.array(folds)
    is_known = np.isfinite(values)
    mean = np.full(values.shape[1:], np.nan)
    total = np.where(is_known, values, 0).sum(axis=0)
    np.divide(total, is_known.sum(axis=0), out=mean, where=is_known.any(axis=0))
    return mean
