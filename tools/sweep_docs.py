"""Write what the README shows of sweeps: pictures of the first, and tables of all.

signseg-rig report sweeps/faces-lite0
signseg-rig report sweeps/faces-squeezenet
python tools/sweep_docs.py docs sweeps/faces-lite0 sweeps/faces-squeezenet
"""

from __future__ import annotations

import csv
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image

MEASURES = {
    "intact_response": "score of the intact unit",
    "similarity.centered.across.mean": "similarity",
}
PICTURE_WIDTH_PX = 1600

Row = dict[str, str]
# By what a row is called, and by the column that it stands in.
Cells = dict[str, dict[str, str]]


def main(docs: Path, *sweeps: Path) -> None:
    """Copy the figures of the first sweep's report, and print the tests of all as Markdown."""
    shutil.copy(sweeps[0] / "figures" / "changes.png", docs / "sweep_changes.png")
    with Image.open(sweeps[0] / "figures" / "images.png") as picture:
        picture.thumbnail((PICTURE_WIDTH_PX, PICTURE_WIDTH_PX))
        picture.convert("RGB").save(docs / "sweep_images.jpg", quality=85)
    tests = {sweep.name: _tests(sweep) for sweep in sweeps}
    _print_table("removed", {name: _means(rows) for name, rows in tests.items()})
    _print_table("compared", {name: _outcomes(rows) for name, rows in tests.items()})


def _tests(sweep: Path) -> list[Row]:
    with (sweep / "tests.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["measure"] in MEASURES]


def _means(rows: list[Row]) -> Cells:
    against_intact = [row for row in rows if row["against_sign"] == "intact"]
    intact = {row["measure"]: _short(row["mean_against"]) for row in reversed(against_intact)}
    removed = _cells(against_intact, _condition, lambda row: _short(row["mean"]))
    return {"nothing": intact, **removed}


def _outcomes(rows: list[Row]) -> Cells:
    tested = [
        row for row in rows if row["against_control"] in ("number", "magnitude") or row["compared"]
    ]
    return _cells(tested, _comparison, _outcome)


def _cells(rows: list[Row], name: Callable[[Row], str], content: Callable[[Row], str]) -> Cells:
    found: Cells = {}
    for row in rows:
        found.setdefault(name(row), {})[row["measure"]] = content(row)
    return found


def _print_table(heading: str, cells: dict[str, Cells]) -> None:
    columns = [(sweep, measure) for sweep in cells for measure in MEASURES]
    print(_line(heading, *(f"{sweep}: {MEASURES[measure]}" for sweep, measure in columns)))
    print(_line(*["---"] * (1 + len(columns))))
    for name in dict.fromkeys(name for own in cells.values() for name in own):
        shown = [cells[sweep].get(name, {}).get(measure, "") for sweep, measure in columns]
        print(_line(name, *shown))
    print()


def _condition(row: Row) -> str:
    if row["control"] in ("number", "magnitude"):
        word = "many" if row["control"] == "number" else "much"
        return f"random, as {word} as {row['sign']} {row['strength']}"
    return f"{row['sign']} {row['strength']}".replace("both", "both signs,")


def _comparison(row: Row) -> str:
    if row["compared"]:
        at = " ".join(filter(None, (row["strength"], row["compared"])))
        return f"positive less negative, {at}"
    word = "many" if row["against_control"] == "number" else "much"
    return f"{row['sign']} {row['strength']} less random, as {word}"


def _outcome(row: Row) -> str:
    bounds = f" [{_short(row['difference_low'])}, {_short(row['difference_high'])}]"
    told = f" q {float(row['q_value']):.2g}" if row["q_value"] else " not tested"
    return f"{_short(row['difference'])}{bounds if row['difference_low'] else ''}{told}"


def _short(number: str) -> str:
    return f"{float(number):.3g}" if number else ""


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
