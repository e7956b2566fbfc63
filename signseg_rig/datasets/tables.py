"""CSV tables: responses one a line, and which image was shown when."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np

from signseg_rig.datasets.problems import listed
from signseg_rig.errors import DataSetError
from signseg_rig.files.csv_text import plain_text
from signseg_rig.files.user import UnreadableFileError, open_user_file
from signseg_rig.values import FloatArray, IntArray
from signseg_rig.wording import first_few

RATE_COLUMNS = ("unit", "image", "repeat", "rate_hz")
STIMULUS_COLUMNS = ("onset_s", "image")
MAX_LISTED = 10
# A heading of thousands of columns has less.
MAX_LINE_CHARACTERS = 2**18
# Up to so many trials a table may lack any share of them: they take 128 MiB.
MAX_SPARSE_TRIALS = 2**24
MIN_FILLED = 0.01
IS_VALID = dict.fromkeys(("1", "true", "yes"), True) | dict.fromkeys(("0", "false", "no"), False)


@dataclass(frozen=True, slots=True, eq=False)
class Presentations:
    """Which image was shown when.

    Parameters
    ----------
    onsets_s : (n_presentations,) float array, in seconds on the clock of the spikes
    image_ids : tuple of str
    segments : (n_presentations,) int array, optional
        In which segment of the recording, counted from 0; needed where each segment's clock
        begins anew.
    """

    onsets_s: FloatArray
    image_ids: tuple[str, ...]
    segments: IntArray | None = None


class RateTable(NamedTuple):
    """Responses as they stand in a table, with units and images in the order of their appearance.

    Parameters
    ----------
    rates_hz : (n_units, n_images, n_repeats) float array
        NaN where the table has no line.
    """

    unit_ids: tuple[str, ...]
    image_ids: tuple[str, ...]
    rates_hz: FloatArray


def read_rate_table(path: Path) -> RateTable:
    """Read responses of which every line of a table holds one.

    Parameters
    ----------
    path : Path
        A CSV file with the columns unit, image, repeat and rate_hz, in any order; others are
        passed over. What stands under unit, image and repeat are names.

    Returns
    -------
    table : RateTable

    Raises
    ------
    DataSetError
        Columns are missing, a rate is not a number, a line occurs twice, or the table has hardly
        any of the trials that its units, images and repeats make.
    """
    places: dict[str, dict[str, int]] = {"unit": {}, "image": {}, "repeat": {}}
    rates: dict[tuple[int, int, int], float] = {}
    problems = []
    for line, row in _rows(path, RATE_COLUMNS):
        unit, image, repeat = (
            known.setdefault(row[name], len(known)) for name, known in places.items()
        )
        rate_hz = _number(row["rate_hz"])
        if rate_hz is None:
            problems.append(f"line {line}: rate_hz {row['rate_hz']!r} is not a number")
        elif (unit, image, repeat) in rates:
            problems.append(
                f"line {line}: unit {row['unit']!r}, image {row['image']!r}, repeat "
                f"{row['repeat']!r} stands in the table already"
            )
        else:
            rates[unit, image, repeat] = rate_hz
    _raise_problems(path, problems)
    shape = [len(known) for known in places.values()]
    _check_filled(path, shape, len(rates))
    trials = np.full(shape, np.nan)
    if rates:
        trials[tuple(np.array(list(rates)).T)] = list(rates.values())
    return RateTable(tuple(places["unit"]), tuple(places["image"]), trials)


def read_stimulus_table(path: Path) -> Presentations:
    """Read which image was shown when.

    Parameters
    ----------
    path : Path
        A CSV file with the columns onset_s (on the clock of the spikes) and image (id or file
        name); optionally valid (1/0, true/false, yes/no) and segment (counted from 0). Others are
        passed over.

    Returns
    -------
    presentations : Presentations
        Those that are valid.

    Raises
    ------
    DataSetError
        Columns are missing, or what stands under them is no time, truth or number.
    """
    onsets_s, image_ids, segments, problems = [], [], [], []
    for line, row in _rows(path, STIMULUS_COLUMNS):
        onset_s = _number(row["onset_s"])
        is_valid = IS_VALID.get(row.get("valid", "1").lower())
        segment = row.get("segment", "0")
        if onset_s is None:
            problems.append(f"line {line}: onset_s {row['onset_s']!r} is not a number")
        elif is_valid is None:
            problems.append(f"line {line}: valid {row['valid']!r} is none of {', '.join(IS_VALID)}")
        elif not segment.isdecimal():
            problems.append(f"line {line}: segment {segment!r} is not a whole number from 0")
        elif is_valid:
            onsets_s.append(onset_s)
            image_ids.append(row["image"])
            segments.append(int(segment) if "segment" in row else -1)
    _raise_problems(path, problems)
    numbers = np.array(segments, dtype=np.int64)
    return Presentations(
        onsets_s=np.array(onsets_s, dtype=np.float64),
        image_ids=tuple(image_ids),
        segments=None if (numbers < 0).all() else numbers,
    )


def _rows(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield every line with its number, and check the heading and the number of its fields."""
    try:
        # A mark at the beginning is what Excel adds.
        with io.TextIOWrapper(open_user_file(path), encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(_lines(path, file))
            columns = [name.strip() for name in next(reader, [])]
            _check_columns(path, columns, needed)
            for fields in reader:
                if len(fields) == len(columns):
                    texts = (plain_text(field.strip()) for field in fields)
                    yield reader.line_num, dict(zip(columns, texts, strict=True))
                elif fields:
                    raise DataSetError(
                        f"Line {reader.line_num} of {path} has {len(fields)} fields; the heading "
                        f"has {len(columns)}. Quote names that contain commas."
                    )
    except UnreadableFileError as error:
        raise DataSetError(f"The table {error} Name a CSV file.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataSetError(
            f"The table {path} cannot be read: {error}. Save it as CSV in UTF-8."
        ) from error


def _lines(path: Path, file: TextIO) -> Iterator[str]:
    """Yield lines, of which none fills the memory."""
    number = 0
    while line := file.readline(MAX_LINE_CHARACTERS + 1):
        number += 1
        if len(line) > MAX_LINE_CHARACTERS:
            raise DataSetError(
                f"Line {number} of {path} has more than {MAX_LINE_CHARACTERS} characters. A table "
                "has one presentation or response a line; save it as CSV, with line ends."
            )
        yield line


def _check_filled(path: Path, shape: list[int], n_lines: int) -> None:
    n_trials = math.prod(shape)
    if n_trials > MAX_SPARSE_TRIALS and n_lines < MIN_FILLED * n_trials:
        n_units, n_images, n_repeats = shape
        raise DataSetError(
            f"The {n_lines} lines of {path} name {n_units} units, {n_images} images and "
            f"{n_repeats} repeats, which would make {n_trials} trials; so few of them cannot be "
            "fitted. The names of units, images and repeats should be the same on all lines that "
            "are of the same one: a repeat is 0, 1, ..., not the number of the presentation."
        )


def _check_columns(path: Path, columns: list[str], needed: tuple[str, ...]) -> None:
    if missing := [name for name in needed if name not in columns]:
        raise DataSetError(
            f"The table {path} has no column {listed(missing)}; needed are {', '.join(needed)}, "
            f"separated by commas, and there are {listed(columns) or 'none'}."
        )
    if len(set(columns)) < len(columns):
        raise DataSetError(f"The table {path} has two columns of one name: {listed(columns)}.")


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _raise_problems(path: Path, problems: list[str]) -> None:
    if problems:
        text = first_few(problems, MAX_LISTED, separator="\n")
        lines = "One line" if len(problems) == 1 else f"{len(problems)} lines"
        raise DataSetError(f"{lines} of {path} cannot be used:\n{text}")
