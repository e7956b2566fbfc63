"""Tables of anybody's: what would fill the memory or wait for ever is refused, names come back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from signseg_rig.datasets.tables import read_rate_table, read_stimulus_table
from signseg_rig.errors import DataSetError
from signseg_rig.files.csv_text import csv_text

NAMES = ("=1+1", "+a", "-b", "@c", "'=d", "'tis", "-3", "plain")


def test_names_that_a_spreadsheet_would_compute_are_read_as_they_were_written(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.csv"
    rows = [("unit", "image", "repeat", "rate_hz"), *((name, name, name, -1.5) for name in NAMES)]
    path.write_text(csv_text(rows), newline="")
    table = read_rate_table(path)
    assert table.unit_ids == table.image_ids == NAMES
    path.write_text(csv_text([("onset_s", "image"), *enumerate(NAMES)]), newline="")
    assert read_stimulus_table(path).image_ids == NAMES


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes among its files")
@pytest.mark.parametrize("read", [read_rate_table, read_stimulus_table])
@pytest.mark.timeout(20)
def test_a_table_that_is_a_pipe_is_refused(read, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(DataSetError, match=r"a\.csv cannot be read: it is a pipe and not a regul"):
        read(tmp_path / "a.csv")


@pytest.mark.parametrize("line", ["a," * 2**20, "a" * 2**20, '"' + "a," * 2**20])
def test_a_line_without_end_is_refused(line: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(line)
    with pytest.raises(DataSetError, match=r"Line 1 of .* has more than 262144 characters"):
        read_rate_table(path)


def test_a_heading_of_many_columns_is_not_told_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(",".join(map(str, range(10_000))))
    with pytest.raises(DataSetError, match="'0', '1', '2', '3', '4', and 9995 more") as caught:
        read_rate_table(path)
    assert len(str(caught.value)) < 1000


def test_a_table_of_hardly_any_of_its_trials_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = "".join(f"{line},{line},{line},1\n" for line in range(1000))
    path.write_text(f"unit,image,repeat,rate_hz\n{lines}")
    with pytest.raises(DataSetError, match="1000 units, 1000 images and 1000 repeats, which would"):
        read_rate_table(path)
    # A small one is taken as it is.
    path.write_text("unit,image,repeat,rate_hz\na,a,0,1\nb,b,1,2\n")
    assert read_rate_table(path).rates_hz.shape == (2, 2, 2)
