"""What a header claims is compared with the file and with memory before anything is allocated."""

import io
import zipfile

import numpy as np
import psutil
import pytest

from signseg_rig.datasets import read_array_file
from signseg_rig.datasets.room import require_room
from signseg_rig.errors import DataSetError


def header(shape) -> bytes:
    """The beginning of a .npy file of this shape."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<f8", "fortran_order": False, "shape": shape}
    )
    return file.getvalue()


HUGE = header((500_000, 14, 200_000)) + bytes(800)


def test_a_header_that_claims_more_than_the_file_holds(tmp_path, images):
    (tmp_path / "a.npy").write_bytes(HUGE)
    with pytest.raises(DataSetError, match=r"should hold 10430\.8 GiB.*cut off or is damaged"):
        read_array_file(tmp_path / "a.npy", images)


def test_a_member_that_claims_more_than_the_archive_holds(tmp_path, images, rates):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rates_hz.npy", HUGE)
    with pytest.raises(DataSetError, match=r"'rates_hz' of .*a.npz should hold 10430\.8 GiB"):
        read_array_file(tmp_path / "a.npz", images)


def test_arrays_that_are_not_used_are_not_read(tmp_path, images, rates):
    """A megabyte that unpacks to more than memory may lie beside the responses."""
    free = psutil.virtual_memory().total
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        np.savez(tmp_path / "b.npz", rates_hz=rates)
        with zipfile.ZipFile(tmp_path / "b.npz") as other:
            archive.writestr("rates_hz.npy", other.read("rates_hz.npy"))
        archive.writestr("other.npy", header((0, free)))
    np.testing.assert_array_equal(read_array_file(tmp_path / "a.npz", images).rates_hz, rates)


def test_more_than_memory_is_refused_before_it_is_taken():
    with pytest.raises(DataSetError, match=r"The array has the shape .* are free"):
        require_room((psutil.virtual_memory().total, 2), 8, "The array")
    require_room((10, 2), 8, "The array")


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00", b"\x93NUMPY\x07\x00" + bytes(90)])
def test_damaged_files_say_so(tmp_path, images, content):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(DataSetError, match=r"a\.npy cannot be read"):
        read_array_file(tmp_path / "a.npy", images)
