import numpy as np
import pytest

from signseg_rig.errors import ConfigError
from signseg_rig.metrics import block_scramble, phase_scramble, to_pixels, white_noise


@pytest.fixture
def images(rng):
    """Images of unlike channels, one side odd."""
    along = np.linspace(0, 255, 20)[None, :, None] * np.array([1, 0.6, 0.1])
    smooth = np.broadcast_to(along, (3, 13, 20, 3)) * [[[[0.5]]], [[[0.8]]], [[[1.0]]]]
    return np.clip(smooth + rng.normal(0, 5, smooth.shape), 0, 255).astype(np.uint8)


def test_white_noise_has_the_mean_and_variance_of_each_channel(images, rng):
    noise = white_noise(images, rng)
    assert noise.mean(axis=(1, 2)) == pytest.approx(images.mean(axis=(1, 2)))
    assert noise.var(axis=(1, 2)) == pytest.approx(images.var(axis=(1, 2)))


def test_white_noise_has_no_structure(rng):
    gradient = np.broadcast_to(np.arange(128, dtype=np.uint8)[:, None], (2, 128, 128, 3))
    noise = white_noise(gradient, rng)
    neighbours = np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1]
    assert abs(neighbours) < 0.02
    assert abs(np.corrcoef(noise.ravel(), gradient.ravel())[0, 1]) < 0.02


def test_phase_scramble_keeps_every_amplitude(images, rng):
    scrambled = phase_scramble(images, rng)
    before = np.abs(np.fft.fft2(images.astype(float), axes=(1, 2)))
    after = np.abs(np.fft.fft2(scrambled, axes=(1, 2)))
    assert after == pytest.approx(before, abs=1e-8)
    assert scrambled.mean(axis=(1, 2)) == pytest.approx(images.mean(axis=(1, 2)))


def test_phase_scramble_turns_channels_alike_and_images_differently(images, rng):
    scrambled = phase_scramble(images, rng)
    for image, other in zip(images.astype(float), scrambled, strict=True):
        covariance = np.cov(image.reshape(-1, 3).T)
        assert np.cov(other.reshape(-1, 3).T) == pytest.approx(covariance)
    twins = phase_scramble(np.repeat(images[:1], 2, axis=0), rng)
    assert abs(twins[0] - twins[1]).max() > 1


def test_phase_scramble_destroys_the_image(rng):
    image = np.zeros((1, 64, 64, 3), np.uint8)
    image[:, 24:40, 24:40] = 255
    scrambled = phase_scramble(image, rng)
    assert abs(np.corrcoef(image.ravel(), scrambled.ravel())[0, 1]) < 0.4


def test_block_scramble_moves_whole_blocks(rng):
    numbers = np.arange(16 * 24).reshape(16, 24)
    images = np.stack([numbers // 256, numbers % 256, 0 * numbers], axis=-1).astype(np.uint8)[None]
    scrambled = block_scramble(images, rng, n_blocks=4)

    def blocks(image):
        return [
            image[r : r + 4, c : c + 6].tobytes() for r in range(0, 16, 4) for c in range(0, 24, 6)
        ]

    before, after = blocks(images[0].astype(float)), blocks(scrambled[0])
    assert sorted(before) == sorted(after)
    assert before != after


def test_block_scramble_leaves_what_fills_no_block(rng):
    images = rng.integers(0, 256, (2, 10, 9, 3), dtype=np.uint8)
    scrambled = block_scramble(images, rng, n_blocks=4)
    assert np.array_equal(scrambled[:, 8:], images[:, 8:])
    assert np.array_equal(scrambled[:, :, 8:], images[:, :, 8:])
    assert np.array_equal(np.sort(scrambled.ravel()), np.sort(images.ravel()))
    assert not np.array_equal(scrambled[0, :8], images[0, :8])


def test_more_blocks_than_pixels_are_refused(images, rng):
    with pytest.raises(ConfigError, match="20 x 13"):
        block_scramble(images, rng, n_blocks=14)


@pytest.mark.parametrize("scramble", [white_noise, phase_scramble, block_scramble])
def test_scrambles_repeat_with_a_seed_and_leave_their_images(scramble, images):
    kept = images.copy()
    one, same, other = (scramble(images, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert np.array_equal(images, kept)


def test_pixels_are_rounded_and_clipped():
    assert to_pixels(np.array([-3.0, 0.4, 0.6, 254.7, 300.0])).tolist() == [0, 0, 1, 255, 255]
