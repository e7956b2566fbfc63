"""What every fit here gives: a linear model of several neurons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signseg_rig.errors import ConfigError
from signseg_rig.values import FloatArray


@dataclass(frozen=True, slots=True)
class LinearModel:
    """Linear models of several neurons: ``rate = intercept + coef @ features``.

    Parameters
    ----------
    coef : (n_units, n_features) float array
    intercept : (n_units,) float array
        The predicted response to features that are all 0.
    feature_mean : (n_features,) float array
        Over the images of the fit.
    """

    coef: FloatArray
    intercept: FloatArray
    feature_mean: FloatArray

    def predict(self, features: FloatArray) -> FloatArray:
        """Predict responses.

        Parameters
        ----------
        features : (n_images, n_features) float array

        Returns
        -------
        responses : (n_images, n_units) float array
        """
        # About the mean the sums are small, and lose fewer digits.
        at_mean = self.intercept + self.coef @ self.feature_mean
        return (np.asarray(features) - self.feature_mean) @ self.coef.T + at_mean


def checked_data(features: FloatArray, responses: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return both arrays in double precision, or say what is wrong with them.

    Raises
    ------
    ConfigError
        They are no matrices of as many rows each, have fewer than 2 rows, or are not finite.
    """
    features = np.asarray(features, dtype=np.float64)
    responses = np.asarray(responses, dtype=np.float64)
    shapes = f"features {features.shape} and responses {responses.shape}"
    if features.ndim != 2 or responses.ndim != 2 or len(features) != len(responses):
        raise ConfigError(
            "Features should be (n_images, n_features) and responses (n_images, n_units), of the "
            f"same images; got {shapes}."
        )
    if len(features) < 2 or features.shape[1] < 1:
        raise ConfigError(f"A fit needs at least 2 images and 1 feature; got {shapes}.")
    for name, column, values in (
        ("Features", "feature", features),
        ("Responses", "unit", responses),
    ):
        if not np.isfinite(values).all():
            image, index = np.argwhere(~np.isfinite(values))[0]
            raise ConfigError(
                f"{name} should be finite; image {image}, {column} {index} is "
                f"{values[image, index]}. Leave such images or units out."
            )
    return features, responses
