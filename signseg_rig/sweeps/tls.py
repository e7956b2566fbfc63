"""Certificates by which this program and a Dask cluster know each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signseg_rig.errors import ConfigError
from signseg_rig.experiment import is_loopback
from signseg_rig.files.user import read_user_file


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The files of a certificate, as ``dask scheduler`` and ``dask worker`` take them.

    Parameters
    ----------
    ca_file : Path
        Certificate of the authority that has signed all the others.
    cert : Path
        Certificate of this program.
    key : Path
        Its private key.
    """

    ca_file: Path
    cert: Path
    key: Path

    @classmethod
    def of_options(
        cls, address: str, ca_file: Path | None, cert: Path | None, key: Path | None
    ) -> TlsFiles | None:
        """Return the files that options name; None where they name none.

        Raises
        ------
        ConfigError
            Some are missing or cannot be read, or the address does not fit them.
        """
        given = {"--tls-ca-file": ca_file, "--tls-cert": cert, "--tls-key": key}
        missing = [name for name, path in given.items() if path is None]
        if ca_file is None or cert is None or key is None:
            if len(missing) == len(given) and not address.startswith("tls://"):
                return None
            raise ConfigError(
                f"A connection to {address} with certificates needs {', '.join(missing)} too, as "
                "they were given to 'dask scheduler'."
            )
        if not address.startswith("tls://"):
            raise ConfigError(
                f"With certificates the scheduler's address begins with tls://; got {address}. "
                "Start the scheduler with them too, and give the address that it prints."
            )
        for path in (ca_file, cert, key):
            read_user_file(path)
        return cls(ca_file, cert, key)

    def security(self) -> Any:
        """Return them as Dask's client takes them; nothing is sent unencrypted."""
        from distributed.security import Security

        return Security(  # type: ignore[no-untyped-call]
            tls_ca_file=str(self.ca_file),
            tls_client_cert=str(self.cert),
            tls_client_key=str(self.key),
            require_encryption=True,
        )


def warning_of(address: str, tls: TlsFiles | None) -> str | None:
    """Say of a scheduler of another machine, reached without certificates, what that allows."""
    if tls is not None or is_loopback(address):
        return None
    return (
        f"Whoever reaches the Dask scheduler at {address} can run programs on its workers. Let "
        "only the cluster reach it, or start scheduler and workers with certificates, and name "
        "them here with --tls-ca-file, --tls-cert and --tls-key."
    )
