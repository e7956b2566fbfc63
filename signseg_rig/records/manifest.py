"""What a run was made with: versions, plugins, seeds, machine, and the state of the code."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import distributions
from typing import Any

from signseg_rig.plugins import PluginInfo

GIT_TIMEOUT_S = 5.0


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
        "host": platform.node(),
        "system": platform.platform(),
        "plugins": [asdict(plugin) for plugin in plugins],
        "weights_sha256": dict(weights_sha256),
        "distributions": {
            item.name: item.version for item in sorted(distributions(), key=lambda item: item.name)
        },
        "git": _git_state(),
    }


def _git_state() -> dict[str, str] | None:
    commands = {"commit": ["rev-parse", "HEAD"], "changes": ["status", "--porcelain"]}
    try:
        return {
            name: subprocess.run(  # noqa: S603 - fixed arguments
                ["git", *arguments],  # noqa: S607 - the git of whoever runs this
                capture_output=True,
                text=True,
                check=True,
                timeout=GIT_TIMEOUT_S,
            ).stdout.strip()
            for name, arguments in commands.items()
        }
    except (OSError, subprocess.SubprocessError):
        return None
