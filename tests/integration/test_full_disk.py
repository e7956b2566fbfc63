"""A whole run on a disk that is full, or may only be read, by the command line."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from signseg_rig.experiment import WireSettings
from signseg_rig.records import RunReader

N_GENERATIONS = 2


@pytest.fixture
def experiment_file(
    tmp_path: Path, wire: WireSettings, experiment_of: Callable[..., dict[str, Any]]
) -> Path:
    file = tmp_path / "experiment.toml"
    table = experiment_of(wire, n_generations=N_GENERATIONS)
    table["generators"]["linear"]["image_size_px"] = 32
    file.write_text(tomli_w.dumps(table))
    return file


def signseg_rig(*arguments: object, code: int = 0) -> str:
    """Run a verb; give all that it printed, in one line."""
    done = subprocess.run(
        [sys.executable, "-m", "signseg_rig", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=600,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout
    assert "Traceback" not in done.stdout
    return " ".join(done.stdout.split())


# Too little for a record, for what a run writes before its first block, and for all its blocks.
FREE_BYTES = [16_384, 73_728, 131_072]
if N_DISKS := int(os.environ.get("SIGNSEG_FULL_DISKS", "0")):
    FREE_BYTES = [8192 * (number + 2) for number in range(N_DISKS)]


@pytest.mark.parametrize("free_bytes", FREE_BYTES)
def test_run_on_a_full_disk_says_so_and_goes_on_once_there_is_space(
    small_disk: Any, experiment_file: Path, free_bytes: int
) -> None:
    path = small_disk.path / "run"
    small_disk.fill(but_bytes=free_bytes)
    said = signseg_rig("run", experiment_file, "--run-dir", path, code=1)
    assert "No space left" in said or "disk is full" in said, said
    small_disk.clear()
    if (path / "run.sqlite").exists():
        with RunReader.open(path) as reader:
            assert reader.missing_images() == ()
        assert "signseg-rig resume" in said, said
        signseg_rig("resume", path)
    else:
        signseg_rig("run", experiment_file, "--run-dir", path)
    with RunReader.open(path) as reader:
        assert reader.result() is not None
        assert reader.n_blocks == N_GENERATIONS
        assert reader.problems() == ()
        assert reader.notes("images restored") == []


def test_report_on_a_full_or_read_only_disk_is_written_elsewhere(
    small_disk: Any, experiment_file: Path, tmp_path: Path
) -> None:
    path, out = small_disk.path / "run", tmp_path / "elsewhere"
    signseg_rig("run", experiment_file, "--run-dir", path)
    small_disk.fill()
    assert "cannot be written: No space left on device" in signseg_rig("report", path, code=1)
    small_disk.clear()
    small_disk.make_read_only()
    said = signseg_rig("report", path, code=1)
    assert "cannot be written: Read-only file system" in said
    assert "'--out' of report" in said
    assert signseg_rig("report", path, "--out", out) == str(out / "report.html")
    assert "thread_0" in (out / "report.html").read_text(encoding="utf-8")
    assert (out / "figures" / "curves.png").exists()
