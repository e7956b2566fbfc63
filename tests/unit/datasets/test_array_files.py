"""Arrays and tables: what goes in comes out, turned the right way."""

import csv

import h5py
import numpy as np
import pytest
from scipy import io

from signseg_rig.datasets import (
    check_recorded,
    from_arrays,
    open_images,
    read_array_file,
    read_rate_csv,
)
from signseg_rig.errors import DataSetError


def save_npz(path, arrays):
    np.savez(path, **{name: np.asarray(value) for name, value in arrays.items()})


def save_mat_5(path, arrays):
    cells = {
        name: np.array(value, dtype=object) if isinstance(value, list) else value
        for name, value in arrays.items()
    }
    io.savemat(path, cells)


def save_mat_7_3(path, arrays):
    """Write what MATLAB writes: a block of its own first, axes reversed, cells as references."""
    with h5py.File(path, "w", userblock_size=512) as file:
        texts = file.create_group("#refs#")
        for name, value in arrays.items():
            if not isinstance(value, list):
                file[name] = np.asarray(value).T
                file[name].attrs["MATLAB_class"] = np.bytes_("double")
                continue
            references = []
            for number, text in enumerate(value):
                codes = np.frombuffer(text.encode("utf-16-le"), "<u2")
                item = texts.create_dataset(f"{name}{number}", data=codes[:, None])
                item.attrs["MATLAB_class"] = np.bytes_("char")
                references.append(item.ref)
            file.create_dataset(name, data=np.array([references], h5py.ref_dtype))
            file[name].attrs["MATLAB_class"] = np.bytes_("cell")
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(512, b" "))


def save_hdf5(path, arrays):
    """Write what h5py makes of arrays and lists of text, with axes as MATLAB has them on disk."""
    with h5py.File(path, "w") as file:
        for name, value in arrays.items():
            file[name] = value if isinstance(value, list) else np.asarray(value).T


FORMATS = {"npz": save_npz, "5.mat": save_mat_5, "7.mat": save_mat_7_3, "h5py.mat": save_hdf5}


@pytest.fixture(params=FORMATS)
def save(request, tmp_path):
    def write(**arrays):
        path = tmp_path / f"a.{request.param}"
        FORMATS[request.param](path, arrays)
        return path

    return write


def test_the_only_array_is_the_responses(save, rates, images):
    data = read_array_file(save(responses=rates), images)
    np.testing.assert_array_equal(data.rates_hz, rates)
    assert data.unit_ids == ("0", "1", "2")
    assert data.image_ids == images.ids


def test_two_axes_are_one_repeat(save, rates, images):
    data = read_array_file(save(responses=rates[..., 0]), images)
    np.testing.assert_array_equal(data.rates_hz, rates[..., :1])


def test_ids_and_baseline_of_the_file_are_used(save, rates, images, pixels):
    path = save(
        rates_hz=rates[:, :3],
        baseline_hz=rates[:, :3] / 3,
        image_ids=["d", "b.png", "a"],
        unit_ids=["µ1", "left", "x3"],
    )
    data = read_array_file(path, images)
    assert data.unit_ids == ("µ1", "left", "x3")
    assert data.image_ids == data.images.ids == ("d.png", "b.png", "a.png")
    np.testing.assert_array_equal(data.baseline_hz, rates[:, :3] / 3)
    np.testing.assert_array_equal(next(data.images.read()), pixels["d.png"])


@pytest.mark.parametrize("save_as", [save_npz, save_hdf5])
def test_ids_may_be_bytes(tmp_path, rates, images, save_as):
    path = tmp_path / ("a.npz" if save_as is save_npz else "a.mat")
    unit_ids = np.array(["µ1".encode(), b"left", b"x3"])
    ids = np.array([b"d", b"b.png", b"c", b"a"])
    save_as(path, {"rates_hz": rates, "image_ids": ids, "unit_ids": unit_ids})
    for data in (
        read_array_file(path, images),
        from_arrays(rates, images, image_ids=ids, unit_ids=unit_ids),
    ):
        assert data.unit_ids == ("µ1", "left", "x3")
        assert data.image_ids == ("d.png", "b.png", "c.png", "a.png")


def test_bytes_that_are_no_text_are_refused(rates, images):
    with pytest.raises(DataSetError, match=r"The id b'\\xb51' should be text in UTF-8"):
        from_arrays(rates, images, unit_ids=[b"\xb51", b"left", b"x3"])


@pytest.mark.parametrize("kind", ["string", "cell"])
def test_matlab_objects_and_empty_cells_are_no_ids(tmp_path, rates, images, kind):
    """MATLAB keeps string arrays elsewhere, and leaves numbers in the variable's place."""
    save_mat_7_3(tmp_path / "a.mat", {"rates_hz": rates, "image_ids": np.arange(4.0)})
    with h5py.File(tmp_path / "a.mat", "r+") as file:
        file["image_ids"].attrs["MATLAB_class"] = np.bytes_(kind)
    with pytest.raises(DataSetError, match=f"'image_ids' of .*: it holds {kind}. Numbers, text"):
        read_array_file(tmp_path / "a.mat", images)


@pytest.mark.parametrize("ids", [["x", "y", "z", "w"], ["x", "y", "z", "a"]])
def test_ids_without_an_image_are_told_with_those_that_there_are(save, rates, images, ids):
    data = read_array_file(save(rates_hz=rates, image_ids=ids), images).select(units=["2", "0"])
    message = check_recorded(data)[0].message
    assert "of 4 image ids have no image in memory: 'x', 'y', 'z'" in message
    assert message.endswith("; it has 'a.png', 'b.png', 'c.png', 'd.png'.")


def test_numbers_may_be_ids(save, rates, images):
    data = read_array_file(save(rates_hz=rates, unit_ids=np.array([[7.0, 8.0, 12.0]])), images)
    assert data.unit_ids == ("7", "8", "12")


def test_one_of_several_arrays_must_be_named(save, rates, images):
    path = save(early=rates, late=rates + 1)
    with pytest.raises(DataSetError, match=r"holds 2 arrays .* early \(3, 4, 2\), late \(3, 4, 2"):
        read_array_file(path, images)
    np.testing.assert_array_equal(read_array_file(path, images, key="late").rates_hz, rates + 1)
    with pytest.raises(DataSetError, match="no array 'x'; it has 'early', 'late'"):
        read_array_file(path, images, key="x")


def test_arrays_that_were_not_used_are_told(save, rates, images):
    path = save(rates_hz=rates, unit_ids=["x", "y", "z"], images=["d", "c", "b", "a"], day=rates)
    (problem,) = check_recorded(read_array_file(path, images))
    assert not problem.is_error
    assert problem.message.startswith(f"2 arrays of {path} were not used: 'day', 'images'.")
    assert "if one of these arrays names the images, call it image_ids." in problem.message
    path = save(rates_hz=rates, image_ids=["d", "c", "b", "a"], day=rates)
    (problem,) = check_recorded(read_array_file(path, images))
    assert "'day'" in problem.message
    assert "order" not in problem.message


def test_arrays_that_were_used_are_no_problem(save, rates, images):
    path = save(rates=rates, image_ids=["d", "c", "b", "a"], unit_ids=["x", "y", "z"])
    assert check_recorded(read_array_file(path, images)) == []


def test_counts_become_rates(save, images):
    counts = np.arange(12).reshape(3, 4)
    data = read_array_file(save(counts=counts), images, count_window_s=0.15)
    np.testing.assert_allclose(data.rates_hz[..., 0], counts / 0.15)


def test_counts_leave_a_baseline_in_hz_as_it_is(save, images):
    counts, baseline_hz = np.arange(12.0).reshape(3, 4), np.arange(12.0).reshape(3, 4) + 2
    data = read_array_file(
        save(counts=counts, baseline_hz=baseline_hz), images, count_window_s=0.15
    )
    np.testing.assert_allclose(data.rates_hz[..., 0], counts / 0.15)
    np.testing.assert_array_equal(data.baseline_hz[..., 0], baseline_hz)


def test_a_plain_array_file(tmp_path, rates, images):
    np.save(tmp_path / "a.npy", rates)
    np.testing.assert_array_equal(read_array_file(tmp_path / "a.npy", images).rates_hz, rates)


@pytest.mark.parametrize("axes", [(1, 0, 2), (2, 0, 1)])
def test_units_and_images_that_changed_places_are_noticed(rates, images, axes):
    turned = rates.transpose(axes)
    axis = turned.shape.index(4)
    with pytest.raises(DataSetError, match=rf"there are 4 images.* along axis {axis} instead of 1"):
        from_arrays(turned, images)


def test_other_shapes_and_values_are_refused(images):
    with pytest.raises(DataSetError, match=r"got the shape \(4,\)"):
        from_arrays([1.0, 2.0, 3.0, 4.0], images)
    with pytest.raises(DataSetError, match="should be numbers"):
        from_arrays([["a", "b"]], images)
    with pytest.raises(DataSetError, match="should be numbers"):
        from_arrays([[1.0, 2.0], [1.0]], images)
    with pytest.raises(DataSetError, match="above 0 seconds; got 0"):
        from_arrays(np.ones((2, 4)), images, count_window_s=0)


@pytest.mark.parametrize("as_given", [np.asanyarray, list], ids=["array", "list of arrays"])
def test_masked_values_are_missing_trials(rates, images, as_given):
    masked = np.ma.masked_greater(rates, 15)
    assert masked.mask.any()
    data = from_arrays(as_given(masked), images, baseline_hz=as_given(masked))
    expected = np.where(rates > 15, np.nan, rates)
    for values in (data.rates_hz, data.baseline_hz):
        assert type(values) is np.ndarray
        np.testing.assert_array_equal(values, expected)
    whole = from_arrays(np.ma.masked_equal(np.arange(8).reshape(2, 4), 3), images)
    np.testing.assert_array_equal(whole.rates_hz[0, :, 0], [0, 1, 2, np.nan])


@pytest.mark.parametrize("as_given", [np.asarray, np.ndarray.tolist])
def test_complex_numbers_are_refused(rates, images, as_given):
    with pytest.raises(DataSetError, match=r"^Responses should be real numbers; got complex"):
        from_arrays(as_given(rates + 1j), images)


def test_arrays_are_copied(rates, images):
    data = from_arrays(rates, images)
    rates[:] = 0
    assert data.rates_hz.all()


class Opened:
    """What a hostile file would hold: reading it as an object would make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (self.path.touch, ())


def test_objects_in_files_are_never_made(tmp_path, rates, images):
    trace = tmp_path / "opened"
    np.save(tmp_path / "a.npy", np.array([Opened(trace)], dtype=object))
    np.savez(tmp_path / "a.npz", rates_hz=rates, extra=np.array([Opened(trace)], dtype=object))
    with pytest.raises(DataSetError, match="it holds Python objects"):
        read_array_file(tmp_path / "a.npy", images)
    np.testing.assert_array_equal(read_array_file(tmp_path / "a.npz", images).rates_hz, rates)
    assert not trace.exists()


@pytest.mark.parametrize("name", ["image_ids", "unit_ids", "baseline_hz", "rates_hz", "late"])
def test_objects_where_something_is_used_are_refused(tmp_path, rates, images, name):
    """As text from pandas comes; passed over, ids would leave responses to wrong images."""
    arrays = {"rates_hz": rates, "late": rates, name: np.array(["b.png", "a.png"], dtype=object)}
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataSetError, match=rf"array '{name}' of .*np\.array\(ids, dtype=str\)"):
        read_array_file(tmp_path / "a.npz", images, key="late" if name == "late" else None)


def test_responses_that_are_objects_are_listed_where_none_are_found(tmp_path, rates, images):
    np.savez(tmp_path / "a.npz", responses=rates.astype(object), day=np.arange(3))
    with pytest.raises(
        DataSetError, match=r"holds 0 arrays .*: responses \(no array of numbers\), day \(3,\)"
    ):
        read_array_file(tmp_path / "a.npz", images)


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.mat"])
@pytest.mark.parametrize("content", [b"", b"no arrays in here", b"\x89HDF\r\n\x1a\nand no more"])
def test_files_that_are_something_else_are_refused(tmp_path, images, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataSetError, match="cannot be read"):
        read_array_file(tmp_path / name, images)


def test_matlab_variables_that_are_no_numbers_or_text(tmp_path, images):
    io.savemat(tmp_path / "a.mat", {"rates_hz": {"of": np.ones((3, 4))}})
    with pytest.raises(DataSetError, match=r"'rates_hz' .* cannot be read"):
        read_array_file(tmp_path / "a.mat", images)
    io.savemat(tmp_path / "b.mat", {"r": np.ones((3, 4)), "unit_ids": np.array([1, "b"], object)})
    with pytest.raises(DataSetError, match="a cell holds something other than text"):
        read_array_file(tmp_path / "b.mat", images)


@pytest.fixture
def write_table(tmp_path):
    def write(rows, columns=("unit", "image", "repeat", "rate_hz")):
        path = tmp_path / "a.csv"
        with path.open("w", newline="", encoding="utf-8-sig") as file:
            csv.writer(file).writerows([columns, *rows])
        return path

    return write


def test_a_table_of_rates_in_any_order(write_table, rates, images, pixels):
    rates[1, 2, 1] = np.nan
    rows = [
        (repeat, f"u{unit}", name, rates[unit, column, repeat], "seen")
        for unit in range(3)
        for column, name in enumerate(pixels)
        for repeat in range(2)
        if not np.isnan(rates[unit, column, repeat])
    ]
    shuffled = np.random.default_rng(2).permutation(len(rows))
    path = write_table(
        [rows[index] for index in shuffled], ("repeat", "unit", "image", "rate_hz", "note")
    )
    data = read_rate_csv(path, images).select(["u0", "u1", "u2"], list(pixels))
    assert data.images.ids == tuple(pixels)
    np.testing.assert_array_equal(np.sort(data.rates_hz, axis=2), np.sort(rates, axis=2))


def test_every_bad_line_of_a_table_is_told(write_table, images):
    path = write_table(
        [("u", "a", 0, 1), ("u", "a", 0, 2), ("u", "b", 0, "x"), ("u", "c", 0, "inf")]
    )
    with pytest.raises(DataSetError) as caught:
        read_rate_csv(path, images)
    message = str(caught.value)
    assert message.startswith("3 lines of ")
    assert "line 3: unit 'u', image 'a', repeat '0' stands in the table already" in message
    assert "line 4: rate_hz 'x' is not a number" in message
    assert "line 5: rate_hz 'inf' is not a number" in message


def test_a_table_without_a_column(write_table, images):
    path = write_table([("u", "a", 1)], ("unit", "image", "rate"))
    with pytest.raises(
        DataSetError, match=r"no column 'repeat', 'rate_hz'; .* 'unit', 'image', 'rate'"
    ):
        read_rate_csv(path, images)


def test_a_table_with_a_line_of_another_length(write_table, images):
    with pytest.raises(DataSetError, match=r"Line 2 of .* has 5 fields; the heading has 4"):
        read_rate_csv(write_table([("u", "a", "b", 0, 1)]), images)


def test_a_table_in_another_encoding(tmp_path, images):
    (tmp_path / "a.csv").write_bytes("unit,image,repeat,rate_hz\nü,a,0,1\n".encode("latin-1"))
    with pytest.raises(DataSetError, match="Save it as CSV in UTF-8"):
        read_rate_csv(tmp_path / "a.csv", images)


def test_rows_of_a_char_matrix_are_names(tmp_path, pixels, rates):
    """As MATLAB writes ['aa.png'; 'b.png ']: blanks fill up the shorter name."""
    names = ["aa.png", "b.png", "ccc.png", "d.png"]
    images = open_images(dict(zip(reversed(names), pixels.values(), strict=True)))
    codes = np.array([[ord(letter) for letter in name.ljust(7)] for name in names], np.uint16)
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file["rates_hz"] = rates.T
        file["image_ids"] = codes.T
        file["image_ids"].attrs["MATLAB_class"] = np.bytes_("char")
    data = read_array_file(tmp_path / "a.mat", images)
    assert data.image_ids == tuple(names)
    assert data.images.ids == tuple(names)


def test_strings_of_matlab_have_a_remedy(tmp_path, images, rates):
    """In version 7.3 they are numbers of the class string, which mean nothing by themselves."""
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file["rates_hz"] = rates.T
        file["image_ids"] = np.zeros((1, 6), np.uint32)
        file["image_ids"].attrs["MATLAB_class"] = np.bytes_("string")
    with pytest.raises(DataSetError, match=r"image_ids = cellstr\(image_ids\)"):
        read_array_file(tmp_path / "a.mat", images)


def test_objects_without_a_name_are_told_of(tmp_path, images, rates):
    """scipy calls the strings of version 5 None."""
    io.savemat(tmp_path / "a.mat", {"rates_hz": rates, "None": np.zeros(3)})
    messages = [one.message for one in read_array_file(tmp_path / "a.mat", images).reader_problems]
    assert any("cell of text: image_ids = cellstr(image_ids)" in message for message in messages)


def test_more_than_memory_in_matlab_files_is_refused(tmp_path, images):
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file.create_dataset("rates_hz", (2**20, 2**20, 2**6), "f8", chunks=(1, 2**10, 2**6))
    with pytest.raises(DataSetError, match="of memory, of which"):
        read_array_file(tmp_path / "a.mat", images)
