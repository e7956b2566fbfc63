"""Write what the README shows of a sweep: its pictures, and its table on standard output.

signseg-rig report sweeps/faces-lite0
python tools/sweep_docs.py sweeps/faces-lite0 docs
"""

from __future__ import annotations

import csv
import shutil
import sys
from pathlib import Path

from PIL import Image

MEASURES = {
    "intact_response": "score of the intact unit",
    "similarity.centered.across.mean": "similarity",
}

PICTURE_WIDTH_PX = 1600


def main(sweep: Path, docs: Path) -> None:
    """Copy the figures of a sweep's report, and print its tests as Markdown."""
    shutil.copy(sweep / "figures" / "changes.png", docs / "sweep_changes.png")
    with Image.open(sweep / "figures" / "images.png") as picture:
        picture.thumbnail((PICTURE_WIDTH_PX, PICTURE_WIDTH_PX))
        picture.convert("RGB").save(docs / "sweep_images.jpg", quality=85)
    with (sweep / "tests.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["measure"] in MEASURES]
    _print_means(rows)
    _print_tests(rows)


def _print_means(rows: list[dict[str, str]]) -> None:
    print(_line("removed", *MEASURES.values()), _line(*["---"] * 3), sep="\n")
    against_intact = [row for row in rows if row["against_sign"] == "intact"]
    first = {row["measure"]: row["mean_against"] for row in reversed(against_intact)}
    print(_line("nothing", *(_short(first[measure]) for measure in MEASURES)))
    for name in dict.fromkeys(map(_condition, against_intact)):
        own = {row["measure"]: row for row in against_intact if _condition(row) == name}
        print(_line(name, *(_short(own[one]["mean"]) for one in MEASURES)))


def _print_tests(rows: list[dict[str, str]]) -> None:
    print("\n" + _line("compared", *MEASURES.values()), _line(*["---"] * 3), sep="\n")
    tested = [
        row for row in rows if row["against_control"] in ("number", "magnitude") or row["compared"]
    ]
    for name in dict.fromkeys(map(_comparison, tested)):
        own = {row["measure"]: row for row in tested if _comparison(row) == name}
        print(_line(name, *(_outcome(own[one]) for one in MEASURES)))


def _condition(row: dict[str, str]) -> str:
    if row["control"] in ("number", "magnitude"):
        word = "many" if row["control"] == "number" else "much"
        return f"random, as {word} as {row['sign']} {row['strength']}"
    return f"{row['sign']} {row['strength']}".replace("both", "both signs,")


def _comparison(row: dict[str, str]) -> str:
    if row["compared"]:
        return f"positive less negative, {row['strength']} {row['compared']}".replace(",  ", ", ")
    word = "many" if row["against_control"] == "number" else "much"
    return f"{row['sign']} {row['strength']} less random, as {word}"


def _outcome(row: dict[str, str]) -> str:
    bounds = f"[{_short(row['difference_low'])}, {_short(row['difference_high'])}]"
    told = f"q {float(row['q_value']):.2g}" if row["q_value"] else "not tested"
    return f"{_short(row['difference'])} {bounds if row['difference_low'] else ''} {told}"


def _short(number: str) -> str:
    return f"{float(number):.3g}" if number else ""


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
