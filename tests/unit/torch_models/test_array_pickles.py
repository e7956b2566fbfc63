"""Pickles of arrays are read, and of whatever else a pickle can do nothing happens."""

import io
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signseg_rig.errors import WeightsError
from signseg_rig.torch_models import array_pickles, read_array_lists

ARRAYS = {
    "first": [np.arange(24, dtype=np.float32).reshape(2, 3, 4), np.ones(4, np.float32)],
    "second": [np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.array([1, 2], ">f4")],
}


def written(path, content, protocol=4):
    path.write_bytes(pickle.dumps(content, protocol))
    return path


@pytest.mark.parametrize("protocol", [3, 4])
def test_arrays_come_back_in_single_precision(tmp_path, protocol):
    read = read_array_lists(written(tmp_path / "a.pkl", ARRAYS, protocol))
    assert read.keys() == ARRAYS.keys()
    for name, expected in ARRAYS.items():
        for found, array in zip(read[name], expected, strict=True):
            assert found.dtype == np.float32
            assert found.flags.c_contiguous
            np.testing.assert_array_equal(found, array)


class Runs:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        import os

        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"a": [3]}, "holds a int, where arrays are expected"),
        ([1], "has no attribute"),
        ({"a": [np.array(["text"])]}, "values of type 'U4', where floats are expected"),
        ({"a": [np.array([object()])]}, "object|OBJ|type 'O8'"),
        ({"a": [np.array([np.nan])]}, "not finite"),
        ({1: [np.ones(2)]}, "a int, where a name is expected"),
        ({"a": [1.5]}, "the instruction BINFLOAT"),
    ],
)
def test_anything_else_is_a_sentence(tmp_path, content, said):
    with pytest.raises(WeightsError, match=said) as raised:
        read_array_lists(written(tmp_path / "a.pkl", content))
    assert "a.pkl cannot be read as a pickle of arrays by name" in str(raised.value)


def test_code_is_not_run(tmp_path):
    path = written(tmp_path / "a.pkl", {"a": [Runs(tmp_path / "was run")]})
    with pytest.raises(WeightsError, match=r"names posix\.mkdir, which no array needs"):
        read_array_lists(path)
    assert not (tmp_path / "was run").exists()


def test_no_memory_is_taken_that_is_not_in_the_file(tmp_path):
    """Instructions that keep values far out, or make arrays by their size alone, are refused."""
    far = pickle.PROTO + b"\x03" + pickle.EMPTY_DICT
    far += pickle.LONG_BINPUT + struct.pack("<I", 2**32 - 1) + pickle.STOP
    called = b"\x80\x03}X\x01\x00\x00\x00a]cnumpy\nndarray\nJ\x00\x00\x00\x7f\x85\x85Ras."
    shape = pickle.dumps({"a": [np.ones(4, np.float32)]}, 3).replace(b"K\x04\x85", b"K\xff\x85")
    for content, said in ((far, "place 4294967295"), (called, "makes arrays otherwise")):
        (tmp_path / "a.pkl").write_bytes(content)
        with pytest.raises(WeightsError, match=said):
            read_array_lists(tmp_path / "a.pkl")
    (tmp_path / "a.pkl").write_bytes(shape)
    with pytest.raises(WeightsError, match=r"shape \(255,\) has 16 bytes"):
        read_array_lists(tmp_path / "a.pkl")


def test_files_too_large_or_of_too_many_instructions(tmp_path, monkeypatch):
    nested = pickle.PROTO + b"\x03" + b")" + pickle.TUPLE1 * 30_000 + pickle.STOP
    (tmp_path / "a.pkl").write_bytes(nested)
    with pytest.raises(WeightsError, match="more than 20000 instructions"):
        read_array_lists(tmp_path / "a.pkl")
    monkeypatch.setattr(array_pickles, "MAX_BYTES", 10)
    with pytest.raises(WeightsError, match="at most 10 are read"):
        read_array_lists(tmp_path / "a.pkl")


SOUND = pickle.dumps(ARRAYS, 3)


@given(st.lists(st.tuples(st.integers(0, len(SOUND) - 1), st.integers(0, 255)), max_size=6))
def test_damaged_files_give_arrays_or_a_sentence(tmp_path_factory, changes):
    content = io.BytesIO(SOUND)
    for place, value in changes:
        content.seek(place)
        content.write(bytes([value]))
    path = tmp_path_factory.mktemp("damaged") / "a.pkl"
    path.write_bytes(content.getvalue())
    try:
        read = read_array_lists(path)
    except WeightsError:
        return
    assert all(np.isfinite(array).all() for arrays in read.values() for array in arrays)
