"""Writes a run record in a process of its own, which tests kill: ``record_child.py VERB PATH``.

Each call that returns is told on standard output at once, so that a test knows what it may rely on.
"""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

import numpy as np

from signseg_rig.records import RunRecord
from signseg_rig.values import (
    ImageArray,
    PassPlan,
    PlannedStimulus,
    Presentation,
    ProtocolResult,
    ResponseBatch,
    Shown,
    Told,
    array_sha256,
)

N_BLOCKS = 80
N_STIMULI = 4
EXPERIMENT_TOML = "version = 1\n"


class Block:
    """What is recorded of one block; the same in every process."""

    def __init__(self, number: int) -> None:
        rng = np.random.default_rng(number)
        pixels = rng.integers(0, 256, (N_STIMULI, 64, 64, 3), dtype=np.uint8)
        self.images: dict[str, ImageArray] = {array_sha256(image): image for image in pixels}
        self.codes = {"linear": rng.standard_normal((N_STIMULI, 512))}
        self.told = [Told("a", number - 1, rng.standard_normal(N_STIMULI))] if number else []
        stimuli = tuple(
            PlannedStimulus(
                f"b{number}-s{index}", "evolved", "a", number, index, "linear", "", key, key
            )
            for index, key in enumerate(self.images)
        )
        presentations = tuple(
            Presentation(one.id, index, one.pixels_sha256) for index, one in enumerate(stimuli)
        )
        self.plan = PassPlan(number, 0, stimuli, presentations)
        self.shown = [
            Shown(one.id, one.pixels_sha256, onset_s, onset_s + 0.1, 6, 0)
            for one, onset_s in zip(presentations, rng.uniform(0, 9, N_STIMULI), strict=True)
        ]
        self.responses = ResponseBatch(
            presentation_ids=tuple(one.id for one in presentations),
            stimulus_index=np.arange(N_STIMULI),
            evoked_hz=rng.standard_normal((N_STIMULI, 3)),
            baseline_hz=rng.standard_normal((N_STIMULI, 3)),
            reasons=(None,) * N_STIMULI,
            unit_names=("x", "y", "z"),
        )


def acknowledge(*words: object) -> None:
    # In one piece, so that no line is cut in two.
    line = " ".join(map(str, words))
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


def write(path: Path, n_between_waits: int = N_BLOCKS) -> None:
    """Go on with a run until it is finished; wait for a line after every so many blocks."""
    with RunRecord.reopen(path) as record:
        acknowledge("note", None)
        if record.reader.result() is not None:
            return
        n_written = 0
        for number in range(N_BLOCKS):
            known = record.reader.find_pass(number, 0)
            if known is None or known.responses is None:
                write_block(record, Block(number), is_new=known is None)
                n_written += 1
                if n_written % n_between_waits == 0:
                    sys.stdin.readline()
        record.finished(ProtocolResult(True, (), ()))
        acknowledge("finished", None)


def write_block(record: RunRecord, block: Block, *, is_new: bool) -> None:
    number = block.plan.block
    told = block.told if is_new else []
    record.planned(block.plan, block.codes, told)
    for _ in told:
        acknowledge("told", None)
    acknowledge("planned", number)
    record.save_images(block.images)
    for one in block.shown:
        record.shown(number, 0, [one])
        acknowledge("shown", number)
    record.responses(number, 0, block.responses)
    acknowledge("responses", number)


def hold(path: Path) -> None:
    """Keep the record open until standard input ends."""
    with RunRecord.reopen(path):
        acknowledge("holding")
        sys.stdin.read()


def die_at(path: Path, n_steps: int) -> None:
    """Make a record, and die as if killed before the given file operation."""
    steps = itertools.count()

    def count(event: str, _arguments: tuple[object, ...]) -> None:
        if event in {"open", "os.mkdir", "os.rename", "sqlite3.connect"} and next(steps) == n_steps:
            os._exit(9)

    sys.addaudithook(count)
    RunRecord.create(path, experiment_toml=EXPERIMENT_TOML, manifest={}).close()


if __name__ == "__main__":
    verb, folder, *numbers = sys.argv[1:]
    if verb == "write":
        write(Path(folder), *map(int, numbers))
    elif verb == "hold":
        hold(Path(folder))
    else:
        die_at(Path(folder), int(numbers[0]))
