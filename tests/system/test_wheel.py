"""The wheel holds the three packages and nothing else, and every plugin that it offers loads."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "signseg_rig": ROOT,
    "signseg_protocols": ROOT / "protocols",
    "signseg_simulators": ROOT / "simulators",
}


def declared_entry_points() -> dict[tuple[str, str], str]:
    """Read (group, name) -> target from pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"console_scripts": project["scripts"], **project["entry-points"]}
    return {
        (group, name): target for group, points in groups.items() for name, target in points.items()
    }


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and unpack it as an installer would."""
    built = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(built)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True)
    (wheel,) = built.glob("*.whl")
    unpacked = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    return unpacked


def test_wheel_claims_no_other_top_level_name(unpacked: Path) -> None:
    names = {path.name for path in unpacked.iterdir() if path.suffix != ".dist-info"}
    assert names == set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_wheel_holds_every_file_of_a_package(unpacked: Path, package: str) -> None:
    def files(root: Path) -> set[str]:
        return {
            path.relative_to(root).as_posix()
            for path in (root / package).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }

    assert files(unpacked) == files(PACKAGES[package])


def test_wheel_offers_the_declared_entry_points(unpacked: Path) -> None:
    (dist_info,) = unpacked.glob("*.dist-info")
    parser = configparser.ConfigParser(delimiters=("=",))
    parser.read(dist_info / "entry_points.txt", encoding="utf-8")
    offered = {
        (group, name): target
        for group in parser.sections()
        for name, target in parser[group].items()
    }
    assert offered == declared_entry_points()


def test_command_line_runs_from_the_wheel(unpacked: Path, tmp_path: Path) -> None:
    where = "import signseg_rig; print(signseg_rig.__file__)"
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}

    def run(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=environment,
            check=True,
            capture_output=True,
            encoding="utf-8",
        ).stdout

    assert Path(run("-c", where).strip()).is_relative_to(unpacked)
    assert "resume" in run("-m", "signseg_rig", "--help")


def test_installed_entry_points_are_the_declared_ones() -> None:
    """Else pyproject.toml was edited after the last `make install`."""
    installed = {
        (point.group, point.name): point.value for point in distribution("signseg-rig").entry_points
    }
    assert installed == declared_entry_points()


@pytest.mark.parametrize(("group", "name"), declared_entry_points())
def test_installed_entry_point_loads(group: str, name: str) -> None:
    (point,) = distribution("signseg-rig").entry_points.select(group=group, name=name)
    assert callable(point.load())
