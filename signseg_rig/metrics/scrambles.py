"""Images that keep some statistics of others and lose their objects: controls for a detector."""

from __future__ import annotations

import numpy as np

from signseg_rig.errors import ConfigError
from signseg_rig.metrics.image_sets import checked_images
from signseg_rig.values import FloatArray, ImageArray


def white_noise(images: ImageArray, rng: np.random.Generator) -> FloatArray:
    """Draw Gaussian noise with the mean and the variance of each image and channel.

    Parameters
    ----------
    images : (n, height, width, 3) uint8 array
    rng : numpy.random.Generator

    Returns
    -------
    levels : (n, height, width, 3) float array, in gray levels
        Of exactly these means and variances, before they are rounded to pixels.
    """
    levels = checked_images(images).astype(float)
    noise = rng.standard_normal(levels.shape)
    noise -= noise.mean(axis=(1, 2), keepdims=True)
    deviation = noise.std(axis=(1, 2), keepdims=True)
    # An image of a single pixel has no deviation, and its noise is 0.
    noise /= np.where(deviation > 0, deviation, 1.0)
    noise *= levels.std(axis=(1, 2), keepdims=True)
    noise += levels.mean(axis=(1, 2), keepdims=True)
    return noise


def phase_scramble(images: ImageArray, rng: np.random.Generator) -> FloatArray:
    """Turn the phases of each image at random, by the same angle in all three channels.

    Parameters
    ----------
    images : (n, height, width, 3) uint8 array
    rng : numpy.random.Generator

    Returns
    -------
    levels : (n, height, width, 3) float array, in gray levels
        Each channel has the amplitude spectrum that it had, and channels correlate as before.

    Notes
    -----
    The angles are those of white noise, which are opposite at opposite frequencies, so that the
    result is real. That of frequency 0 is not turned: each channel keeps its mean.
    """
    levels = checked_images(images).astype(float)
    n_images, height, width, _ = levels.shape
    spectrum = np.fft.fft2(levels, axes=(1, 2))
    angles = np.angle(np.fft.fft2(rng.standard_normal((n_images, height, width)), axes=(1, 2)))
    angles[:, 0, 0] = 0.0
    scrambled: FloatArray = np.fft.ifft2(
        spectrum * np.exp(1j * angles)[..., None], axes=(1, 2)
    ).real
    return scrambled


def block_scramble(
    images: ImageArray, rng: np.random.Generator, *, n_blocks: int = 8
) -> FloatArray:
    """Cut each image into a grid of blocks and put them back in another order.

    Parameters
    ----------
    images : (n, height, width, 3) uint8 array
    rng : numpy.random.Generator
    n_blocks : int, > 0
        Blocks along a side. Pixels at the right and lower edge that do not fill a block stay.

    Returns
    -------
    levels : (n, height, width, 3) float array, in gray levels
        Each has the pixels of its image.

    Raises
    ------
    ConfigError
        The images have fewer pixels along a side than blocks.
    """
    levels = checked_images(images).astype(float)
    n_images, height, width, _ = levels.shape
    rows, columns = height // n_blocks, width // n_blocks
    if rows == 0 or columns == 0:
        raise ConfigError(
            f"Images of {width} x {height} pixels cannot be cut into {n_blocks} x {n_blocks} "
            "blocks. Ask for fewer."
        )
    inner = levels[:, : rows * n_blocks, : columns * n_blocks]
    grid = inner.reshape(n_images, n_blocks, rows, n_blocks, columns, 3).swapaxes(2, 3)
    blocks = grid.reshape(n_images, n_blocks**2, rows, columns, 3)
    orders = rng.permuted(np.tile(np.arange(n_blocks**2), (n_images, 1)), axis=1)
    moved = blocks[np.arange(n_images)[:, None], orders]
    levels[:, : rows * n_blocks, : columns * n_blocks] = (
        moved.reshape(grid.shape).swapaxes(2, 3).reshape(inner.shape)
    )
    return levels


def to_pixels(levels: FloatArray) -> ImageArray:
    """Round gray levels to pixels; what lies outside 0..255 is clipped, which costs contrast.

    Parameters
    ----------
    levels : float array of any shape, in gray levels

    Returns
    -------
    pixels : uint8 array of the same shape
    """
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
