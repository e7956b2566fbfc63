"""The faces are real, upright and in RGB."""

from __future__ import annotations

import numpy as np
import pytest

from signseg_rig.errors import ConfigError
from signseg_rig.generators import load_generator


@pytest.fixture(scope="module")
def faces():
    return load_generator("dcgan_faces")


def test_a_mean_face_is_upright_and_of_skin(faces):
    mean = faces.render(faces.sample_codes(200, np.random.default_rng(0))).mean(axis=0)
    middle = mean[20:44, 20:44]
    # Skin is more red than blue; hair, at the top, is darker than the face.
    assert middle[..., 0].mean() > middle[..., 2].mean() + 10
    assert mean[2:10, 24:40].mean() < middle.mean()


def test_levels_are_used_and_codes_matter(faces):
    images = faces.render(faces.sample_codes(5, np.random.default_rng(1)))
    assert images.min() < 20
    assert images.max() > 235
    assert len({image.tobytes() for image in images}) == 5


def test_codes_that_do_not_fit_are_refused(faces):
    with pytest.raises(ConfigError, match=r"\(n, 100\); got \(100,\)"):
        faces.render(np.zeros(100))
    with pytest.raises(ConfigError, match="code 0 of 1 is not"):
        faces.render(np.full((1, 100), 1e300))


def shares_of_power(images):
    """Share of the power of luminance below 4.5, up to 16.5 and above 16.5 cycles an image."""
    luminance = images.astype(float).mean(axis=3)
    luminance -= luminance.mean(axis=(1, 2), keepdims=True)
    power = np.square(np.abs(np.fft.fft2(luminance))).mean(axis=0)
    cycles = np.hypot(*np.meshgrid(*[np.fft.fftfreq(64, 1 / 64)] * 2))
    return np.array([power[cycles < 4.5].sum(), power[cycles > 16.5].sum()]) / power.sum()


def test_random_weights_draw_what_has_the_statistics_of_faces(faces):
    """As the authors start training images are of one gray, which is no control."""
    codes = faces.sample_codes(60, np.random.default_rng(2))
    trained = faces.render(codes).astype(float)
    drawn = [load_generator("dcgan_faces", random_seed=seed).render(codes) for seed in (3, 4, 3)]
    assert np.array_equal(drawn[0], drawn[2])
    for images in (one.astype(float) for one in drawn[:2]):
        levels = images.mean(axis=(0, 1, 2)) - trained.mean(axis=(0, 1, 2))
        assert np.abs(levels).max() < 20
        within = [one.std(axis=(1, 2)).mean() for one in (images, trained)]
        across = [one.std(axis=0).mean() for one in (images, trained)]
        assert within[0] == pytest.approx(within[1], rel=0.15)
        assert across[0] == pytest.approx(across[1], rel=0.25)
        assert shares_of_power(images) == pytest.approx(shares_of_power(trained), abs=0.15)
