"""The conformance kit for generators: third parties run it against their own."""

from __future__ import annotations

import numpy as np

from signseg_rig.interfaces import Generator
from signseg_rig.values import FloatArray, ImageArray

N_CODES = 5


def check_generator(generator: Generator) -> None:
    """Check that a generator does what the loop relies on.

    What it draws is not judged, only that a code is drawn, and always as the same pixels: a run
    is resumed and audited by rendering its codes again, alone or in other company.

    Parameters
    ----------
    generator : Generator

    Raises
    ------
    AssertionError
        It does something else; the message says what.
    """
    _check_attributes(generator)
    codes = _check_sampling(generator)
    images = generator.render(codes)
    _check_images(generator, images)
    _check_repetition(generator, codes, images)
    _check_independence(generator, codes, images)
    _check_refusal(generator)


def _check_attributes(generator: Generator) -> None:
    for name in ("n_dims", "image_size_px"):
        value = getattr(generator, name, None)
        whole = isinstance(value, int) and value > 0
        assert whole, f"{name} should be an integer above 0; it is {value!r}."


def _check_sampling(generator: Generator) -> FloatArray:
    codes = generator.sample_codes(N_CODES, np.random.default_rng(0))
    expected = (N_CODES, generator.n_dims)
    assert codes.shape == expected, f"sample_codes should give {expected}; it gave {codes.shape}."
    assert np.isfinite(codes).all(), "sample_codes gave codes that are not finite."
    again = generator.sample_codes(N_CODES, np.random.default_rng(0))
    assert np.array_equal(codes, again), (
        "sample_codes gave other codes for an rng of the same seed: it uses another one as well."
    )
    other = generator.sample_codes(N_CODES, np.random.default_rng(1))
    assert not np.array_equal(codes, other), "sample_codes does not use the rng that it is given."
    return codes


def _check_images(generator: Generator, images: ImageArray) -> None:
    size = generator.image_size_px
    expected = (N_CODES, size, size, 3)
    assert images.shape == expected, f"Images should be {expected}; they are {images.shape}."
    assert images.dtype == np.uint8, f"Images should be uint8; they are {images.dtype}."
    n_different = len({image.tobytes() for image in images})
    assert n_different > 1, f"{N_CODES} codes came out as one and the same image."
    none = generator.render(np.empty((0, generator.n_dims)))
    assert none.shape == (0, size, size, 3), f"No codes should give no images, not {none.shape}."


def _check_repetition(generator: Generator, codes: FloatArray, images: ImageArray) -> None:
    kept_codes, kept_images = codes.copy(), images.copy()
    again = generator.render(codes)
    assert np.array_equal(codes, kept_codes), "render changes the codes that it is given."
    assert np.array_equal(again, kept_images), "The same codes came out as other pixels."
    generator.render(codes[::-1] + 1)
    assert np.array_equal(images, kept_images), "render writes into images that it gave earlier."


def _check_independence(generator: Generator, codes: FloatArray, images: ImageArray) -> None:
    backwards = generator.render(codes[::-1])[::-1]
    assert np.array_equal(backwards, images), "An image depends on its place in the batch."
    for code, image in zip(codes, images, strict=True):
        alone = generator.render(code[None])[0]
        assert np.array_equal(alone, image), (
            "An image depends on what else is in the batch. Render codes one at a time."
        )
    by_column = generator.render(np.asfortranarray(codes))
    assert np.array_equal(by_column, images), "An image depends on the memory order of the codes."


def _check_refusal(generator: Generator) -> None:
    n_dims = generator.n_dims + 1
    try:
        generator.render(np.zeros((1, n_dims)))
    except ValueError:
        return
    raise AssertionError(
        f"render accepts a code of {n_dims} dimensions; it has to raise a ValueError, such as a "
        "ConfigError."
    )
