"""HDF5 files are read for what they hold, and lead to no other file."""

import h5py
import numpy as np
import pytest

from signseg_rig.datasets import read_array_file
from signseg_rig.datasets.hdf5_files import require_self_contained
from signseg_rig.errors import DataSetError


@pytest.fixture
def secret(tmp_path, rates):
    """A file that is somebody else's, as HDF5 and as bytes."""
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["rates_hz"] = rates.T
    (tmp_path / "secret.bin").write_bytes(np.arange(64, dtype=np.float64).tobytes())
    return tmp_path


def external_link(file, folder):
    file["rates_hz"] = h5py.ExternalLink(str(folder / "other.h5"), "/rates_hz")


def external_link_in_a_group(file, folder):
    file.create_group("a/b")["c"] = h5py.ExternalLink(str(folder / "other.h5"), "/rates_hz")


def external_storage(file, folder):
    file.create_dataset("rates_hz", (4, 3), "f8", external=[(str(folder / "secret.bin"), 0, 96)])


def virtual_dataset(file, folder):
    layout = h5py.VirtualLayout((2, 4, 3), "f8")
    layout[...] = h5py.VirtualSource(str(folder / "other.h5"), "rates_hz", (2, 4, 3))
    file.create_virtual_dataset("rates_hz", layout)


@pytest.mark.parametrize(
    "lead_out", [external_link, external_link_in_a_group, external_storage, virtual_dataset]
)
def test_nothing_is_read_from_another_file(secret, images, lead_out):
    path = secret / "a.mat"
    with h5py.File(path, "w") as file:
        lead_out(file, secret)
    with pytest.raises(DataSetError, match=r"another file: nothing is read from it"):
        read_array_file(path, images)


def test_links_within_the_file_are_followed(tmp_path, images, rates):
    path = tmp_path / "a.mat"
    with h5py.File(path, "w") as file:
        file["data/measured"] = rates.T
        file["rates_hz"] = h5py.SoftLink("/data/measured")
        file["data/itself"] = file["data"]  # a circle
    np.testing.assert_array_equal(read_array_file(path, images).rates_hz, rates)


def test_a_link_that_leads_nowhere_is_no_way_out(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["lost"] = h5py.SoftLink("/nowhere")
        require_self_contained(file, tmp_path / "a.h5")
