import numpy as np
import pytest
from PIL import Image

from signseg_protocols import image_folder
from signseg_protocols.image_folder import read_images
from signseg_rig.errors import ConfigError
from signseg_rig.files import pictures


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 4, 3), dtype=np.uint8)


def save(path, pixels, **options) -> None:
    Image.fromarray(pixels).save(path, **options)


def test_reads_images_sorted_by_name(tmp_path, pixels):
    for shift, name in enumerate(["b.png", "B.bmp", "a10.tif", "a2.PNG"]):
        save(tmp_path / name, np.roll(pixels, shift, axis=0))
    images = read_images(tmp_path)
    assert [name for name, _image in images] == ["B.bmp", "a10.tif", "a2.PNG", "b.png"]
    for (_name, image), shift in zip(images, [1, 2, 3, 0], strict=True):
        np.testing.assert_array_equal(image, np.roll(pixels, shift, axis=0))
        assert image.dtype == np.uint8


def test_takes_the_first_by_name(tmp_path, pixels):
    for name in ("c.png", "a.png", "b.png"):
        save(tmp_path / name, pixels)
    assert [name for name, _image in read_images(tmp_path, 2)] == ["a.png", "b.png"]


def test_passes_over_what_is_no_image(tmp_path, pixels):
    save(tmp_path / "a.png", pixels)
    (tmp_path / "notes.txt").write_text("of the session")
    (tmp_path / "._a.png").write_bytes(b"what macOS leaves behind")
    (tmp_path / "folder.png").mkdir()
    assert [name for name, _image in read_images(tmp_path)] == ["a.png"]


def test_gray_becomes_rgb_without_change(tmp_path, pixels):
    save(tmp_path / "a.png", pixels[..., 0])
    ((_name, image),) = read_images(tmp_path)
    np.testing.assert_array_equal(image, np.repeat(pixels[..., :1], 3, axis=2))


def test_follows_the_orientation_that_a_camera_noted(tmp_path, pixels):
    upside_down = Image.Exif()
    upside_down[0x0112] = 3
    save(tmp_path / "a.png", pixels, exif=upside_down)
    ((_name, image),) = read_images(tmp_path)
    np.testing.assert_array_equal(image, pixels[::-1, ::-1])


def test_opaque_alpha_is_dropped(tmp_path, pixels):
    opaque = np.full((6, 4, 1), 255, dtype=np.uint8)
    save(tmp_path / "a.png", np.concatenate([pixels, opaque], axis=2))
    ((_name, image),) = read_images(tmp_path)
    np.testing.assert_array_equal(image, pixels)


def test_lists_every_image_that_cannot_be_used(tmp_path, pixels):
    save(tmp_path / "fine.png", pixels)
    see_through = np.full((6, 4, 1), 255, dtype=np.uint8)
    see_through[0, 0] = 254
    save(tmp_path / "alpha.png", np.concatenate([pixels, see_through], axis=2))
    see_through_entry = int(pixels[0, 0, 0])
    palette = Image.fromarray(pixels[..., 0]).convert("P")
    palette.save(tmp_path / "palette.png", transparency=see_through_entry)
    save(tmp_path / "deep.png", pixels[..., 0].astype(np.uint16) * 257)
    save(tmp_path / "wide.png", np.zeros((1, pictures.MAX_SIDE_PX + 1), dtype=np.uint8))
    save(tmp_path / "whole.png", pixels)
    (tmp_path / "torn.png").write_bytes((tmp_path / "whole.png").read_bytes()[:60])
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(ConfigError, match=r"6 of 8 images") as caught:
        read_images(tmp_path)
    message = str(caught.value)
    assert "alpha.png: has transparent pixels" in message
    assert "palette.png: has transparent pixels" in message
    assert "deep.png: has pixels of mode 'I;16'" in message
    assert f"wide.png: is {pictures.MAX_SIDE_PX + 1} x 1 pixels" in message
    assert "torn.png: " in message
    assert "text.png: cannot identify" in message


def test_a_file_that_is_another_format_than_it_says_is_not_guessed(tmp_path, pixels):
    Image.fromarray(pixels).save(tmp_path / "a.png", format="PPM")
    with pytest.raises(ConfigError, match=r"a\.png: cannot identify"):
        read_images(tmp_path)


def test_stops_before_the_memory_is_full(tmp_path, pixels, monkeypatch):
    for name in ("a.png", "b.png"):
        save(tmp_path / name, pixels)
    monkeypatch.setattr(image_folder, "MAX_TOTAL_BYTES", 2 * pixels.nbytes - 1)
    with pytest.raises(ConfigError, match="n_images"):
        read_images(tmp_path)


def test_a_missing_folder_is_named_with_where_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        read_images(tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in str(caught.value)
    assert f"seen from {tmp_path}" in str(caught.value)


@pytest.mark.parametrize(
    ("n_there", "n_wanted", "match"),
    [(0, None, "holds 0 images .*; at least one"), (2, 3, "holds 2 images .*; 3 should")],
)
def test_too_few_images(tmp_path, pixels, n_there, n_wanted, match):
    for index in range(n_there):
        save(tmp_path / f"{index}.png", pixels)
    with pytest.raises(ConfigError, match=match):
        read_images(tmp_path, n_wanted)
