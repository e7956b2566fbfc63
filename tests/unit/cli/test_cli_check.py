"""``signseg-rig check``: a table for people, JSON for programs, and an exit code."""

import json
import socket
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from signseg_rig.cli import app

runner = CliRunner()


@pytest.fixture
def file(toy_experiment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    text = toy_experiment.read_text()
    toy_experiment.write_text(f'{text}[wire]\naddress = "tcp://127.0.0.1:{port}"\n')
    return toy_experiment


def test_a_good_file(file: Path) -> None:
    result = runner.invoke(app, ["check", str(file)])
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "on_ms: 100 ms = 6 frames = 100.0 ms at 60 Hz",
        "off_ms: 100 ms = 6 frames = 100.0 ms at 60 Hz",
        f"{file}: 0 errors, 0 warnings",
    ]


def test_errors_are_listed_with_their_lines_and_fail(file: Path) -> None:
    file.write_text(file.read_text().replace("name =", "nam =", 1) + "[run.x]\n[stimlus]\n")
    result = runner.invoke(app, ["check", str(file)])
    assert result.exit_code == 1
    rows = [row.split()[:3] for row in result.output.splitlines()]
    assert ["2", "error", "run.nam"] in rows
    assert ["15", "error", "run.x"] in rows
    assert ["16", "error", "stimlus"] in rows
    assert result.output.splitlines()[-1].endswith("toy.toml: 3 errors, 0 warnings")


def test_warnings_alone_are_no_failure(file: Path) -> None:
    file.write_text(file.read_text() + "[monitor]\nrefresh_rate_hz = 72\n")
    result = runner.invoke(app, ["check", str(file)])
    assert result.exit_code == 0
    assert "on_ms: 100 ms = 7 frames = 97.2 ms at 72 Hz" in result.output
    assert "0 errors, 3 warnings" in result.output


def test_a_file_is_read_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a file that is saved meanwhile could end the check with another error."""
    parsed: list[str] = []
    parse = tomllib.loads

    def note(text: str) -> dict[str, Any]:
        parsed.append(text)
        return parse(text)

    monkeypatch.setattr(tomllib, "loads", note)
    assert runner.invoke(app, ["check", str(file)]).exit_code == 0
    assert parsed == [file.read_text()]


def test_json(file: Path) -> None:
    file.write_text(file.read_text() + "[stimulus]\non_ms = 10\noff_ms = 300\n")
    result = runner.invoke(app, ["check", "--json", str(file)])
    assert result.exit_code == 0
    report = json.loads(result.output)
    assert report["file"] == str(file)
    (problem,) = report["problems"]
    assert (problem["line"], problem["key"]) == (16, "stimulus.on_ms")
    assert problem["severity"] == "warning"
    assert "1 frame, 16.7 ms" in problem["message"]
    assert [(one["key"], one["asked_ms"], one["n_frames"]) for one in report["timing"]] == [
        ("stimulus.on_ms", 10.0, 1),
        ("stimulus.off_ms", 300.0, 18),
    ]


def test_json_of_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    result = runner.invoke(app, ["check", "--json", str(tmp_path / "none.toml")])
    assert result.exit_code == 1
    report = json.loads(result.output)
    assert report["timing"] == []
    (problem,) = report["problems"]
    assert (problem["line"], problem["key"]) == (None, "")


def test_what_looks_like_markup_is_shown_as_it_is(file: Path) -> None:
    file.write_text(file.read_text() + '"[red]" = 1\n')
    result = runner.invoke(app, ["check", str(file)])
    assert "wire.[red]" in result.output
