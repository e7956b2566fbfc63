"""What a run was made with: versions, plugins, seeds, machine, and the state of the code."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import distributions
from typing import Any

from signseg_rig.plugins import PluginInfo

GIT_TIMEOUT_S = 30.0
# The last bits of a matrix product depend on the number of threads, and with them a replay.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def build_manifest(
    *, seed: int, plugins: Sequence[PluginInfo], weights_sha256: Mapping[str, str]
) -> dict[str, Any]:
    """Collect what is needed to repeat a run.

    Parameters
    ----------
    seed : int
    plugins : sequence of PluginInfo
        All that the experiment chooses.
    weights_sha256 : mapping of file to hash

    Returns
    -------
    manifest : dict
        What JSON can hold.
    """
    return {
        "seed": seed,
        "python": sys.version,
        "sqlite": sqlite3.sqlite_version,
        "host": platform.node(),
        "system": platform.platform(),
        "n_cpus": os.cpu_count(),
        "threads": {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ},
        "plugins": [asdict(plugin) for plugin in plugins],
        "weights_sha256": dict(weights_sha256),
        "distributions": _distributions(),
        "git": _git_state(),
    }


def _distributions() -> dict[str, str]:
    versions: dict[str, str] = {}
    for item in distributions():
        # What an interrupted uninstall leaves behind has no name, or cannot be read at all: that
        # depends on whether anything imported the package importlib_metadata.
        try:
            metadata = item.metadata
        except OSError:
            continue
        # Of two copies of a package the one that stands first on the path is imported.
        if "Name" in metadata and "Version" in metadata:
            versions.setdefault(metadata["Name"], metadata["Version"])
    return dict(sorted(versions.items()))


def _git_state() -> dict[str, str] | None:
    """Return commit and changes of the working directory; None outside a repository."""
    commands = {"commit": ["rev-parse", "HEAD"], "changes": ["status", "--porcelain"]}
    try:
        return {name: _git(*arguments) for name, arguments in commands.items()}
    except (OSError, subprocess.SubprocessError):
        return None


def _git(*arguments: str) -> str:
    return subprocess.run(  # noqa: S603 - fixed arguments
        ["git", *arguments],  # noqa: S607 - the git of whoever runs this
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=True,
        timeout=GIT_TIMEOUT_S,
        # Else it would take a lock that a commit made at the same time stumbles over.
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
    ).stdout.rstrip()
