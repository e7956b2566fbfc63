import numpy as np
import pytest
from pydantic import ValidationError

from signseg_rig.errors import ConfigError
from signseg_rig.interfaces import MetricContext
from signseg_rig.metrics import radial_spectrum
from signseg_rig.metrics.spectra import Spectra, SpectraSettings


def gray(levels):
    """Give luma as images of three equal channels."""
    pixels = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return np.repeat(pixels[..., None], 3, axis=-1)


def grating(cycles, size_px=64, *, angle_deg=0.0, amplitude=100.0):
    rows, columns = np.mgrid[:size_px, :size_px] / size_px
    angle = np.radians(angle_deg)
    along = columns * np.cos(angle) + rows * np.sin(angle)
    return gray(128 + amplitude * np.cos(2 * np.pi * cycles * along + 0.3))[None]


def power_law_noise(exponent, n, size_px, rng):
    """Noise whose power falls with this exponent."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size_px), np.fft.fftfreq(size_px)))
    frequency[0, 0] = np.inf
    white = np.fft.fft2(rng.standard_normal((n, size_px, size_px)))
    noise = np.fft.ifft2(white * frequency ** (exponent / 2)).real
    return gray(128 + 35 * noise / noise.std())


def measure(images, **settings):
    return Spectra(SpectraSettings(**settings)).measure(images, images, MetricContext())


def brute_force(image):
    """The definition, one coefficient at a time."""
    height, width, _ = image.shape
    luma = image @ np.array([0.299, 0.587, 0.114])
    window = np.array(
        [
            [
                np.sin(np.pi * row / height) ** 2 * np.sin(np.pi * column / width) ** 2
                for column in range(width)
            ]
            for row in range(height)
        ]
    )
    signal = (luma - np.average(luma, weights=window)) * window
    sums, counts = {}, {}
    for row_cycles in range(-(height // 2), (height + 1) // 2):
        for column_cycles in range(-(width // 2), (width + 1) // 2):
            wave = np.exp(
                -2j
                * np.pi
                * (
                    row_cycles * np.arange(height)[:, None] / height
                    + column_cycles * np.arange(width)[None, :] / width
                )
            )
            power = abs((signal * wave).sum()) ** 2 / (height * width * (window**2).sum())
            shorter = min(height, width)
            radius = np.hypot(row_cycles * shorter / height, column_cycles * shorter / width)
            ring = round(radius)
            sums[ring] = sums.get(ring, 0) + power
            counts[ring] = counts.get(ring, 0) + 1
    return [sums[ring] / counts[ring] for ring in range(1, min(height, width) // 2 + 1)]


@pytest.mark.parametrize("shape", [(8, 8), (9, 9), (8, 12), (11, 8)])
def test_agrees_with_the_definition(shape, rng):
    images = rng.integers(0, 256, (2, *shape, 3), dtype=np.uint8)
    frequency, power = radial_spectrum(images)
    assert frequency.tolist() == list(range(1, min(shape) // 2 + 1))
    assert power == pytest.approx(np.array([brute_force(image) for image in images]))


def test_white_noise_has_its_variance_in_the_coefficients(rng):
    images = gray(128 + 20 * rng.standard_normal((20, 64, 64)))
    _, power = radial_spectrum(images)
    assert power.mean(axis=0)[4:] * 64**2 == pytest.approx(np.full(28, 400.0), rel=0.1)


@pytest.mark.parametrize("angle_deg", [0, 90, 36.87])
def test_a_gratings_power_is_at_its_frequency(angle_deg):
    frequency, power = radial_spectrum(grating(10, angle_deg=angle_deg))
    assert frequency[power[0].argmax()] == 10
    # The window spreads a frequency over its neighbours, no further.
    assert power[0, 8:11].sum() / power[0].sum() > 0.97


def test_shares_are_those_of_gratings_below_between_and_above():
    for cycles, low, high in ((3, 1, 0), (12, 0, 0), (24, 0, 1)):
        values = measure(grating(cycles))
        assert (values["low_share"], values["high_share"]) == pytest.approx((low, high), abs=0.01)


def test_shares_weigh_power_not_amplitude():
    both = grating(3, amplitude=60).astype(int) + grating(24, amplitude=30) - 128
    values = measure(both.astype(np.uint8))
    assert values["low_share"] == pytest.approx(0.8, abs=0.01)
    assert values["high_share"] == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("exponent", [0, -1, -2, -3])
def test_slope_is_the_exponent_of_noise(exponent, rng):
    images = power_law_noise(exponent, 40, 128, rng)
    # One image varies by 0.14.
    assert measure(images)["slope"] == pytest.approx(exponent, abs=0.08)


def test_an_edge_of_the_image_is_no_contour():
    ramp = gray(np.broadcast_to(np.linspace(50, 200, 64), (1, 64, 64)))
    assert measure(ramp)["high_share"] < 1e-3


def test_images_without_contrast_are_left_out():
    images = np.concatenate([grating(3), np.full((1, 64, 64, 3), 77, np.uint8)])
    assert measure(images) == measure(images[:1])
    assert measure(images)["n_images"] == 1
    nothing = measure(images[1:])
    assert nothing.pop("n_images") == 0
    assert np.isnan(list(nothing.values())).all()


def test_a_change_of_colour_alone_has_no_power_in_luma():
    """Red and green of equal luma: 0.299 * 196 = 0.587 * 99.8."""
    red = np.zeros((1, 64, 64, 3))
    red[..., 0] = 196
    red[:, :, ::2] = [0, 99.8, 0]
    equal_luma = measure(np.rint(red).astype(np.uint8))
    assert equal_luma["high_share"] > 0.9
    _, power = radial_spectrum(np.rint(red).astype(np.uint8))
    assert power.max() < 1e-2


def test_too_few_pixels_for_the_settings_are_refused(random_images):
    with pytest.raises(ConfigError, match="slope_to_cycles is 24"):
        measure(random_images(1, 40))
    assert measure(random_images(1, 40), slope_to_cycles=20)["n_images"] == 1
    with pytest.raises(ConfigError, match="too small"):
        radial_spectrum(random_images(1, 3))


def test_a_range_too_short_to_fit_is_refused():
    with pytest.raises(ValidationError, match="at least twice"):
        SpectraSettings(slope_from_cycles=5, slope_to_cycles=6)


def test_describes_borders_and_conventions():
    description = Spectra(SpectraSettings(low_below_cycles=5)).describe()
    assert description["low_below_cycles"] == 5
    assert "BT.601" in str(description["pixels"])
