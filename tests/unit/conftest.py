"""Plugins that tests install: real distributions with metadata, in a folder on the path."""

from __future__ import annotations

import importlib
import socket
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest


class PluginShelf:
    """A folder of installed distributions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modules: set[str] = set()

    def install(
        self,
        distribution: str,
        points: dict[str, str],
        *,
        source: str = "",
        requirements: tuple[str, ...] = (),
    ) -> None:
        """Install a distribution.

        Parameters
        ----------
        distribution : str
            Its name; its version is 1.5, its module is of the same name, with underscores.
        points : dict of "group/name" to class name
        source : str
            Of the module.
        requirements : tuple of str
        """
        module = distribution.replace("-", "_")
        info = self.folder / f"{module}-1.5.dist-info"
        info.mkdir()
        metadata = ["Metadata-Version: 2.1", f"Name: {distribution}", "Version: 1.5"]
        metadata += [f"Requires-Dist: {requirement}" for requirement in requirements]
        (info / "METADATA").write_text("\n".join(metadata) + "\n")
        lines = []
        for key, target in points.items():
            group, name = key.split("/")
            lines += [f"[signseg_rig.{group}]", f"{name} = {module}:{target}"]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
        (self.folder / f"{module}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        self.modules.add(module)
        importlib.invalidate_caches()


@pytest.fixture
def plugin_shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PluginShelf]:
    """An empty shelf; what is put on it is installed until the test is over."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    shelf = PluginShelf(folder)
    yield shelf
    for module in shelf.modules:
        sys.modules.pop(module, None)


TOY_SOURCE = """
from typing import Annotated, Literal

from pydantic import Field

from signseg_rig.interfaces import Display, Optimizer, Protocol, ResponseSource
from signseg_rig.settings import InputPath, PluginChoice, PluginGroup, Settings


class ClimberSettings(Settings):
    n_codes: int = Field(default=10, ge=2)
    step: float = Field(default=0.5, gt=0)


class Climber(Optimizer):
    Config = ClimberSettings

    def ask(self): ...
    def tell(self, codes, scores): ...


class FolderSettings(Settings):
    kind: Literal["folder"] = "folder"
    path: InputPath
    n_images: int | None = Field(default=None, ge=1)


class NoneSettings(Settings):
    kind: Literal["none"] = "none"


class ThreadSettings(Settings):
    name: str
    optimizer: Annotated[PluginChoice, PluginGroup("optimizers")]


class ClimbSettings(Settings):
    threads: tuple[ThreadSettings, ...] = Field(min_length=1)
    references: Annotated[FolderSettings | NoneSettings, Field(discriminator="kind")] = (
        NoneSettings()
    )
    pauses_s: tuple[float, ...] = ()


class Climb(Protocol):
    Config = ClimbSettings

    def steps(self): ...


class DeviceSettings(Settings):
    host: str = "localhost"
    weights_path: InputPath | None = None


class Device(ResponseSource):
    Config = DeviceSettings

    def start(self): ...
    def poll(self): ...
    def stop(self): ...


class Screen(Display):
    Config = DeviceSettings

    def open(self): ...
    def load(self, key, pixels, placement): ...
    def unload(self, key): ...
    def draw(self, key): ...
    def flip(self): ...
    def now_s(self): ...
    def pressed_keys(self): ...
    def close(self): ...


class Void(Screen):
    needs_screen = False
"""


@pytest.fixture
def toy_plugins(plugin_shelf: PluginShelf) -> PluginShelf:
    """One plugin of each kind that an experiment must choose; none of them does anything."""
    plugin_shelf.install(
        "toy-lab",
        {
            "displays/toy_screen": "Screen",
            "displays/toy_void": "Void",
            "optimizers/toy_climber": "Climber",
            "protocols/toy_climb": "Climb",
            "response_sources/toy_device": "Device",
        },
        source=TOY_SOURCE,
    )
    return plugin_shelf


@pytest.fixture
def free_port() -> int:
    """A port of this machine that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


TOY_EXPERIMENT = """\
[run]
name = "toy"

[display]
kind = "toy_void"

[response_source]
kind = "toy_device"

[protocol]
kind = "toy_climb"
threads = [{ name = "a", optimizer = { kind = "toy_climber" } }]
"""


@pytest.fixture
def toy_experiment(toy_plugins: PluginShelf, tmp_path: Path) -> Path:
    """An experiment file without problems, made of the toy plugins."""
    path = tmp_path / "toy.toml"
    path.write_text(TOY_EXPERIMENT, encoding="utf-8")
    return path
