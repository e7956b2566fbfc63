"""Other linear fits beside PLS: ridge and lasso, and weights of one sign only."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from signseg_rig.errors import ConfigError
from signseg_rig.neurons.folds import N_INNER_FOLDS, assign_inner_folds, group_numbers
from signseg_rig.neurons.linear import LinearModel, checked_data
from signseg_rig.signs import Sign
from signseg_rig.values import FloatArray, IntArray


class LinearFit(Protocol):
    """Fits features (n_images, n_features) to responses (n_images, n_units).

    Images of one group are the same picture: what the fit chooses, it should not choose by how well
    one of them is predicted from another.
    """

    def __call__(
        self,
        features: FloatArray,
        responses: FloatArray,
        *,
        groups: Sequence[object] | None = None,
    ) -> LinearModel:
        """Fit."""


# In units of the mean squared length of an image's centred features, so that a penalty means the
# same whatever the network and layer.
RELATIVE_ALPHAS = np.logspace(-4, 3, 15)
N_LASSO_ALPHAS = 30
LASSO_RANGE = 1e-2
SIGNED_TOLERANCE = 1e-4


def fit_ridge(
    features: FloatArray, responses: FloatArray, *, groups: Sequence[object] | None = None
) -> LinearModel:
    """Fit by ridge regression, the penalty of each neuron chosen by leaving one image out.

    Parameters
    ----------
    features : (n_images, n_features) float array
    responses : (n_images, n_units) float array
    groups : sequence of n_images hashable, optional
        Images of one group are left out together: the same picture under two names.

    Returns
    -------
    model : LinearModel

    Raises
    ------
    ConfigError
        The arrays do not fit together, or hold values that are not finite; or there is one group
        only.
    """
    features, responses = checked_data(features, responses)
    model, _ = _ridge(features, responses, groups)
    return model


def fit_lasso(
    features: FloatArray,
    responses: FloatArray,
    *,
    seed: int = 0,
    groups: Sequence[object] | None = None,
) -> LinearModel:
    """Fit by the lasso, the penalty of each neuron chosen by 5-fold cross-validation.

    Slow: about ten seconds for a neuron of 1,000 images and 5,000 features.

    Parameters
    ----------
    features : (n_images, n_features) float array
    responses : (n_images, n_units) float array
    seed : int
        Of the assignment of images to folds.
    groups : sequence of n_images hashable, optional
        Images of one group are in one fold.

    Returns
    -------
    model : LinearModel

    Raises
    ------
    ConfigError
        The arrays do not fit together, or hold values that are not finite; or there are fewer than
        5 images or groups.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LassoCV

    features, responses = checked_data(features, responses)
    fold = assign_inner_folds(len(features), np.random.default_rng(seed), groups)
    splits = [
        (np.flatnonzero(fold != number), np.flatnonzero(fold == number))
        for number in range(N_INNER_FOLDS)
    ]
    coef, intercept = [], []
    for response in responses.T:
        lasso = LassoCV(alphas=N_LASSO_ALPHAS, eps=LASSO_RANGE, cv=splits)
        with warnings.catch_warnings():
            # At the smallest penalties the last digits take long, and do not matter.
            warnings.simplefilter("ignore", ConvergenceWarning)
            lasso.fit(features, response)
        coef.append(lasso.coef_)
        intercept.append(lasso.intercept_)
    return LinearModel(np.array(coef), np.array(intercept), features.mean(axis=0))


def fit_signed(
    features: FloatArray,
    responses: FloatArray,
    *,
    sign: Sign,
    groups: Sequence[object] | None = None,
) -> LinearModel:
    """Fit with weights of one sign only: non-negative, or non-positive, ridge regression.

    Parameters
    ----------
    features : (n_images, n_features) float array
    responses : (n_images, n_units) float array
    sign : {"positive", "negative"}
        The sign that weights may have.
    groups : sequence of n_images hashable, optional
        See `fit_ridge`.

    Returns
    -------
    model : LinearModel
        The intercept may have any sign.

    Raises
    ------
    ConfigError
        The sign is unknown; the arrays do not fit together, or hold values that are not finite.

    Notes
    -----
    Each neuron's penalty is the one that leaving one image out chooses for weights of both signs:
    choosing it again under the constraint takes a hundred times as long.
    """
    from sklearn.linear_model import Ridge

    if sign not in ("positive", "negative"):
        raise ConfigError(f"sign should be 'positive' or 'negative'; got {sign!r}.")
    features, responses = checked_data(features, responses)
    _, penalties = _ridge(features, responses, groups)
    feature_mean, response_mean = features.mean(axis=0), responses.mean(axis=0)
    direction = 1.0 if sign == "positive" else -1.0
    inputs = direction * (features - feature_mean)
    coef = np.array(
        [
            Ridge(alpha=alpha, positive=True, fit_intercept=False, tol=SIGNED_TOLERANCE)
            .fit(inputs, response)
            .coef_
            for alpha, response in zip(penalties, (responses - response_mean).T, strict=True)
        ]
    )
    coef = direction * coef.reshape(responses.shape[1], features.shape[1])
    return LinearModel(coef, response_mean - coef @ feature_mean, feature_mean)


def _ridge(
    features: FloatArray, responses: FloatArray, groups: Sequence[object] | None
) -> tuple[LinearModel, FloatArray]:
    """Fit by ridge regression; gives the model and the penalty of each neuron.

    With the kernel K = X Xᵀ of the centred features, predictions are H y with
    H = 1/n + K (K + alpha)⁻¹, and images G that are left out of the fit are missed by
    (1 - H_GG)⁻¹ (y - H y)_G: no fit needs to be repeated.
    """
    numbers = group_numbers(len(features), groups)
    if not numbers.any():
        raise ConfigError(
            f"All {len(features)} images are of one group: no penalty can be chosen by leaving "
            "it out. Give images of several groups."
        )
    feature_mean, response_mean = features.mean(axis=0), responses.mean(axis=0)
    inputs, centred = features - feature_mean, responses - response_mean
    eigenvalues, basis = np.linalg.eigh(inputs @ inputs.T)
    eigenvalues = eigenvalues.clip(0)
    alphas = (float(eigenvalues.sum()) / len(features) or 1.0) * RELATIVE_ALPHAS
    errors = [
        (_missed(basis, eigenvalues / (eigenvalues + alpha), centred, numbers) ** 2).sum(axis=0)
        for alpha in alphas
    ]
    chosen = alphas[np.argmin(errors, axis=0)]
    dual = basis @ ((basis.T @ centred) / (eigenvalues[:, None] + chosen))
    coef = dual.T @ inputs
    return LinearModel(coef, response_mean - coef @ feature_mean, feature_mean), chosen


def _missed(
    basis: FloatArray, shrinkage: FloatArray, centred: FloatArray, numbers: IntArray
) -> FloatArray:
    """Return by how much fits to the other groups miss each response (n_images, n_units)."""
    n_images = len(basis)
    residual = centred - basis @ (shrinkage[:, None] * (basis.T @ centred))
    leverage = 1 / n_images + basis**2 @ shrinkage
    missed = residual / (1 - leverage)[:, None]
    for number in np.flatnonzero(np.bincount(numbers) > 1):
        group = np.flatnonzero(numbers == number)
        hat = 1 / n_images + (basis[group] * shrinkage) @ basis[group].T
        missed[group] = np.linalg.solve(np.eye(len(group)) - hat, residual[group])
    return missed
