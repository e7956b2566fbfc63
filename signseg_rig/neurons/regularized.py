"""Other linear fits beside PLS: ridge and lasso, and weights of one sign only (scikit-learn)."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from signseg_rig.errors import ConfigError
from signseg_rig.neurons.linear import LinearModel, checked_data
from signseg_rig.signs import Sign
from signseg_rig.types import FloatArray

LinearFit = Callable[[FloatArray, FloatArray], LinearModel]
"""Fits features (n_images, n_features) to responses (n_images, n_units)."""

# In units of the mean squared length of an image's centred features, so that a penalty means the
# same whatever the network and layer.
RELATIVE_ALPHAS = np.logspace(-4, 3, 15)
N_INNER_FOLDS = 5
N_LASSO_ALPHAS = 30
LASSO_RANGE = 1e-2
SIGNED_TOLERANCE = 1e-4


def fit_ridge(features: FloatArray, responses: FloatArray) -> LinearModel:
    """Fit by ridge regression, the penalty of each neuron chosen by leaving one image out.

    Parameters
    ----------
    features : (n_images, n_features) float array
    responses : (n_images, n_units) float array

    Returns
    -------
    model : LinearModel

    Raises
    ------
    ConfigError
        The arrays do not fit together, or hold values that are not finite.
    """
    features, responses = checked_data(features, responses)
    model, _ = _ridge(features, responses)
    return model


def fit_lasso(features: FloatArray, responses: FloatArray) -> LinearModel:
    """Fit by the lasso, the penalty of each neuron chosen by 5-fold cross-validation.

    Slow: about ten seconds for a neuron of 1,000 images and 5,000 features. Parameters, result and
    errors are those of `fit_ridge`.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LassoCV

    features, responses = checked_data(features, responses)
    coef, intercept = [], []
    for response in responses.T:
        lasso = LassoCV(alphas=N_LASSO_ALPHAS, eps=LASSO_RANGE, cv=N_INNER_FOLDS)
        with warnings.catch_warnings():
            # At the smallest penalties the last digits take long, and do not matter.
            warnings.simplefilter("ignore", ConvergenceWarning)
            lasso.fit(features, response)
        coef.append(lasso.coef_)
        intercept.append(lasso.intercept_)
    return LinearModel(np.array(coef), np.array(intercept), features.mean(axis=0))


def fit_signed(features: FloatArray, responses: FloatArray, *, sign: Sign) -> LinearModel:
    """Fit with weights of one sign only: non-negative, or non-positive, ridge regression.

    Parameters
    ----------
    features : (n_images, n_features) float array
    responses : (n_images, n_units) float array
    sign : {"positive", "negative"}
        The sign that weights may have.

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
    _, penalties = _ridge(features, responses)
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


def _ridge(features: FloatArray, responses: FloatArray) -> tuple[LinearModel, FloatArray]:
    """Fit by ridge regression; gives the model and the penalty of each neuron."""
    from sklearn.linear_model import RidgeCV

    feature_mean = features.mean(axis=0)
    mean_square = float(((features - feature_mean) ** 2).sum(axis=1).mean()) or 1.0
    ridge = RidgeCV(alphas=mean_square * RELATIVE_ALPHAS, alpha_per_target=True)
    ridge.fit(features, responses)
    n_units = responses.shape[1]
    coef = np.reshape(ridge.coef_, (n_units, features.shape[1]))
    intercept = np.broadcast_to(ridge.intercept_, (n_units,))
    return LinearModel(coef, intercept, feature_mean), np.broadcast_to(ridge.alpha_, (n_units,))
