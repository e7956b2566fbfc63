"""Where the power of images lies: at which spatial frequencies, and how steeply it falls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import numpy as np
from pydantic import Field

from signseg_rig.errors import ConfigError
from signseg_rig.interfaces import Metric, MetricContext
from signseg_rig.metrics.image_sets import checked_images
from signseg_rig.settings import Conflict, Settings
from signseg_rig.values import BoolArray, FloatArray, ImageArray

# ITU-R BT.601, on pixel values as they are: luma, since the monitor's gamma is not known here.
LUMA = np.array([0.299, 0.587, 0.114])


class RadialSpectrum(NamedTuple):
    """Power per spatial frequency, averaged over orientations.

    Parameters
    ----------
    frequency_cycles : (n_frequencies,) float array, in cycles per image
        Whole numbers from 1 to half the shorter side. Cycles are counted along the shorter side.
    power : (n, n_frequencies) float array, in squared gray levels
        Mean power of the Fourier coefficients within half a cycle of the frequency.
    """

    frequency_cycles: FloatArray
    power: FloatArray


def radial_spectrum(images: ImageArray) -> RadialSpectrum:
    """Compute the radially averaged power spectra of images.

    Parameters
    ----------
    images : (n, height, width, 3) uint8 array

    Returns
    -------
    spectrum : RadialSpectrum

    Raises
    ------
    ConfigError
        These are no images, or they are smaller than 4 pixels.

    Notes
    -----
    Of the luma (BT.601) less its mean under the window, under a Hann window, which keeps the edges
    of the image from counting as contours. The power of a coefficient F(k) is |F(k)|^2 / (N sum
    w^2) with N pixels and window w: for white noise of variance v each is v / N in expectation,
    and without a window all sum up to the variance.
    """
    power, radius = _power(checked_images(images))
    frequency = np.arange(1, min(images.shape[1:3]) // 2 + 1)
    ring = np.rint(radius).astype(int).ravel()
    n_in_ring = np.bincount(ring)
    sums = np.stack([np.bincount(ring, weights=one.ravel()) for one in power])
    return RadialSpectrum(frequency.astype(float), sums[:, frequency] / n_in_ring[frequency])


def _power(images: ImageArray) -> tuple[FloatArray, FloatArray]:
    """Return the power of every coefficient, and its distance from the origin in cycles."""
    height, width = images.shape[1:3]
    if min(height, width) < 4:
        raise ConfigError(
            f"Images of {width} x {height} pixels are too small for a spectrum; a side needs at "
            "least 4."
        )
    luma = np.einsum("nhwc,c->nhw", images.astype(float), LUMA)
    window = np.outer(_hann(height), _hann(width))
    # Less the mean under the window: what is left has no power at frequency 0 that could leak.
    mean = (luma * window).sum(axis=(1, 2), keepdims=True) / window.sum()
    centered = luma - mean
    centered[np.ptp(luma, axis=(1, 2)) == 0] = 0.0  # without the rounding error of its mean
    spectrum = np.fft.fft2(centered * window, axes=(1, 2))
    power = np.abs(spectrum) ** 2 / (height * width * (window**2).sum())
    shorter = min(height, width)
    rows = np.fft.fftfreq(height)[:, None] * shorter
    columns = np.fft.fftfreq(width)[None, :] * shorter
    return power, np.hypot(rows, columns)


def _hann(n: int) -> FloatArray:
    """Return the periodic Hann window, whose zero falls on one edge only."""
    window: FloatArray = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    return window


class SpectraSettings(Settings):
    """Settings of ``kind = "spectra"``, in cycles per image.

    The published figures say no borders: these are chosen such that images of 64 pixels have
    both bands, and the fit stays clear of the window's own width and of the pixel grid.
    """

    low_below_cycles: float = Field(default=8.0, gt=0)
    high_above_cycles: float = Field(default=16.0, gt=0)
    slope_from_cycles: float = Field(default=3.0, ge=1)
    slope_to_cycles: float = Field(default=24.0, gt=1)

    def conflicts(self) -> Iterator[Conflict]:
        """Yield a range that is too short for a slope."""
        if self.slope_to_cycles < 2 * self.slope_from_cycles:
            yield Conflict(
                f"slope_to_cycles ({self.slope_to_cycles}) should be at least twice "
                f"slope_from_cycles ({self.slope_from_cycles})",
                (("slope_to_cycles",), ("slope_from_cycles",)),
            )


class Spectra(Metric):
    """Share of power at low and at high spatial frequencies, and the slope of the spectrum.

    Values of `measure` are means over images; an image without contrast has none of them and is
    left out.

    ============== ===============================================================
    `low_share`    Power below `low_below_cycles` over all power but that of the mean.
    `high_share`   Power above `high_above_cycles`, up to the corners of the spectrum.
    `slope`        Exponent of the power over frequency: 0 for white noise, near -2 for photographs.
    `n_images`     Images that have contrast.
    ============== ===============================================================

    Parameters
    ----------
    settings : SpectraSettings
    """

    Config: ClassVar[type[Settings]] = SpectraSettings

    def __init__(self, settings: SpectraSettings) -> None:
        self._settings = settings

    def measure(
        self, images: ImageArray, reference: ImageArray, context: MetricContext
    ) -> dict[str, float]:
        """Measure images alone; see `Metric.measure`.

        Raises
        ------
        ConfigError
            The images have too few pixels for the frequencies of the settings.
        """
        del reference, context
        images = checked_images(images)
        self._require_resolution(images)
        power, radius = _power(images)
        total = power.sum(axis=(1, 2), where=radius > 0)
        has_contrast: BoolArray = total > 0
        n_images = int(has_contrast.sum())
        if n_images == 0:
            nan = float("nan")
            return {"low_share": nan, "high_share": nan, "slope": nan, "n_images": 0.0}
        low = power.sum(
            axis=(1, 2), where=(radius > 0) & (radius < self._settings.low_below_cycles)
        )
        high = power.sum(axis=(1, 2), where=radius > self._settings.high_above_cycles)
        return {
            "low_share": float((low[has_contrast] / total[has_contrast]).mean()),
            "high_share": float((high[has_contrast] / total[has_contrast]).mean()),
            "slope": float(self._slopes(images[has_contrast]).mean()),
            "n_images": float(n_images),
        }

    def compares(self, value: str) -> bool:
        """Return False: images are measured alone; see `Metric.compares`."""
        del value
        return False

    def describe(self) -> dict[str, str | float]:
        """Return the borders, and what the power is of; see `Metric.describe`."""
        return {
            "pixels": "luma (BT.601) of pixel values",
            "window": "Hann, mean under the window removed",
            "frequency": "cycles along the shorter side",
            "slope": "least squares of log ring mean over log frequency, weighted by frequency",
            **self._settings.model_dump(),
        }

    def _require_resolution(self, images: ImageArray) -> None:
        highest = min(images.shape[1:3]) / 2
        settings = self._settings
        for name in ("low_below_cycles", "high_above_cycles", "slope_to_cycles"):
            if getattr(settings, name) > highest:
                raise ConfigError(
                    f"Images of {images.shape[2]} x {images.shape[1]} pixels show no more than "
                    f"{highest:g} cycles; {name} is {getattr(settings, name):g}. Lower it."
                )

    def _slopes(self, images: ImageArray) -> FloatArray:
        frequency, power = radial_spectrum(images)
        settings = self._settings
        is_fitted = (frequency >= settings.slope_from_cycles) & (
            frequency <= settings.slope_to_cycles
        )
        # A grating may leave a ring without any power at all.
        log_power = np.log(np.maximum(power[:, is_fitted], np.finfo(float).tiny))
        # A ring has about as many coefficients as its frequency, and its log power as little error.
        weights = np.sqrt(frequency[is_fitted])
        logs = np.log(frequency[is_fitted])
        slopes: FloatArray = np.polyfit(logs, log_power.T, deg=1, w=weights)[0]
        return slopes
