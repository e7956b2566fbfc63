import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from signseg_rig.errors import ConfigError, PictureError
from signseg_rig.files.pictures import describe_unusable, is_picture_name, read_picture


def encoded(pixels: np.ndarray, suffix: str) -> io.BytesIO:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format=suffix)
    file.seek(0)
    return file


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff"])
def test_reads_from_memory_what_was_saved(suffix):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 4, 3), dtype=np.uint8)
    np.testing.assert_array_equal(read_picture(encoded(pixels, suffix), "a"), pixels)


def test_an_error_names_the_image_and_is_a_config_error():
    with pytest.raises(PictureError, match=r"^a\.png: cannot identify the image; it is none of"):
        read_picture(io.BytesIO(b"no image"), "a.png")
    assert issubclass(PictureError, ConfigError)


@pytest.mark.parametrize(
    ("side_px", "match"),
    [(4_097, "is 4097 x 4097"), (10_000, "exceeds limit"), (15_000, "exceeds limit")],
)
def test_size_is_checked_before_pixels_are_decoded(side_px, match):
    """The pixels are cut off: whoever decoded them would complain of that."""
    file = io.BytesIO()
    Image.new("1", (side_px, side_px)).save(file, format="PNG")
    with pytest.raises(PictureError, match=match):
        read_picture(io.BytesIO(file.getvalue()[:200]), "a.png")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.png", True), ("a.JPG", True), ("._a.png", False), ("a.gif", False), ("png", False)],
)
def test_which_names_are_read(name, expected):
    assert is_picture_name(name) is expected


def test_long_lists_are_cut():
    text = describe_unusable([f"{index}: bad" for index in range(12)], 20, "here")
    assert text.startswith("12 of 20 images in here cannot be used:\n0: bad\n")
    assert text.endswith("9: bad\nand 2 more")


def tagged(pixels: np.ndarray, profile: bytes) -> np.ndarray:
    """Save an image with a color profile, and read it."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", icc_profile=profile)
    return read_picture(io.BytesIO(file.getvalue()), "a.png")


def linear_srgb() -> bytes:
    """The primaries of sRGB with linear values: its curves are replaced by the identity."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = bytearray(srgb.replace("sRGB".encode("utf-16-be"), "line".encode("utf-16-be")))
    for number in range(int.from_bytes(data[128:132])):
        entry = 132 + 12 * number
        if data[entry : entry + 4] in (b"rTRC", b"gTRC", b"bTRC"):
            place = int.from_bytes(data[entry + 4 : entry + 8])
            data[place : place + 12] = b"curv" + bytes(8)
    return bytes(data)


def test_a_color_profile_is_followed():
    """Half of the light is 188 of 255 in sRGB: ((188 / 255 + 0.055) / 1.055) ** 2.4 = 0.5."""
    pixels = np.full((2, 2, 3), 128, dtype=np.uint8)
    converted = tagged(pixels, linear_srgb())
    assert np.abs(converted.astype(int) - 188).max() <= 1
    ends = np.array([[[0, 0, 0], [255, 255, 255]]], dtype=np.uint8)
    assert np.abs(tagged(ends, linear_srgb()).astype(int) - ends).max() <= 1


def test_the_profile_of_srgb_changes_nothing():
    pixels = np.random.default_rng(1).integers(0, 256, (6, 4, 3), dtype=np.uint8)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    np.testing.assert_array_equal(tagged(pixels, srgb), pixels)


def test_a_profile_that_cannot_be_read_is_no_guess():
    with pytest.raises(PictureError, match=r"a\.png: has a color profile that cannot be used"):
        tagged(np.zeros((2, 2, 3), np.uint8), b"no profile")
