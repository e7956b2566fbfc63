"""What to say where an optional package is missing."""

from __future__ import annotations

from signseg_rig.errors import DataSetError


def missing_package(package: str, use: str) -> DataSetError:
    """Explain which package is needed to read something, and how it is installed."""
    return DataSetError(
        f"{package} is not installed, which reads {use}. Install it with "
        "\"pip install 'signseg-rig[neo]'\"."
    )
