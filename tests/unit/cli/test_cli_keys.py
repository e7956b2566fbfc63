"""``signseg-rig keys``."""

import json
from pathlib import Path

from typer.testing import CliRunner

from signseg_rig.cli import app
from signseg_rig.wire.keys import load_display_keys, load_loop_keys

runner = CliRunner()


def test_makes_keys_that_can_be_loaded(tmp_path: Path) -> None:
    result = runner.invoke(app, ["keys", str(tmp_path / "keys")])
    assert result.exit_code == 0
    *files, advice = result.output.splitlines()
    assert files == [str(tmp_path / "keys" / name) for name in NAMES]
    assert "Copy display.key_secret and loop.key to the stimulus computer" in advice
    assert (
        load_display_keys(tmp_path / "keys").loop_public == load_loop_keys(tmp_path / "keys").public
    )


NAMES = ("loop.key", "loop.key_secret", "display.key", "display.key_secret")


def test_json(tmp_path: Path) -> None:
    result = runner.invoke(app, ["keys", "--json", str(tmp_path)])
    assert json.loads(result.output) == {"files": [str(tmp_path / name) for name in NAMES]}


def test_refuses_to_overwrite(tmp_path: Path) -> None:
    runner.invoke(app, ["keys", str(tmp_path)])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    result = runner.invoke(app, ["keys", str(tmp_path)])
    assert result.exit_code == 1
    assert "not overwritten" in result.output
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
