"""The report of somebody else's record writes nothing outside of its folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from signseg_rig.errors import RecordError, ReportError
from signseg_rig.records import RunReader, RunRecord, explained_decoding
from signseg_rig.report import write_report
from signseg_rig.report.run_content import MAX_THREADS, gather
from signseg_rig.values import ProtocolResult, Told

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX links")


def record_of(path: Path, *threads: str) -> Path:
    with RunRecord.create(path, experiment_toml="", manifest={}) as record:
        told = tuple(Told(thread, 0, np.ones(2)) for thread in threads)
        record.finished(ProtocolResult(True, (), ()), told)
    return path


def test_the_name_of_a_thread_leads_nowhere(tmp_path: Path) -> None:
    escape = "/../../../escaped"
    path = record_of(tmp_path / "a" / "run", escape, str(tmp_path / "absolute"))
    (path / "figures" / "best_").mkdir(parents=True)
    before = {one for one in tmp_path.rglob("*") if path not in one.parents}
    page = write_report(path)
    assert {one for one in tmp_path.rglob("*") if path not in one.parents} == before
    assert escape in page.read_text(encoding="utf-8")


def test_a_record_of_very_many_threads_is_drawn_in_part(tmp_path: Path) -> None:
    path = record_of(tmp_path / "run", *map(str, range(MAX_THREADS + 6)))
    with RunReader.open(path) as reader:
        content = gather(reader)
    assert len(content.curves) == MAX_THREADS
    assert ("now", f"Of {MAX_THREADS + 6} threads 6 are not shown here.") in content.notes


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("timing", {"block": [], "render_s": "long"}),
        ("display clock", {"offset_s": None}),
        ("experiment", {"protocol": {"kind": "evolution", "threads": [5]}}),
        ("experiment", {"a": None}),
    ],
)
def test_notes_that_no_run_writes_are_a_sentence(
    tmp_path: Path, topic: str, body: dict[str, Any]
) -> None:
    path = record_of(tmp_path / "run")
    with RunRecord.reopen(path) as record:
        record.note(topic, **body)
    with pytest.raises(RecordError, match="holds what no run writes"):
        write_report(path)


def test_an_experiment_that_is_no_toml_is_a_sentence(tmp_path: Path) -> None:
    path = record_of(tmp_path / "run")
    (path / "experiment.toml").write_text("[[[")
    with pytest.raises(RecordError, match="holds what no run writes"):
        write_report(path)


def test_links_in_a_record_are_not_written_through(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("kept")
    path = record_of(tmp_path / "run")
    (path / "figures").mkdir()
    for name in ("report.html", "figures/timing.png"):
        (path / name).symlink_to(mine)
    write_report(path)
    assert mine.read_text() == "kept"


def test_figures_are_not_written_into_a_folder_that_a_link_leads_to(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    path = record_of(tmp_path / "run")
    (path / "figures").symlink_to(tmp_path / "mine")
    with pytest.raises(ReportError, match=r"figures cannot be written: it is a link"):
        write_report(path)
    assert list((tmp_path / "mine").iterdir()) == []
    write_report(path, tmp_path / "elsewhere")


def test_an_experiment_file_that_ends_the_stack_is_told_to_be_edited(tmp_path: Path) -> None:
    path = record_of(tmp_path / "run")
    with RunRecord.reopen(path) as record:
        record.note("experiment", version=1)
    (path / "experiment.toml").write_text("version = 1\na = " + "[" * 100_000)
    with RunReader.open(path) as reader, explained_decoding(path):
        (_, edited), *_ = [note for note in gather(reader).notes if note[0] == "later"]
    assert "experiment.toml was edited after the run: it is no TOML any more, line 2: " in edited
