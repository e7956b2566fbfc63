"""Check that a generator keeps the rules of `Generator`; a plugin's test is one call."""

from __future__ import annotations

import numpy as np

from signseg_rig.interfaces import Generator


def check_generator(generator: Generator) -> None:
    """Run all checks.

    Parameters
    ----------
    generator : Generator

    Raises
    ------
    AssertionError
        A sentence says which rule is broken.
    """
    codes = generator.sample_codes(5, np.random.default_rng(0))
    assert codes.shape == (5, generator.n_dims), (
        f"sample_codes(5) gives shape {codes.shape}, not {(5, generator.n_dims)}."
    )
    images = generator.render(codes)
    size = generator.image_size_px
    assert images.shape == (5, size, size, 3), (
        f"render() gives shape {images.shape}, not {(5, size, size, 3)}."
    )
    assert images.dtype == np.uint8, f"Images are uint8; got {images.dtype}."
    assert len({image.tobytes() for image in images}) > 1, "All codes give the same image."
    assert np.array_equal(generator.render(codes), images), (
        "The same codes give other pixels the second time."
    )
    alone = np.concatenate([generator.render(code[None]) for code in codes[::-1]])[::-1]
    assert np.array_equal(alone, images), (
        "A code's pixels depend on what else is rendered with it: a resumed run may differ."
    )
    before = codes.copy()
    generator.render(codes)
    assert np.array_equal(codes, before), "render() changes the codes that it is given."
    empty = generator.render(codes[:0])
    assert empty.shape == (0, size, size, 3), f"No codes give shape {empty.shape}."
