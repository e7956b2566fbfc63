"""Cells that a spreadsheet would compute are text; numbers are left alone."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signseg_rig.files.csv_text import csv_text, plain_text


@pytest.mark.parametrize(
    "name", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", '=HYPERLINK("x", "y")', "\t=1", "\r=1", "- 3"]
)
def test_a_name_that_would_be_computed_is_text(name):
    ((cell, number),) = csv.reader(io.StringIO(csv_text([(name, -1.5)]), newline=""))
    assert (cell, number) == (f"'{name}", "-1.5")


@pytest.mark.parametrize("cell", [-1, -0.5, "-3", "+1e-3", "unit-3", "a=b", "", True])
def test_what_is_a_number_or_harmless_stays(cell):
    ((found,),) = csv.reader(io.StringIO(csv_text([(cell,)])))
    assert found == str(cell)


def test_what_is_not_known_is_empty():
    assert csv_text([(float("nan"), "nan")]) == ",nan\r\n"


@given(st.text(st.sampled_from("'=+-@\t\r3ab")) | st.text(st.characters(exclude_categories=["Cs"])))
def test_every_text_is_read_as_it_was_written(text):
    ((cell, _),) = csv.reader(io.StringIO(csv_text([(text, 0)]), newline=""))
    assert plain_text(cell) == text
