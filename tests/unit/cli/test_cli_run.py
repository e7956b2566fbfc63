"""What ``run`` says in the end: the result whatever comes after it, and how to go on."""

from pathlib import Path

import pytest
import typer

from signseg_rig.cli.run import conduct
from signseg_rig.errors import ResponseError, RigError, SafeguardError
from signseg_rig.run.control import RunControl
from signseg_rig.run.session import OnStatus, Outcome
from signseg_rig.values import ProtocolResult

RESULT = ProtocolResult(is_success=True, columns=("thread", "rose"), rows=(("a_thread", "yes"),))
HINT = "go on with: signseg-rig resume here"


def test_result_is_shown_also_where_the_report_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def start(_control: RunControl, _on_status: OnStatus) -> Outcome:
        return Outcome(tmp_path, RESULT, n_valid=1, alarms=())

    with pytest.raises(RigError, match="no run record"):
        conduct(start, require_success=False, as_json=False)
    said = capsys.readouterr().out
    assert "a_thread" in said
    assert tmp_path.name in said


def test_a_result_without_columns_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def start(_control: RunControl, _on_status: OnStatus) -> Outcome:
        result = ProtocolResult(is_success=True, columns=(), rows=((), ()))
        return Outcome(tmp_path, result, n_valid=1, alarms=())

    monkeypatch.setattr("signseg_rig.report.write_report", lambda path: path / "report.html")
    conduct(start, require_success=True, as_json=False)
    assert "report.html" in capsys.readouterr().out


def test_second_interrupt_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    def start(_control: RunControl, _on_status: OnStatus) -> Outcome:
        error = KeyboardInterrupt()
        error.add_note(HINT)
        raise error

    with pytest.raises(typer.Exit) as caught:
        conduct(start, require_success=False, as_json=False)
    assert caught.value.exit_code == 4
    assert HINT in capsys.readouterr().out


def test_interrupt_while_a_failed_run_is_taken_apart_says_what_failed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def start(_control: RunControl, _on_status: OnStatus) -> Outcome:
        try:
            error = ResponseError("The recording system is silent.")
            error.add_note(HINT)
            raise error
        finally:
            raise KeyboardInterrupt

    with pytest.raises(typer.Exit):
        conduct(start, require_success=False, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "The run was stopped at once.",
        "The recording system is silent.",
        HINT,
    ]


def test_error_is_printed_with_its_notes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from signseg_rig.cli import app

    def fail() -> None:
        error = ResponseError("The recording system is silent.")
        error.add_note(HINT)
        raise error

    monkeypatch.setattr("signseg_rig.cli.plugins.plugins", fail)
    with pytest.raises(SystemExit) as caught:
        app(["plugins"])
    assert caught.value.code == 1
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "Error: The recording system is silent.",
        HINT,
    ]


def test_alarms_and_a_run_without_valid_presentations_are_told_after_its_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("signseg_rig.report.write_report", lambda path: path / "report.html")

    def start(_control: RunControl, _on_status: object) -> Outcome:
        return Outcome(tmp_path, RESULT, n_valid=0, alarms=("Nothing.", "Nothing at all."))

    with pytest.raises(typer.Exit) as caught:
        conduct(start, require_success=True, as_json=False)
    assert caught.value.exit_code == 5
    said = " ".join(capsys.readouterr().out.split())
    assert "Warning: The safeguards gave an alarm 2 times" in said
    assert "at last: Nothing at all." in said
    assert "No presentation of this run was valid" in said


def test_run_that_a_safeguard_ends_says_why_and_how_to_go_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def start(_control: RunControl, _on_status: object) -> Outcome:
        error = SafeguardError("No spike.")
        error.add_note(HINT)
        raise error

    with pytest.raises(typer.Exit) as caught:
        conduct(start, require_success=False, as_json=False)
    assert caught.value.exit_code == 5
    assert capsys.readouterr().err.splitlines() == ["Error: No spike.", HINT]
