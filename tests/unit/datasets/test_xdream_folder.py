"""An XDream folder, written as the program and its rigs write it."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from signseg_rig.datasets import check_recorded, read_recorded, read_xdream
from signseg_rig.errors import DataSetError

N_CHANNELS = 2


def write_block(folder, number, names, responses):
    """Write responses as MATLAB's -v7.3 does: (images, channels) on disk, names as references."""
    with h5py.File(folder / f"block{number:03d}.mat", "w", userblock_size=512) as file:
        texts = file.create_group("#refs#")
        references = []
        for row, name in enumerate(names):
            codes = np.array([ord(letter) for letter in name], dtype=np.uint16)
            item = texts.create_dataset(str(row), data=codes[:, None])
            item.attrs["MATLAB_class"] = np.bytes_("char")
            references.append(item.ref)
        file.create_dataset("stimulusID", data=np.array([references], h5py.ref_dtype))
        file["stimulusID"].attrs["MATLAB_class"] = np.bytes_("cell")
        file["tEvokedResp"] = np.asarray(responses, dtype=float)
        file["tEvokedResp"].attrs["MATLAB_class"] = np.bytes_("double")


@pytest.fixture
def pixels():
    rng = np.random.default_rng(0)
    names = ("gen000_000000", "gen000_000001", "ref_face")
    return {name: rng.integers(0, 256, (4, 4, 3), dtype=np.uint8) for name in names}


@pytest.fixture
def folder(tmp_path, pixels):
    """Two blocks: both generated images and a reference, then the reference and one of them."""
    blocks = [["gen000_000001", "ref_face", "gen000_000000"], ["ref_face", "gen000_000001"]]
    for number, ids in enumerate(blocks):
        names = [f"block{number:03d}_{row:03d}_{image_id}.bmp" for row, image_id in enumerate(ids)]
        for name, image_id in zip(names, ids, strict=True):
            Image.fromarray(pixels[image_id]).save(tmp_path / name)
        responses = [
            [10 * number + row + 100 * channel for channel in range(N_CHANNELS)]
            for row in range(len(ids))
        ]
        write_block(tmp_path, number, [rf"N:\Stimuli\rig\{name}" for name in names], responses)
    return tmp_path


def test_blocks_become_repeats_of_their_images(folder, pixels):
    data = read_recorded(folder)
    assert data.image_ids == data.images.ids == ("gen000_000001", "ref_face", "gen000_000000")
    assert data.unit_ids == ("0", "1")
    np.testing.assert_array_equal(data.rates_hz[0], [[0, 11], [1, 10], [2, np.nan]])
    np.testing.assert_array_equal(data.rates_hz[1], data.rates_hz[0] + 100)
    for image_id, image in zip(data.image_ids, data.images.read(), strict=True):
        np.testing.assert_array_equal(image, pixels[image_id])


def test_images_may_be_where_the_program_keeps_its_log(folder):
    kept = folder / "backup"
    kept.mkdir()
    for path in folder.glob("*.bmp"):
        path.rename(kept / path.name)
    assert len(list(read_recorded(folder, kept).images.read())) == 3
    with pytest.raises(DataSetError, match=r"3 of 3 image ids have no image.*; it has none"):
        read_recorded(folder)


def test_images_of_other_ids_are_told(folder):
    for number, path in enumerate(sorted(folder.glob("*.bmp"))):
        path.rename(folder / f"block000_000_other{number % 3}.bmp")
    with pytest.raises(DataSetError, match=r"3 of 3 image ids have no image.*; it has 'other0', "):
        read_recorded(folder)


def test_an_id_of_two_images_is_an_error(folder, pixels):
    Image.fromarray(255 - pixels["ref_face"]).save(folder / "block001_000_ref_face.bmp")
    (problem,) = check_recorded(read_xdream(folder))
    assert problem.is_error
    assert "1 image ids stand for several different images" in problem.message
    assert "'ref_face'" in problem.message


def test_only_images_that_share_an_id_are_read_to_compare_them(folder, monkeypatch):
    read = []
    read_bytes = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path.name) or read_bytes(path))
    read_xdream(folder)
    ids = [name.partition("_")[2].partition("_")[2] for name in read if name.endswith(".bmp")]
    assert sorted(ids) == [*["gen000_000001.bmp"] * 2, *["ref_face.bmp"] * 2]


def test_a_folder_that_is_called_as_an_image_is_none(folder, pixels):
    (folder / "block002_000_ref_face.bmp").mkdir()
    data = read_xdream(folder)
    assert check_recorded(data) == []
    assert len(list(data.images.read())) == 3


def test_an_image_that_cannot_be_read_is_named(folder, monkeypatch):
    def refuse(path):
        raise OSError(5, "Input/output error", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DataSetError, match=r"cannot be read: .*Input/output error.*bmp"):
        read_xdream(folder)


def test_blocks_of_different_channels_are_refused(folder):
    write_block(folder, 2, ["a.bmp"], [[1.0, 2.0, 3.0]])
    with pytest.raises(DataSetError, match=r"'block001\.mat': 2, 'block002\.mat': 3"):
        read_xdream(folder)


def test_responses_turned_the_other_way_are_refused(folder):
    write_block(folder, 2, ["a.bmp", "b.bmp", "c.bmp"], np.ones((2, 3)))
    with pytest.raises(DataSetError, match=r"has 3 file names .* in MATLAB it should be"):
        read_xdream(folder)


def test_a_block_without_its_variables(folder):
    with h5py.File(folder / "block002.mat", "w") as file:
        file["other"] = np.ones(3)
    with pytest.raises(DataSetError, match="no variable 'stimulusID'; it has 'other'"):
        read_xdream(folder)


def test_another_folder_is_none_of_xdream(tmp_path):
    with pytest.raises(DataSetError, match="no response files of XDream"):
        read_xdream(tmp_path)
