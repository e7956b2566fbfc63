"""What the pickle in a torch file may ask for, looked at before any of it is obeyed."""

from __future__ import annotations

import pickletools
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from signseg_rig.errors import WeightsError

# Of each tensor half a dozen, so that these are thousands of tensors. Without a bound they could be
# nested so deeply that hashing them exhausts the stack, which ends the process.
MAX_TUPLES = 30_000
TUPLES = frozenset({"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"})
# Torch allows it, tensors do not need it, and called with a number it takes that much memory.
REFUSED = frozenset({"builtins bytearray", "__builtin__ bytearray"})
# Torch before 1.6 wrote so many one after the other: magic number, version, system, content, keys.
N_OF_EARLY_FILES = 5


def require_bounded_pickle(path: Path) -> None:
    """Make sure that reading a torch file takes no more than the file holds.

    Raises
    ------
    WeightsError
        It is damaged, or made to exhaust memory or stack.
    """
    try:
        _require_bounded(_instructions(path))
    # Damaged archives and pickles raise whatever their fields run into.
    except Exception as error:
        raise WeightsError(
            f"{path} cannot be read as torch weights ({str(error) or type(error).__name__}). It is "
            "damaged, or another kind of file. Fetch or copy it again."
        ) from error


def _require_bounded(instructions: Iterator[tuple[str, object]]) -> None:
    n_tuples = 0
    for name, argument in instructions:
        n_tuples += name in TUPLES
        if n_tuples > MAX_TUPLES:
            raise ValueError(f"it makes more than {MAX_TUPLES} tuples")
        if name == "GLOBAL" and argument in REFUSED:
            raise ValueError(f"it names {argument}, which tensors do not need")


def _instructions(path: Path) -> Iterator[tuple[str, object]]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                if member.endswith("/data.pkl"):
                    with archive.open(member) as file:
                        yield from _of_one_pickle(file)
        return
    with path.open("rb") as file:
        for _ in range(N_OF_EARLY_FILES):
            yield from _of_one_pickle(file)


def _of_one_pickle(file: IO[bytes]) -> Iterator[tuple[str, object]]:
    for instruction, argument, _ in pickletools.genops(file):
        yield instruction.name, argument
