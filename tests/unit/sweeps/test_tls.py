"""Certificates of a Dask cluster: all of them, of files that are there, or a warning."""

from __future__ import annotations

from pathlib import Path

import pytest

from signseg_rig.errors import ConfigError
from signseg_rig.sweeps.tls import TlsFiles, warning_of

ADDRESS = "tls://10.0.0.5:8786"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / name for name in ("ca.pem", "cert.pem", "key.pem")]
    for path in paths:
        path.write_text("-----BEGIN-----")
    return paths


def test_files_are_handed_to_dask_and_encryption_is_required(files: list[Path]) -> None:
    pytest.importorskip("distributed")
    tls = TlsFiles.of_options(ADDRESS, *files)
    assert tls is not None
    security = tls.security()
    assert security.require_encryption
    told = security.get_tls_config_for_role("client")
    assert [told[name] for name in ("ca_file", "cert", "key")] == [str(path) for path in files]


def test_none_are_needed_without_encryption() -> None:
    assert TlsFiles.of_options("tcp://127.0.0.1:8786", None, None, None) is None


def test_all_are_needed_with_it(files: list[Path]) -> None:
    with pytest.raises(ConfigError, match=r"needs --tls-cert, --tls-key too"):
        TlsFiles.of_options(ADDRESS, files[0], None, None)
    with pytest.raises(ConfigError, match="--tls-ca-file, --tls-cert, --tls-key too"):
        TlsFiles.of_options(ADDRESS, None, None, None)


def test_the_address_has_to_fit(files: list[Path]) -> None:
    with pytest.raises(ConfigError, match="begins with tls://; got tcp://"):
        TlsFiles.of_options("tcp://10.0.0.5:8786", *files)


def test_a_missing_file_is_named(files: list[Path]) -> None:
    files[2].unlink()
    with pytest.raises(ConfigError, match=r"key\.pem is not there"):
        TlsFiles.of_options(ADDRESS, *files)


def test_an_open_scheduler_of_another_machine_is_warned_of(files: list[Path]) -> None:
    assert "can run programs on its workers" in str(warning_of("tcp://10.0.0.5:8786", None))
    assert warning_of("tcp://127.0.0.1:8786", None) is None
    assert warning_of(ADDRESS, TlsFiles(*files)) is None
