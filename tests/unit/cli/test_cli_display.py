"""``signseg-rig display``: what it is called with wrongly is a sentence."""

import signal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from signseg_rig.cli import app


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("10.0.0.5", "should look like \"tcp://127.0.0.1:5580\"; got '10.0.0.5'."),
        ("tcp://10.0.0.5:5580", "has no keys. Make them with 'signseg-rig keys DIR'"),
    ],
)
def test_an_address_that_cannot_be_used_is_a_sentence(
    toy_experiment: Path, monkeypatch: pytest.MonkeyPatch, address: str, message: str
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # is of the whole process
    result = CliRunner().invoke(app, ["display", str(toy_experiment), "--connect", address])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit), result.exception
    said = " ".join(result.output.split())
    assert f"Error: --connect {address} cannot be used: " in said
    assert message in said
