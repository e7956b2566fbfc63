"""The manifest tells what a run was made with."""

from __future__ import annotations

import json
import os
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from signseg_rig.plugins import PluginInfo
from signseg_rig.records import build_manifest

PLUGIN = PluginInfo("displays", "headless", "a.b:C", "signseg-rig", "0.1.0")


def git(*arguments: str) -> str:
    identity = ("-c", "user.name=n", "-c", "user.email=n@example.org")
    return subprocess.run(
        ["git", *identity, *arguments], check=True, capture_output=True, encoding="utf-8"
    ).stdout.strip()


def manifest() -> dict[str, object]:
    return build_manifest(seed=2**62, plugins=[PLUGIN], weights_sha256={"net.pt": "ab"})


def test_versions_plugins_seed_and_weights_are_in_it() -> None:
    result = json.loads(json.dumps(manifest(), allow_nan=False))
    assert result["seed"] == 2**62
    assert result["plugins"][0]["name"] == "headless"
    assert result["weights_sha256"] == {"net.pt": "ab"}
    assert result["distributions"]["numpy"] == version("numpy")
    assert result["distributions"]["signseg-rig"] == version("signseg-rig")
    assert result["n_cpus"] == os.cpu_count()


def test_the_number_of_threads_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    threads = manifest()["threads"]
    assert isinstance(threads, dict)
    assert threads["OMP_NUM_THREADS"] == "3"
    assert "MKL_NUM_THREADS" not in threads


def test_commit_and_changes_of_a_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    (tmp_path / "protocol.py").touch()
    git("add", "protocol.py")
    git("commit", "-q", "-m", "begin")
    assert manifest()["git"] == {"commit": git("rev-parse", "HEAD"), "changes": ""}

    (tmp_path / "protocol.py").write_text("x = 1\n", encoding="utf-8")
    state = manifest()["git"]
    assert isinstance(state, dict)
    assert state["changes"] == " M protocol.py"


def test_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert manifest()["git"] is None


def test_no_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert manifest()["git"] is None


@pytest.mark.parametrize("reader", ["importlib.metadata", "importlib_metadata"])
def test_the_remains_of_a_broken_installation_do_no_harm(
    reader: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once imported, the package importlib_metadata reads in place of the standard library."""
    pytest.importorskip(reader)
    (tmp_path / "~umpy-1.0.dist-info").mkdir()
    (tmp_path / "~umpy-1.0.dist-info" / "METADATA").touch()
    (tmp_path / "~orch-1.0.dist-info").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    distributions = manifest()["distributions"]
    assert isinstance(distributions, dict)
    assert distributions["numpy"] == version("numpy")
    assert all(isinstance(name, str) for name in distributions)
