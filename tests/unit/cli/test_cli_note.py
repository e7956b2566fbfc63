"""A person's words in the record of a run, while the run goes on."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from signseg_rig.cli import app
from signseg_rig.records import RunReader, RunRecord
from signseg_rig.report.run_events import events_in_words


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "run"


def test_a_note_is_kept_while_the_run_goes_on(run: Path) -> None:
    with RunRecord.create(run, experiment_toml="", manifest={}) as record:
        result = CliRunner().invoke(app, ["note", str(run), "unit", "3", "lost;", "moved 50 um"])
        assert result.exit_code == 0, result.output
        record.note("timing", block=0)
    with RunReader.open(run) as reader:
        assert [note.topic for note in reader.notes()] == ["session", "person", "timing"]
        (note,) = reader.notes("person")
        assert note.body["text"] == "unit 3 lost; moved 50 um"
        assert note.session == 0
        told = [text for _, text in events_in_words(reader.notes())]
    assert any(text.endswith(": unit 3 lost; moved 50 um") for text in told)


def test_a_finished_run_takes_notes_and_is_resumed_as_before(run: Path) -> None:
    RunRecord.create(run, experiment_toml="", manifest={}).close()
    assert CliRunner().invoke(app, ["note", str(run), "good session"]).exit_code == 0
    with RunRecord.reopen(run) as record:
        assert record.session == 1


@pytest.mark.parametrize("text", ["", "   ", "x" * 20_000])
def test_a_note_has_some_text(run: Path, text: str) -> None:
    RunRecord.create(run, experiment_toml="", manifest={}).close()
    result = CliRunner().invoke(app, ["note", str(run), text])
    assert result.exit_code != 0
    assert "A note has some text" in result.output


def test_what_is_no_run_takes_no_note(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["note", str(tmp_path), "text"])
    assert result.exit_code != 0
    assert "is no run record" in " ".join(result.output.split())
