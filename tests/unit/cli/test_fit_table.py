"""The printed table of a fit can be read where a terminal is narrow."""

import io

import numpy as np
import pytest
from rich.console import Console

from signseg_rig.cli.fit_table import HEADINGS, fit_table

N_UNITS = 3


def printed(columns: dict[str, list[object]], width: int = 80) -> list[str]:
    quality = {
        name: np.asarray(cells)
        for name, cells in columns.items()
        if all(isinstance(cell, float) for cell in cells)
    }
    text = io.StringIO()
    Console(file=text, width=width).print(fit_table(columns, quality))
    return text.getvalue().splitlines()


@pytest.fixture
def columns() -> dict[str, list[object]]:
    known: dict[str, list[object]] = {name: [-0.96123] * N_UNITS for name in HEADINGS}
    return known | {
        "unit": ["V4-12a", "V4-13", "a name that is longer than most names of units"],
        "n_trials": [14_400, 960, 1_080],
        "gate": ["passed", "failed", "passed"],
        "n_components": [25, 1, 7],
        "p_value": [0.00498, 4.84e-5, 0.952],
    }


def test_numbers_stay_whole_where_all_is_known_at_80_columns(
    columns: dict[str, list[object]],
) -> None:
    lines = printed(columns)
    assert max(map(len, lines)) <= 80
    (row,) = [line.split() for line in lines if line.startswith("V4-12a")]
    assert row == [
        *("V4-12a", "14400", "passed", "25"),
        *["-0.96"] * 6,
        *("0.005", "-0.96"),
    ]
    (other,) = [line.split() for line in lines if line.startswith("V4-13")]
    assert other[-2] == "4.8e-05"
    assert "longer" in {line.strip() for line in lines}


def test_what_is_not_known_of_any_unit_takes_no_room(columns: dict[str, list[object]]) -> None:
    columns["reliability"] = [float("nan")] * N_UNITS
    columns["ceiling_r"] = [float("nan"), 0.5, 0.7]
    lines = printed(columns, width=120)
    assert "relia-" not in lines[0]
    assert "ceil-" in lines[0]
    assert [line.split()[4] for line in lines if line.startswith("V4-13")] == ["0.50"]
    assert lines[-1].split()[:3] == ["median", "0.60", "-0.96"]
