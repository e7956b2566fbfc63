"""Where results go that a user names: a file stays whole, a link stays a link, a device one."""

import os
from pathlib import Path

import pytest

from signseg_rig.cli.outputs import require_writable, write_output
from signseg_rig.errors import ConfigError


def test_an_earlier_table_outlives_one_that_cannot_be_written(small_disk) -> None:
    table = small_disk.path / "rates.csv"
    write_output(table, b"earlier")
    small_disk.fill()
    with pytest.raises(ConfigError, match="No space left on device"):
        write_output(table, bytes(100_000))
    assert table.read_bytes() == b"earlier"
    assert {one.name for one in small_disk.path.iterdir()} == {"rates.csv", "ballast"}


@pytest.mark.skipif(os.name == "nt", reason="POSIX links")
def test_a_link_that_the_user_made_is_followed(tmp_path: Path) -> None:
    link = tmp_path / "link.csv"
    link.symlink_to(tmp_path / "file.csv")
    write_output(link, b"rates")
    assert link.is_symlink()
    assert (tmp_path / "file.csv").read_bytes() == b"rates"


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="needs a device")
def test_a_device_is_written_to(tmp_path: Path) -> None:
    write_output(Path("/dev/null"), b"rates")
    assert Path("/dev/null").is_char_device()
    write_output(tmp_path / "new" / "rates.csv", b"rates")
    assert (tmp_path / "new" / "rates.csv").read_bytes() == b"rates"


@pytest.mark.parametrize("is_folder", [False, True])
def test_a_name_that_cannot_be_is_refused_before_anything_is_computed(is_folder: bool) -> None:
    with pytest.raises(ConfigError, match="File name too long"):
        require_writable(Path("x" * 3000), is_folder=is_folder)
