"""What a user names is read only if it is a regular file of a size that makes sense."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from signseg_rig.errors import ConfigError
from signseg_rig.experiment import Experiment, read_experiment
from signseg_rig.files.user import UnreadableFileError, read_user_file
from signseg_rig.settings import read_as_far_as_possible
from signseg_rig.studies import read_survey
from signseg_rig.sweeps import read_sweep
from signseg_rig.weights import trust
from signseg_rig.weights.hashes import pin_of, pinned_sha256


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\0abc")
    assert read_user_file(path, max_bytes=4) == b"\0abc"
    with pytest.raises(UnreadableFileError, match="has more than 0 KiB"):
        read_user_file(path, max_bytes=3)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes among its files")
@pytest.mark.parametrize("read", [read_experiment, read_sweep, read_survey])
def test_a_pipe_into_which_nobody_writes_does_not_hang(read, tmp_path: Path) -> None:
    path = tmp_path / "pipe.toml"
    os.mkfifo(path)
    with pytest.raises(ConfigError, match="it is a pipe and not a regular file"):
        read(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes among its files")
@pytest.mark.timeout(20)
def test_what_is_kept_of_weights_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "weights.pt"
    weights.write_bytes(b"weights")
    os.mkfifo(pin_of(weights))
    assert pinned_sha256(weights) == ""
    monkeypatch.setattr(trust, "trust_list", lambda: pin_of(weights))
    assert not trust.is_trusted("0" * 64)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no /dev/zero")
def test_an_endless_device_does_not_fill_the_memory() -> None:
    with pytest.raises(ConfigError, match="it is a device and not a regular file"):
        read_experiment(Path("/dev/zero"))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match=r"a folder|denied"):
        read_user_file(tmp_path)


def test_a_path_that_no_system_knows_is_no_traceback() -> None:
    with pytest.raises(UnreadableFileError, match="cannot be read"):
        read_user_file(Path("a\0b"))


def test_a_large_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.toml"
    path.write_bytes(b"#" * 2**20)
    with pytest.raises(ConfigError, match="is too large: it has more than 512 KiB"):
        read_experiment(path)


DEEP = "[" * 5000
CRAFTED = {
    "brackets": f"a = {DEEP}",
    "inline tables": "a = " + "{a=" * 5000,
    "a dotted key": "a." * 5000 + "a = 1",
    "dotted headers": f"[{'a.' * 5000}a]",
    "tables in tables": "a = " + ("{" + "b." * 30 + "b = ") * 30 + "1" + "}" * 30,
    "digits": f"version = {'9' * 5000}",
    "hexadecimal digits": f"version = 0x{'f' * 5000}",
    "many keys": "".join(f"k{n} = 1\n" for n in range(2_000)),
    "a long array": "a = [\n" + "1,\n" * 5_000 + "]",
    "quotes": '"' * 9999,
    "backslashes": 'a = "' + '\\"' * 9999,
    "wrong lines": "a\n" * 999,
    "wrong headers": "[a\n" * 999,
    "nan": "[stimulus]\nsize_deg = nan\nposition_deg = [inf, -inf]\nwindows.evoked_s = [nan, nan]",
    "dates": "[run]\nname = 1979-05-27\nseed = 07:32:00\nout_dir = 1979-05-27T07:32:00Z",
    "NUL": 'run = "\0"',
    "escaped NUL": '[run]\nname = "a"\nout_dir = "a\\u0000b"',
    "a home of nobody": '[run]\nname = "a"\nout_dir = "~nobody-of-this-name/x"',
    "an address": '[wire]\naddress = "tcp://[::1"',
    "a huge monitor": "[monitor]\nwidth_cm = 1e-300\ndistance_cm = 1e-320",
}


@pytest.mark.parametrize("case", CRAFTED)
def test_crafted_files_end_in_sentences(case: str, tmp_path: Path) -> None:
    path = tmp_path / "crafted.toml"
    path.write_text(CRAFTED[case], encoding="utf-8")
    for read in (read_experiment, read_sweep, read_survey):
        with pytest.raises(ConfigError, match="cannot be used; it has") as caught:
            read(path)
        assert len(str(caught.value)) < 50_000
    lines = [problem.line for problem in read_as_far_as_possible(path, Experiment).problems]
    assert all(line is not None for line in lines)


def test_a_home_of_nobody_is_told_at_its_line(tmp_path: Path) -> None:
    path = tmp_path / "home.toml"
    path.write_text(CRAFTED["a home of nobody"], encoding="utf-8")
    found = {one.dotted_key: one for one in read_as_far_as_possible(path, Experiment).problems}
    assert found["run.out_dir"].line == 3
    assert "the home folder of somebody who is not known here" in found["run.out_dir"].message
