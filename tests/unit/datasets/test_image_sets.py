import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from signseg_rig.datasets import image_files, open_images
from signseg_rig.errors import DataSetError, PictureError
from signseg_rig.values import array_sha256


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


@pytest.fixture
def pack(tmp_path, pixels):
    """Make an archive of the four images, under other names where asked for, and more."""

    def make(names=None, *, more=None, compression=zipfile.ZIP_DEFLATED) -> Path:
        path = tmp_path / "images.zip"
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, image in reversed(list(zip(names or pixels, pixels.values(), strict=True))):
                archive.writestr(name, png(image))
            for name, content in (more or {}).items():
                archive.writestr(name, content)
        return path

    return make


@pytest.fixture(params=["folder", "zip", "memory"])
def image_set(request, image_folder, pack, pixels):
    return open_images({"folder": image_folder, "zip": pack(), "memory": pixels}[request.param])


def test_images_are_in_order_and_as_saved(image_set, pixels):
    assert image_set.ids == ("a.png", "b.png", "c.png", "d.png")
    assert len(image_set) == 4
    for image, expected in zip(image_set.read(), pixels.values(), strict=True):
        np.testing.assert_array_equal(image, expected)
        assert image.dtype == np.uint8


def test_some_images_are_read_in_the_order_asked_for(image_set, pixels):
    chosen = list(image_set.read([2, 0]))
    np.testing.assert_array_equal(chosen, [pixels["c.png"], pixels["a.png"]])
    selected = image_set.select([2, 0])
    assert selected.ids == ("c.png", "a.png")
    np.testing.assert_array_equal(list(selected.read()), chosen)


def test_images_of_ids_remember_among_which_they_were_looked_for(image_set):
    matched = image_set.matched(["c", "x", "a.png"])
    assert matched.ids == ("c.png", "a.png")
    assert matched.offered == matched.matched(["a"]).offered == image_set.ids
    assert matched.select([0]).offered == ()


def test_hashes_are_those_of_the_pixels(image_set, pixels):
    assert image_set.sha256 == tuple(array_sha256(image) for image in pixels.values())
    assert image_set.select([3]).sha256 == (array_sha256(pixels["d.png"]),)


def test_images_are_found_with_and_without_suffix(image_set):
    assert image_set.find("b.png") == image_set.find("b") == 1
    assert image_set.find("e") is None


def test_a_stem_of_two_images_names_neither(image_folder, pixels):
    Image.fromarray(pixels["a.png"]).save(image_folder / "a.bmp")
    images = open_images(image_folder)
    assert images.find("a") is None
    assert images.ids[images.find("a.bmp")] == "a.bmp"


def test_a_zip_of_a_folder_with_what_systems_add(pack):
    names = [f"set/{letter}.png" for letter in "abcd"]
    path = pack(
        names,
        more={
            "__MACOSX/set/._a.png": b"attributes",
            "set/._a.png": b"attributes",
            "set/.thumbnails/a.png": b"small",
            "set/notes.txt": b"of the session",
            "set/folder.png/": b"",
        },
    )
    assert open_images(path).ids == ("a.png", "b.png", "c.png", "d.png")


def test_names_that_occur_in_two_folders_keep_the_folder(pack):
    names = ["one/a.png", "one/b.png", "two/a.png", "two/c.png"]
    assert open_images(pack(names)).ids == tuple(names)


def test_a_member_that_unpacks_to_too_much_is_not_unpacked(pack, monkeypatch):
    monkeypatch.setattr(image_files, "MAX_MEMBER_BYTES", 2**20)
    path = pack(more={"z.png": bytes(2**21)})
    assert path.stat().st_size < 2**15
    images = open_images(path)
    with pytest.raises(PictureError, match=r"z\.png: unpacks to 2 MiB; at most 1"):
        list(images.read([4]))


def test_damaged_members_are_listed_and_the_others_hashed(pack):
    path = pack(compression=zipfile.ZIP_STORED, more={"e.png": b"no image"})
    packed = bytearray(path.read_bytes())
    packed[packed.index(b"IDAT") + 6] ^= 0xFF
    path.write_bytes(packed)
    images = open_images(path)
    assert len(images.problems) == 2
    with pytest.raises(DataSetError) as caught:
        _ = images.sha256
    message = str(caught.value)
    assert message.startswith(f"2 of 5 images in {path} cannot be used:\n")
    assert "d.png: cannot be unpacked: Bad CRC-32" in message
    assert "e.png: cannot identify the image" in message


def test_an_encrypted_member_says_so(pack):
    path = pack()
    packed = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(signature) + offset] |= 1
    path.write_bytes(packed)
    (problem,) = open_images(path).problems
    assert "encrypted" in problem


@pytest.mark.parametrize("kind", ["missing", "text", "empty folder", "empty zip", "torn zip"])
def test_what_holds_no_images_is_refused(kind, tmp_path, pack):
    path = tmp_path / "there"
    expected = "holds no images"
    if kind == "empty folder":
        path.mkdir()
    elif kind == "empty zip":
        zipfile.ZipFile(path, "w").close()
    elif kind == "torn zip":
        path.write_bytes(pack().read_bytes()[:-20])
        expected = "neither a folder nor a zip archive"
    elif kind == "text":
        path.write_text("no images")
        expected = "neither a folder nor a zip archive"
    else:
        expected = "not there"
    with pytest.raises(DataSetError, match=expected):
        open_images(path)


def test_a_name_twice_in_an_archive_is_refused(pack):
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = pack(["a.png", "a.png", "b.png", "c.png"])
    with pytest.raises(DataSetError, match=r"1 names twice: 'a\.png'"):
        open_images(path)


@pytest.mark.parametrize(
    ("pixels_in_memory", "match"),
    [
        (np.zeros((2, 2, 4), np.uint8), r"has the shape \(2, 2, 4\)"),
        (np.zeros((0, 2, 3), np.uint8), "has the shape"),
        (np.zeros((2, 2, 3)), "holds float64"),
        (np.full((2, 2, 3), 256), "holds values from 256 to 256"),
    ],
)
def test_arrays_that_are_no_8_bit_images_are_refused(pixels_in_memory, match):
    with pytest.raises(PictureError, match=rf"^x: {match}"):
        list(open_images({"x": pixels_in_memory}).read())


def test_gray_arrays_become_rgb():
    gray = np.arange(6).reshape(2, 3)
    for array in (gray, gray[..., None]):
        (image,) = open_images({"x": array}).read()
        np.testing.assert_array_equal(image, np.stack([gray] * 3, axis=2))


COMPOSED, DECOMPOSED = "caf\u00e9.png", "cafe\u0301.png"


def test_names_match_however_accents_are_written(pixels):
    image = pixels["a.png"]
    for there, asked in ((COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)):
        images = open_images({there: image})
        assert images.find(asked) == 0
        assert images.find(asked.removesuffix(".png")) == 0
        assert images.matched([asked]).ids == (there,)


def test_two_names_that_look_the_same_are_refused(pixels):
    image = pixels["a.png"]
    with pytest.raises(DataSetError, match="1 names of memory stand for two images each"):
        open_images({COMPOSED: image, DECOMPOSED: image})


def test_says_what_is_left_out_of_a_folder(image_folder):
    (image_folder / "movie.gif").write_bytes(b"GIF89a")
    (image_folder / "web.webp").write_bytes(b"")
    (image_folder / "more").mkdir()
    (image_folder / "lost.png").symlink_to(image_folder / "nowhere.png")
    (image_folder / "notes.txt").write_text("of the session")
    images = open_images(image_folder)
    assert len(images) == 4
    for part in (
        "4 entries of",
        "1 files of the format .gif: 'movie.gif'",
        "1 subfolders: 'more'",
        "1 links that lead nowhere: 'lost.png'",
    ):
        assert part in images.left_out
    assert "notes" not in images.left_out


def test_says_nothing_where_nothing_is_left_out(image_folder):
    assert open_images(image_folder).left_out is None
