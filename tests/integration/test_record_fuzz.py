"""Whatever stands in a record, reading, reporting and resuming it end in a sentence.

``SIGNSEG_FUZZ_CASES=10000`` tries more records than there is time for otherwise.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import sqlite3
import sys
import warnings
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from signseg_rig.cli import app
from signseg_rig.errors import RigError, RunStopped
from signseg_rig.experiment import Experiment, WireSettings
from signseg_rig.records import RunReader, explained_decoding
from signseg_rig.records.events import _crc32
from signseg_rig.records.json_text import from_json, to_json
from signseg_rig.report.run_content import gather
from signseg_rig.run.control import RunControl
from signseg_rig.run.session import resume_run, start_run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX pipes, links and limits")
N_CASES = int(os.environ.get("SIGNSEG_FUZZ_CASES", "40"))
# A resumed run lists all packages, and a report draws: these are tried on some records only.
CASES_PER_RESUME, CASES_PER_REPORT = 20, 40
MAX_GROWTH_MIB = 400
COLUMNS = ("at_utc", "session", "kind", "block", "attempt", "body", "data")
VALUES: list[Any] = [
    *(None, True, 0, -1, 2, 2**63, 10**400, 0.5, 1e308, float("nan"), float("inf")),
    *("", "a", "../../a", "/dev/zero", "\ud800", "$\\frac$", "x" * 5000, "0" * 64, "nan"),
    *([], {}, [[]], {"$float": "inf"}, {"$float": []}, ["a", 1], [[[[[[[[]]]]]]]]),
]
STATEMENTS = [
    "DROP INDEX events_by_kind",
    "CREATE TABLE more (a)",
    "ALTER TABLE events RENAME TO others",
    "CREATE VIEW more AS SELECT * FROM events",
    "PRAGMA user_version = 1",
    "PRAGMA user_version = -5",
    "PRAGMA application_id = 3",
    "PRAGMA journal_mode = DELETE",
]


def changed(value: Any, rng: random.Random) -> Any:
    """Change one part of what JSON can hold, wherever it lies."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        rest = {name: item for name, item in value.items() if name != key}
        return rest if rng.random() < 0.1 else {**rest, key: changed(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        place = rng.randrange(len(value))
        if rng.random() < 0.2:
            return value[:place] + value[place + 1 :] * rng.choice([1, 2])
        return [*value[:place], changed(value[place], rng), *value[place + 1 :]]
    return rng.choice(VALUES)


def flipped(content: bytes, rng: random.Random) -> bytes:
    """Change some bytes, or the length."""
    if not content or rng.random() < 0.1:
        return rng.randbytes(rng.randrange(200))
    if rng.random() < 0.2:
        return content[: rng.randrange(len(content))]
    made = bytearray(content)
    for _ in range(rng.randrange(1, 5)):
        made[rng.randrange(len(made))] = rng.randrange(256)
    return bytes(made)


def change_event(run: Path, rng: random.Random) -> None:
    """Change one event, and its sum with it."""
    with closing(sqlite3.connect(run / "run.sqlite")) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        again = triggers.fetchall()
        rows = connection.execute(f"SELECT sequence, {', '.join(COLUMNS)} FROM events").fetchall()
        kind = rng.choice(sorted({row[3] for row in rows}, key=repr))
        sequence, *row = rng.choice([row for row in rows if row[3] == kind])
        event = dict(zip(COLUMNS, row, strict=True))
        column = rng.choice([*COLUMNS, "body", "body", "body", "data"])
        if column == "body":
            event["body"] = to_json(changed(from_json(event["body"]), rng))
        elif column == "data":
            event["data"] = flipped(event["data"] or b"", rng)
        else:
            event[column] = rng.choice([None, -1, 0, 1, 10**18, "", "note", "part", b"\xff", 1.5])
        texts = tuple(event[name] for name in COLUMNS[:-1])
        data = event["data"] or b""
        event["crc32"] = _crc32(texts, data)
        for name, _ in again:
            connection.execute(f"DROP TRIGGER {name}")
        assignments = ", ".join(f"{name} = ?" for name in event)
        query = f"UPDATE OR IGNORE events SET {assignments} WHERE sequence = ?"
        connection.execute(query, (*event.values(), sequence))
        for _, sql in again:
            connection.execute(sql)
        connection.commit()


def change_file(run: Path, rng: random.Random) -> None:
    """Change what a file holds, or put something else in its place."""
    files = [one for one in run.rglob("*") if one.is_file() and one.suffix != ".lock"]
    names = ["run.sqlite", "manifest.json", "experiment.toml", rng.choice(files).relative_to(run)]
    file = run / rng.choice(names)
    match rng.randrange(8):
        case 0:
            file.unlink()
        case 1:
            file.unlink()
            os.mkfifo(file)
        case 2:
            file.unlink()
            file.symlink_to(rng.choice(["/dev/zero", "/etc/hostname", "nothing", "."]))
        case 3 if file.suffix == ".json":
            file.write_text(json.dumps(changed(json.loads(file.read_text()), rng)))
        case _:
            file.write_bytes(flipped(file.read_bytes(), rng))


def change(run: Path, rng: random.Random) -> None:
    """Change a record in one way or in a few."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        if any(one.is_fifo() or one.is_symlink() for one in run.rglob("*")):
            return  # it would keep the next change waiting, or give it all zeros there are
        chance = rng.random()
        try:
            if chance < 0.6:
                change_event(run, rng)
            elif chance < 0.95:
                change_file(run, rng)
            else:
                with closing(sqlite3.connect(run / "run.sqlite")) as connection:
                    connection.execute(rng.choice(STATEMENTS))
                    connection.commit()
        except (OSError, ValueError, sqlite3.Error, IndexError):
            continue  # what an earlier change has left cannot be changed like this


def read(run: Path) -> None:
    with RunReader.open(run) as reader:
        with explained_decoding(run):  # as the report does
            gather(reader)
        reader.file_images()
        for one in reader.passes():
            reader.codes(one.plan)
            for stimulus in one.plan.stimuli[:3]:
                if reader.has_image(stimulus.pixels_sha256):
                    reader.image(stimulus.pixels_sha256)


def resume(run: Path) -> None:
    """Replay a run as far as it is recorded: nothing is shown, for it is to stop."""
    control = RunControl()
    control.stop()
    resume_run(run, control=control, on_status=lambda _status: None)


def report(run: Path) -> None:
    done = CliRunner().invoke(app, ["report", str(run), "--json"])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    if done.exit_code == 0:
        json.loads(done.stdout)


def try_record(base: Path, folder: Path, seed: int) -> None:
    run = folder / "run"
    shutil.copytree(base, run)
    change(run, random.Random(seed))
    verbs = [read, *([resume] * (seed % CASES_PER_RESUME == 0))]
    verbs += [report] * (seed % CASES_PER_REPORT == 0)
    for verb in verbs:
        try:
            verb(run)
        except RunStopped:
            continue  # as it was told to
        except RigError as error:
            assert str(error).endswith((".", "?"))  # noqa: PT017 - or nothing was raised


@pytest.mark.timeout(0 if N_CASES > 1000 else 600)
def test_records_of_any_content_are_read_reported_and_resumed_or_refused(
    tmp_path: Path,
    wire: WireSettings,
    experiment_of: Callable[..., dict[str, Any]],
    start_display: Callable[[Experiment], Any],
) -> None:
    table = experiment_of(wire, n_generations=3)
    table["run"]["starts_display"] = False
    table["generators"]["linear"]["image_size_px"] = 16
    experiment = Experiment.model_validate(table)
    start_display(experiment)
    base, control = tmp_path / "base", RunControl()

    def stop_in_third(status: Any) -> None:
        if status.block == 2:
            control.stop()

    with pytest.raises(RunStopped):
        start_run(experiment, path=base, control=control, on_status=stop_in_third)
    read(base)
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    # The seed tells all: a smaller one is no simpler record.
    @settings(max_examples=N_CASES, database=None, phases=[Phase.generate])
    @given(st.integers(0, 2**40))
    def each(seed: int) -> None:
        with TemporaryDirectory(dir=tmp_path) as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try_record(base, Path(folder), seed)

    each()
    growth_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib) / 1024
    assert growth_mib < MAX_GROWTH_MIB
