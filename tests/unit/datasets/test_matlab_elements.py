"""Damaged MATLAB files of version 5 are refused before SciPy, which would crash, reads them."""

import re
import zlib

import numpy as np
import pytest
from scipy import io

from signseg_rig.datasets import read_array_file
from signseg_rig.datasets.matlab_elements import HEADER_BYTES, check_elements
from signseg_rig.errors import DataSetError

# Of the numbers of the first variable, in what `savemat` writes: behind flags, shape and name.
TYPE_AT = 184
CELLS = np.array([["a", "bc"], ["def", "g"]], dtype=object)
VARIABLES = {
    "numbers": np.arange(12.0).reshape(3, 4),
    "complex": np.ones((2, 2)) * 1j,
    "cells": CELLS,
    "struct": {"field": np.ones(3), "inner": {"more": "text"}},
    "text": "one row",
    "none": np.zeros((0, 3)),
    "small": np.array([[1]], dtype=np.int8),
    "flags": np.array([True, False]),
}


@pytest.fixture(params=[False, True], ids=["plain", "compressed"])
def file(request, tmp_path):
    io.savemat(tmp_path / "v.mat", VARIABLES, do_compression=request.param)
    return tmp_path / "v.mat"


def test_whatever_is_written_passes(file):
    check_elements(memoryview(file.read_bytes()), max_bytes=2**20)


@pytest.mark.parametrize("kind", [0, 8, 10, 11, 19, 200])
def test_numbers_of_an_unknown_type_are_refused(tmp_path, kind):
    file = tmp_path / "rates.mat"
    io.savemat(file, {"rates": np.ones((4, 6))})
    content = bytearray(file.read_bytes())
    assert content[TYPE_AT] == 9  # double
    content[TYPE_AT] = kind
    packed = zlib.compress(bytes(content[HEADER_BYTES:]))
    size = len(packed).to_bytes(4, "little")
    for damaged in (content, content[:HEADER_BYTES] + b"\x0f\0\0\0" + size + packed):
        file.write_bytes(damaged)
        with pytest.raises(DataSetError, match=f"an element is of type {kind}, which there is not"):
            read_array_file(file, {str(one): np.zeros((2, 2, 3), np.uint8) for one in range(6)})


def test_what_was_cut_off_or_takes_too_much_is_refused(file):
    content = file.read_bytes()
    with pytest.raises((ValueError, zlib.error)):
        check_elements(memoryview(content[:300]), max_bytes=2**20)
    if content[HEADER_BYTES] == 15:
        with pytest.raises(ValueError, match=re.escape("more memory than is free")):
            check_elements(memoryview(content), max_bytes=64)


def test_elements_nested_without_an_end_are_refused():
    nested = b""
    for _ in range(100):
        nested = b"\x0e\0\0\0" + len(nested).to_bytes(4, "little") + nested
    with pytest.raises(ValueError, match="nested more than 32 deep"):
        check_elements(memoryview(b" " * 124 + b"\0\1IM" + nested), max_bytes=2**20)
