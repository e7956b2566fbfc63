"""A folder has one sweep at a time."""

import os

import pytest

from signseg_rig.errors import SweepError
from signseg_rig.sweeps import put_aside, read_sweep, run_sweep
from signseg_rig.sweeps.ownership import owned


def refused(warning):
    pytest.fail(warning)


def test_a_second_sweep_is_refused_and_a_later_one_is_not(tmp_path):
    folder = tmp_path / "small"
    with owned(folder, refused):
        with (
            pytest.raises(SweepError, match=rf"in use by process {os.getpid()} on .*\.small\.lock"),
            owned(folder, refused),
        ):
            pass
        with owned(tmp_path / "another", refused):
            pass
    with owned(folder, refused):
        pass


def test_a_folder_in_use_is_neither_put_aside_nor_written_to(sweep_file):
    settings = read_sweep(sweep_file)
    settings.folder.mkdir()
    with owned(settings.folder, refused):
        with pytest.raises(SweepError, match="in use by"):
            put_aside(settings.folder)
        with pytest.raises(SweepError, match="in use by"):
            run_sweep(settings, lambda: pytest.fail("nobody should work"))
    assert list(settings.folder.iterdir()) == []


def test_where_no_lock_is_to_be_had_the_sweep_goes_on_with_a_warning(tmp_path):
    (tmp_path / ".small.lock").mkdir()
    said = []
    with owned(tmp_path / "small", said.append):
        pass
    (warning,) = said
    assert "cannot be locked (it is a folder, and a file should be there). Make" in warning
