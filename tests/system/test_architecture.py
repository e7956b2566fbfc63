"""The import contracts notice what they forbid, and light commands stay light."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("signseg_rig", "protocols/signseg_protocols", "simulators/signseg_simulators")
HEAVY = ("torch", "psychopy", "pyglet", "matplotlib", "neo", "pandas")

LAYERS = "Imports point down; a new module must choose its layer"
PLUGINS = "The toolkit finds protocols and simulators by entry point only"
PROTOCOLS = "A protocol reaches no hardware, socket, window or file format"
PSYCHOPY = "PsychoPy (GPL-3.0, slow, needs a screen) is imported by nobody's statement"
ZMQ = "Only the wire imports ZeroMQ"
BREACHES = {
    "a module without a layer": ("signseg_rig/newcomer.py", "", LAYERS),
    "an import that points up": (
        "signseg_rig/values/stimuli.py",
        "import signseg_rig.run.loop",
        LAYERS,
    ),
    "a sibling": ("signseg_rig/stats/__init__.py", "import signseg_rig.records", LAYERS),
    "a late import": (
        "signseg_rig/seeds.py",
        "def f():\n    import signseg_rig.experiment.tables",
        LAYERS,
    ),
    "a protocol in the toolkit": ("signseg_rig/run/loop.py", "import signseg_protocols", PLUGINS),
    "a simulator in a protocol": (
        "protocols/signseg_protocols/__init__.py",
        "import signseg_simulators",
        PLUGINS,
    ),
    "a socket in a protocol": ("protocols/signseg_protocols/__init__.py", "import zmq", PROTOCOLS),
    "a socket behind a protocol": (
        "protocols/signseg_protocols/__init__.py",
        "import signseg_rig.run.session",
        PROTOCOLS,
    ),
    "PsychoPy in the loop": ("signseg_rig/run/loop.py", "from psychopy import visual", PSYCHOPY),
    "ZeroMQ in the session": ("signseg_rig/run/session.py", "import zmq", ZMQ),
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Copy what import-linter reads to where a test may spoil it."""
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


def broken_contracts(tree: Path) -> set[str]:
    shelves = (tree, tree / "protocols", tree / "simulators")
    script = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", script, "--no-cache", "--no-logo"],
        cwd=tree,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, shelves))},
        capture_output=True,
        encoding="utf-8",
    )
    verdicts = [line.rpartition(" ") for line in done.stdout.splitlines()]
    broken = {name for name, _, verdict in verdicts if verdict == "BROKEN"}
    assert (done.returncode == 0) == (not broken), done.stdout + done.stderr
    return broken


def test_contracts_hold(tree: Path) -> None:
    assert broken_contracts(tree) == set()


@pytest.mark.parametrize("breach", BREACHES)
def test_contracts_notice(tree: Path, breach: str) -> None:
    path, code, contract = BREACHES[breach]
    with (tree / path).open("a", encoding="utf-8") as file:
        file.write(f"\n{code}\n")
    assert contract in broken_contracts(tree)


@pytest.mark.parametrize(
    "statement",
    [
        "import signseg_rig",
        "from signseg_rig.cli import app; app(['--help'], standalone_mode=False)",
        "from signseg_rig.plugins import *\nfor p in list_plugins(): load_plugin(p.group, p.name)",
    ],
    ids=["import", "help", "plugin classes"],
)
def test_light_things_import_nothing_heavy(statement: str) -> None:
    report = f"import sys; print('heavy:', *sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", f"{statement}\n{report}"],
        check=False,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "heavy:"
