"""Partial least squares: linear models of neurons from more features than images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signseg_rig.errors import ConfigError
from signseg_rig.neurons.linear import LinearModel, checked_data
from signseg_rig.neurons.pls_components import find_components
from signseg_rig.values import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class PlsModel(LinearModel):
    """Linear models of several neurons from partial least squares.

    Parameters
    ----------
    coef, intercept, feature_mean
        See `LinearModel`.
    n_components : (n_units,) int array
        How many were used: fewer than asked for where there are no more, see `fit_pls`.
    """

    n_components: IntArray


@dataclass(frozen=True, slots=True)
class PlsPath:
    """The models of every component number up to a largest one, from one pass.

    Parameters
    ----------
    dual_steps : (n_units, max_components, n_images) float array
        What each component adds to the coefficients, as weights of the centred images.
    n_found : (n_units,) int array
        How many components each neuron has; with more its model stays the same.
    centred_features : (n_images, n_features) float array
    feature_mean : (n_features,) float array
    response_mean : (n_units,) float array
    """

    dual_steps: FloatArray
    n_found: IntArray
    centred_features: FloatArray
    feature_mean: FloatArray
    response_mean: FloatArray

    def model(self, n_components: int | IntArray) -> PlsModel:
        """Return the models with so many components.

        Parameters
        ----------
        n_components : int or (n_units,) int array, at least 1
            Where there are fewer, all there are.
        """
        n_units, n_most, _ = self.dual_steps.shape
        wanted = _checked_components(n_components, n_units)
        is_used = (np.arange(n_most) < wanted[:, None]).astype(np.float64)
        coef = np.einsum("uci,uc->ui", self.dual_steps, is_used) @ self.centred_features
        intercept = self.response_mean - coef @ self.feature_mean
        return PlsModel(coef, intercept, self.feature_mean, np.minimum(wanted, self.n_found))


def fit_pls(
    features: FloatArray, responses: FloatArray, *, n_components: int | IntArray
) -> PlsModel:
    """Fit neurons' responses to image features by partial least squares (PLS1, not scaled).

    Every neuron has a model of its own, as if it were fitted alone.

    Parameters
    ----------
    features : (n_images, n_features) float array
    responses : (n_images, n_units) float array
        Such as mean rates, in spikes per second.
    n_components : int or (n_units,) int array, at least 1
        One number for all neurons, or one for each. There are at most ``n_images - 1``, at most
        as many as the features span, and none once a response is explained: asking for more gives
        these, and `PlsModel.n_components` tells how many.

    Returns
    -------
    model : PlsModel

    Raises
    ------
    ConfigError
        The arrays do not fit together, or hold values that are not finite.

    Notes
    -----
    Equals scikit-learn's ``PLSRegression(scale=False)`` fitted to one neuron after the other.
    Features that vary more weigh more; scale them beforehand where that is not wanted. A neuron
    whose response is the same to all images gets no component and predicts its mean; a feature
    that is the same in all images gets the weight 0.

    References
    ----------
    Rännar et al. 1994, *A PLS kernel algorithm for data sets with many variables and fewer
    objects*, J. Chemometrics 8.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> features = rng.standard_normal((50, 200))
    >>> responses = features[:, :3]
    >>> model = fit_pls(features, responses, n_components=5)
    >>> model.coef.shape, model.predict(features).shape
    ((3, 200), (50, 3))
    """
    n_most = int(_checked_components(n_components, np.shape(responses)[-1]).max(initial=1))
    return fit_pls_path(features, responses, max_components=n_most).model(n_components)


def fit_pls_path(features: FloatArray, responses: FloatArray, *, max_components: int) -> PlsPath:
    """Fit the models of every component number up to a largest one in one pass; see `fit_pls`."""
    features, responses = checked_data(features, responses)
    feature_mean, response_mean = features.mean(axis=0), responses.mean(axis=0)
    centred = features - feature_mean
    n_most = min(max_components, component_limit(*features.shape))
    components = find_components(centred @ centred.T, (responses - response_mean).T, n_most)
    return PlsPath(components.steps(), components.n_found, centred, feature_mean, response_mean)


def component_limit(n_images: int, n_features: int) -> int:
    """Return how many components there can be: centring takes one dimension from the images."""
    return max(1, min(n_images - 1, n_features))


def _checked_components(n_components: int | IntArray, n_units: int) -> IntArray:
    numbers = np.asarray(n_components)
    if numbers.dtype.kind not in "iu" or numbers.shape not in ((), (n_units,)):
        raise ConfigError(
            f"n_components should be one integer, or one for each of the {n_units} neurons; got "
            f"{numbers.dtype} of shape {numbers.shape}."
        )
    if (numbers < 1).any():
        raise ConfigError(f"n_components should be at least 1; got {numbers.min()}.")
    return np.broadcast_to(numbers.astype(np.int64), (n_units,))
