"""A writer that is killed at any moment loses nothing that it acknowledged."""

from __future__ import annotations

import os
import platform
import random
import runpy
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from signseg_rig.errors import RecordInUseError
from signseg_rig.records import PassRecord, RunReader, RunRecord

CHILD = Path(__file__).with_name("record_child.py")
CONTENT = runpy.run_path(str(CHILD))
Block = CONTENT["Block"]
N_BLOCKS: int = CONTENT["N_BLOCKS"]
N_KILLS = 8  # of one record
N_RECORDS = -(-int(os.environ.get("SIGNSEG_RECORD_KILLS", "16")) // N_KILLS)

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a child that writes records; killed at the end of the test."""
    children: list[subprocess.Popen[str]] = []

    def start_child(*arguments: object) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, str(CHILD), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        children.append(child)
        return child

    yield start_child
    for child in children:
        child.kill()
        child.communicate()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "run"
    RunRecord.create(path, experiment_toml=CONTENT["EXPERIMENT_TOML"], manifest={}).close()
    return path


def recorded(path: Path, session: int) -> list[str]:
    """Give kind and block of the events of a session, and check the database."""
    with closing(sqlite3.connect(path / "run.sqlite")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = connection.execute(
            "SELECT kind, block FROM events WHERE session = ? ORDER BY sequence", (session,)
        ).fetchall()
    return [f"{kind} {block}" for kind, block in rows]


def check_pass(reader: RunReader, read: PassRecord) -> None:
    expected = Block(read.plan.block)
    assert read.plan == expected.plan
    assert list(read.shown) == expected.shown[: len(read.shown)]
    np.testing.assert_array_equal(reader.codes(read.plan)["linear"], expected.codes["linear"])
    if read.responses is not None:
        assert len(read.shown) == len(expected.shown)
        np.testing.assert_array_equal(read.responses.evoked_hz, expected.responses.evoked_hz)
        np.testing.assert_array_equal(read.responses.baseline_hz, expected.responses.baseline_hz)


def check_images(reader: RunReader) -> int:
    """Check every image that is there; give how many are."""
    keys = [blob.stem for blob in (reader.path / "blobs").glob("*.png")]
    for key in keys:
        reader.image(key)
    return len(keys)


@pytest.mark.parametrize("seed", range(N_RECORDS))
def test_nothing_acknowledged_is_lost(path: Path, start: Start, seed: int) -> None:
    rng = random.Random(seed)
    for session in range(1, N_KILLS + 1):
        # It waits after 10 blocks, so that no session is over before it is killed.
        child = start("write", path, 10)
        assert child.stdout is not None
        before = [child.stdout.readline() for _ in range(rng.randint(1, 30))]
        child.kill()
        acknowledged = ("".join(before) + child.stdout.read()).splitlines()

        there = recorded(path, session)
        assert there[: len(acknowledged)] == acknowledged
        # Of the call that was under way all events may be there: those of telling and planning.
        assert len(there) - len(acknowledged) <= 2
        with RunReader.open(path) as reader:
            for read in reader.passes():
                check_pass(reader, read)
            check_images(reader)
            # What was answered is not shown again, and never rendered again.
            assert reader.missing_images() == ()
            assert reader.n_sessions == session + 1
            assert reader.result() is None
    child = start("write", path)
    child.communicate()
    assert child.returncode == 0
    with RunReader.open(path) as reader:
        passes = list(reader.passes())
        assert [one.plan.block for one in passes] == list(range(N_BLOCKS))
        assert all(one.responses is not None for one in passes)
        assert [one.generation for one in reader.told()] == list(range(N_BLOCKS - 1))
        assert reader.result() is not None
    assert list(path.rglob("*.part")) == []


def test_a_record_is_read_while_it_is_written(path: Path, start: Start) -> None:
    n_between_waits = 20
    child = start("write", path, n_between_waits)
    assert child.stdin is not None
    n_answered, is_finished, n_looks_between = 0, False, 0
    while not is_finished:
        assert child.poll() in {None, 0}
        with RunReader.open(path) as reader:
            is_finished = reader.result() is not None
            passes = list(reader.passes())
            answered = [one for one in passes if one.responses is not None]
            assert len(passes) - len(answered) <= 1
            assert len(answered) >= n_answered
            n_looks_between += n_answered < len(answered) < N_BLOCKS
            for read in passes[n_answered:]:
                check_pass(reader, read)
            check_images(reader)
        if len(answered) // n_between_waits > n_answered // n_between_waits:
            child.stdin.write("\n")
            child.stdin.flush()
        n_answered = len(answered)
    child.communicate()
    assert child.returncode == 0
    assert n_answered == N_BLOCKS
    assert n_looks_between > 2
    with RunReader.open(path) as reader:
        assert check_images(reader) == sum(len(Block(number).images) for number in range(N_BLOCKS))


def test_a_record_in_use_names_its_writer(path: Path, start: Start) -> None:
    child = start("hold", path)
    assert child.stdout is not None
    assert child.stdout.readline() == "holding\n"
    with pytest.raises(RecordInUseError, match=f"process {child.pid} on {platform.node()}"):
        RunRecord.reopen(path)

    child.kill()
    child.wait()
    with RunRecord.reopen(path) as record:
        assert record.session == 2


def test_a_record_in_use_by_this_process(path: Path) -> None:
    with RunRecord.reopen(path), pytest.raises(RecordInUseError):
        RunRecord.reopen(path)
    RunRecord.reopen(path).close()


def test_a_record_whose_making_was_killed_can_be_made(tmp_path: Path, start: Start) -> None:
    n_reopened = 0
    for n_steps in range(100):
        path = tmp_path / str(n_steps)
        child = start("die-at", path, n_steps)
        child.communicate()
        record = make_or_reopen(path)
        n_reopened += record.session
        record.note("usable")
        record.close()
        with RunReader.open(path) as reader:
            assert reader.experiment_toml == CONTENT["EXPERIMENT_TOML"]
            assert len(reader.notes("usable")) == 1
        if child.returncode == 0:
            break
    assert child.returncode == 0
    assert n_steps > 8
    assert n_reopened > 0


def make_or_reopen(path: Path) -> Any:
    if (path / "run.sqlite").exists():
        return RunRecord.reopen(path)
    return RunRecord.create(path, experiment_toml=CONTENT["EXPERIMENT_TOML"], manifest={})
