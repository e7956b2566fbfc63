"""Refuse what is not a set of images, before anything is computed from it."""

from __future__ import annotations

import numpy as np

from signseg_rig.errors import ConfigError, WeightsError
from signseg_rig.values import FloatArray, ImageArray


def checked_images(images: ImageArray, what: str = "images") -> ImageArray:
    """Return images as they are, if they are images.

    Parameters
    ----------
    images : (n, height, width, 3) uint8 array
    what : str
        What errors call them.

    Raises
    ------
    ConfigError
        They have another shape or dtype, or there are none.
    """
    images = np.asarray(images)
    is_image_set = images.ndim == 4 and images.shape[-1] == 3 and images.dtype == np.uint8
    if not is_image_set or images.size == 0:
        raise ConfigError(
            f"A metric needs {what} of shape (n, height, width, 3) and dtype uint8, at least one; "
            f"got {images.dtype} of shape {images.shape}."
        )
    return images


def checked_pair(images: ImageArray, reference: ImageArray) -> tuple[ImageArray, ImageArray]:
    """Return two sets of images of one size in pixels.

    Raises
    ------
    ConfigError
        One is no set of images, or their sizes differ: a resized image has other frequencies.
    """
    images, reference = checked_images(images), checked_images(reference, "reference images")
    if images.shape[1:] != reference.shape[1:]:
        raise ConfigError(
            f"Images of {_size(images)} pixels cannot be compared with reference images of "
            f"{_size(reference)}. Render both at one size."
        )
    return images, reference


def require_finite(values: FloatArray, of_what: str) -> FloatArray:
    """Return what a network computed of images, or say that it is no number.

    Parameters
    ----------
    values : float array
    of_what : str
        Whose values they are.

    Raises
    ------
    WeightsError
        Some are not finite: a similarity or distance of them would be NaN, or pass for a number.
    """
    if n_broken := np.count_nonzero(~np.isfinite(values)):
        raise WeightsError(
            f"{of_what} gives {n_broken} of {np.size(values)} values that are not finite. It is "
            "damaged, or cannot compute in single precision: nothing that it says of these images "
            "can be used."
        )
    return values


def _size(images: ImageArray) -> str:
    return f"{images.shape[2]} x {images.shape[1]}"
