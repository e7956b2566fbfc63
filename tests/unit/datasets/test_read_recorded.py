"""Which reader a path is given to, and what is said where there is none."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from signseg_rig.datasets import (
    check_recorded,
    from_arrays,
    open_images,
    prepare_for_fit,
    read_recorded,
)
from signseg_rig.errors import DataSetError


@pytest.fixture
def array_file(tmp_path, rates):
    np.save(tmp_path / "a.npy", rates)
    return tmp_path / "a.npy"


def test_images_come_as_a_set_a_path_or_arrays(array_file, image_folder, images, pixels):
    hashes = {
        read_recorded(array_file, source).images.sha256
        for source in (image_folder, str(image_folder), images, pixels)
    }
    assert len(hashes) == 1


def test_options_reach_the_reader(array_file, images, rates):
    data = read_recorded(str(array_file), images, count_window_s=0.5)
    np.testing.assert_allclose(data.rates_hz, rates * 2)


def test_options_of_other_formats_are_refused(array_file, images):
    with pytest.raises(DataSetError, match="an array, for which 'image_column', 'response_window_"):
        read_recorded(array_file, images, image_column="a", response_window_s=(0, 1))


def test_some_units_of_a_file(array_file, images, rates):
    data = read_recorded(array_file, images, units=["2", "0"])
    assert data.unit_ids == ("2", "0")
    np.testing.assert_array_equal(data.rates_hz, rates[[2, 0]])
    with pytest.raises(DataSetError, match="has no unit 'x'; it has '0', '1', '2'"):
        read_recorded(array_file, images, units=["x"])


class TestIncomplete:
    @pytest.fixture
    def path(self, tmp_path, rates):
        """Unit 1 lacks the third image, and unit 2 the fourth."""
        rates[1, 2] = rates[2, 3] = np.nan
        np.save(tmp_path / "holes.npy", rates)
        return tmp_path / "holes.npy"

    def test_is_an_error_that_tells_the_remedies(self, path, images):
        with pytest.raises(DataSetError, match=r"units '1', '2'.*\(drop_incomplete\), or choose"):
            read_recorded(path, images)
        assert read_recorded(path, images, units=["0"]).image_ids == images.ids

    @pytest.mark.parametrize(
        ("what", "units", "n_images", "message"),
        [
            ("units", ("0",), 4, "2 of 3 units are left out"),
            ("images", ("0", "1", "2"), 2, "2 of 4 images are left out"),
        ],
    )
    def test_units_or_images_are_left_out(self, path, images, what, units, n_images, message):
        data, (warning,) = prepare_for_fit(read_recorded(path, images, incomplete=what))
        assert data.unit_ids == units
        assert data.image_ids == data.images.ids == images.ids[:n_images]
        assert warning.message.startswith(message)

    def test_what_has_no_trial_at_all_is_left_out_in_either_case(self, path, images, rates):
        rates[1], rates[:, 0] = np.nan, np.nan
        np.save(path, rates)
        data = read_recorded(path, images, incomplete="units")
        assert (data.unit_ids, data.image_ids) == (("0",), images.ids[1:])
        data = read_recorded(path, images, incomplete="images")
        assert (data.unit_ids, data.image_ids) == (("0", "2"), images.ids[1:3])

    def test_nothing_left_is_an_error(self, path, images, rates):
        rates[0, 0] = np.nan
        np.save(path, rates)
        with pytest.raises(DataSetError, match=r"incomplete units nothing is left.*3 units and 4"):
            read_recorded(path, images, incomplete="units")
        with pytest.raises(DataSetError, match="units or images; got 'all'"):
            read_recorded(path, images, incomplete="all")


def test_what_does_not_fit_together_is_not_returned(array_file, images):
    with pytest.raises(DataSetError, match="does not fit together") as caught:
        read_recorded(array_file, images.select([0]))
    assert str(array_file) in str(caught.value)


class TestFilesNumberedWithoutZeros:
    """As text 10 comes before 2, and responses without ids would go to the wrong images."""

    NAMES = ("1.png", "2.png", "10.png", "11.png")

    @pytest.fixture(params=["folder", "zip"])
    def numbered(self, request, tmp_path, image_folder):
        for path, name in zip(sorted(image_folder.iterdir()), self.NAMES, strict=True):
            path.rename(image_folder / name)
        if request.param == "folder":
            return image_folder
        return Path(shutil.make_archive(str(tmp_path / "images"), "zip", image_folder))

    def test_are_refused_where_responses_have_no_ids(self, array_file, numbered):
        with pytest.raises(DataSetError) as caught:
            read_recorded(array_file, numbered)
        assert "as text it is '1.png', '10.png', '11.png', '2.png'," in str(caught.value)
        assert "by number it is '1.png', '2.png', '10.png', '11.png'." in str(caught.value)

    def test_are_found_by_ids(self, tmp_path, rates, numbered):
        np.savez(tmp_path / "a.npz", rates_hz=rates, image_ids=[1, 2, 10, 11])
        data = read_recorded(tmp_path / "a.npz", numbered)
        assert data.image_ids == data.images.ids == self.NAMES

    def test_may_be_put_in_order_by_hand(self, rates, numbered):
        images = open_images(numbered)
        chosen = images.select([images.ids.index(name) for name in self.NAMES])
        assert check_recorded(from_arrays(rates, chosen)) == []
        assert check_recorded(from_arrays(rates, images, image_ids=images.ids)) == []


@pytest.mark.parametrize(
    "names",
    [
        ("a.png", "a1.png", "a12.png", "b2.png"),
        ("01.png", "02.png", "10.png", "11.png"),
        ("1-a.png", "1.png", "2.png", "9 b.png"),
        ("10bc.png", "3f2a.png", "7.png", "e1.png"),
    ],
)
def test_files_in_one_order_as_text_and_by_number(array_file, image_folder, names):
    for path, name in zip(sorted(image_folder.iterdir()), names, strict=True):
        path.rename(image_folder / name)
    assert read_recorded(array_file, image_folder).image_ids == names


@pytest.mark.parametrize(
    ("name", "options", "match"),
    [
        ("missing.npy", {}, "There is no recorded data set"),
        ("a.npy", {}, "holds no images"),
        ("a.xyz", {}, r"Responses come as \.npy, \.npz, \.mat, \.csv, \.nwb"),
        ("a.plx", {}, "a stimulus table is needed"),
        (".", {}, "no XDream folder, and to read spikes from it a stimulus table"),
        ("a.xyz", {"stimulus_table": "a.csv", "images": "."}, "files end in"),
        (".", {"stimulus_table": "a.csv", "images": "."}, "holds no recording that is known"),
    ],
)
def test_what_cannot_be_read_is_told_with_what_can(
    tmp_path, image_folder, array_file, name, options, match
):
    for made in ("a.xyz", "a.plx"):
        (tmp_path / made).write_bytes(b"")
    (tmp_path / "a.csv").write_text("onset_s,image\n1,a\n")
    given = {key: tmp_path / value for key, value in options.items()}
    if "images" in given:
        given["images"] = image_folder
    with pytest.raises(DataSetError, match=match):
        read_recorded(tmp_path / name, **given)


def test_images_of_an_xdream_folder_are_a_folder(tmp_path):
    (tmp_path / "block000.mat").write_bytes(b"")
    with pytest.raises(DataSetError, match="should be a folder of files"):
        read_recorded(tmp_path, open_images({"a": np.zeros((2, 2), np.uint8)}))


def test_importing_it_loads_no_file_formats():
    heavy = ("neo", "pynwb", "h5py", "scipy", "pandas", "quantities")
    script = f"import signseg_rig.datasets, sys; print(set({heavy!r}) & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, encoding="utf-8"
    )
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(("package", "name"), [("neo", "a.nix"), ("pynwb", "a.nwb")])
def test_a_missing_package_is_told_with_how_to_get_it(tmp_path, images, monkeypatch, package, name):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, f"{package}.io", None)
    (tmp_path / name).write_bytes(b"")
    (tmp_path / "a.csv").write_text("onset_s,image\n1,a\n")
    table = tmp_path / "a.csv" if package == "neo" else None
    with pytest.raises(DataSetError, match=rf"^{package} is not installed.*signseg-rig\[neo\]"):
        read_recorded(tmp_path / name, images, stimulus_table=table)


class TestLeaveOut:
    @pytest.fixture
    def table(self, tmp_path):
        """Two units, two images of two repeats, and an omitted one that came five times."""
        lines = ["unit,image,repeat,rate_hz"]
        for unit in "xy":
            lines += [f"{unit},{image},{repeat},{repeat}" for image in "ab" for repeat in (1, 2)]
            lines += [f"{unit},omitted,{repeat},0" for repeat in range(5)]
        (tmp_path / "rates.csv").write_text("\n".join(lines))
        return tmp_path / "rates.csv"

    def test_presentations_of_no_image_do_not_count(self, table, images):
        with pytest.raises(DataSetError, match="have no image in memory: 'omitted'"):
            read_recorded(table, images)
        data = read_recorded(table, images, leave_out=["omitted"])
        assert data.image_ids == ("a.png", "b.png")
        np.testing.assert_array_equal(data.rates_hz, np.tile([1.0, 2.0], (2, 2, 1)))
        messages = [problem.message for problem in check_recorded(data)]
        assert "5 presentations of 'omitted' are left out, as was asked." in messages

    def test_what_is_left_out_has_to_be_there(self, table, images):
        with pytest.raises(DataSetError, match=r"No presentation is of 'blank'.*'omitted'"):
            read_recorded(table, images, leave_out=["blank"])
