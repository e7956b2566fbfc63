"""Every display that is installed does what the display process relies on."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from signseg_rig.display.headless import HeadlessDisplay, HeadlessSettings
from signseg_rig.experiment import MonitorSettings, StimulusSettings
from signseg_rig.interfaces import Display
from signseg_rig.plugins import list_plugins, load_plugin
from signseg_rig.testing.displays import check_display

MONITOR = MonitorSettings(width_px=320, height_px=240, is_full_screen=False)
NAMES = [info.name for info in list_plugins("displays")]

# In a process of its own, because PsychoPy's globals would stay in this one.
CHECK_PSYCHOPY = """
from signseg_rig.experiment import MonitorSettings, StimulusSettings
from signseg_rig.plugins import load_plugin
from signseg_rig.testing.displays import check_display

monitor = MonitorSettings(width_px=320, height_px=240, is_full_screen=False)
display_class = load_plugin("displays", "psychopy")
for _ in range(2):
    check_display(display_class(display_class.Config(), monitor, StimulusSettings()))
"""

LOAD_ALL = f"""
import sys
from signseg_rig.plugins import load_plugin

for name in {NAMES}:
    load_plugin("displays", name).Config()
print(*({{"psychopy", "pyglet", "serial"}} & set(sys.modules)))
"""


def make(display_class: type[Display], settings: HeadlessSettings) -> Display:
    return display_class(settings, MONITOR, StimulusSettings())  # type: ignore[call-arg]


@pytest.mark.parametrize("name", NAMES)
def test_settings_have_defaults_and_survive_the_experiment_file(name: str) -> None:
    display_class = load_plugin("displays", name)
    assert issubclass(display_class, Display)
    settings = display_class.Config()
    table = settings.model_dump(mode="json", exclude_none=True)
    assert display_class.Config.model_validate(table) == settings


def test_reading_settings_imports_no_heavy_library() -> None:
    imported = subprocess.run(
        [sys.executable, "-c", LOAD_ALL], capture_output=True, text=True, check=True
    )
    assert imported.stdout.split() == []


@pytest.mark.parametrize("pacing", ["realtime", "fast"])
def test_headless_display_conforms(pacing: str) -> None:
    check_display(make(HeadlessDisplay, HeadlessSettings.model_validate({"pacing": pacing})))


@pytest.mark.display
@pytest.mark.skipif(find_spec("psychopy") is None, reason="PsychoPy is not installed")
def test_psychopy_display_conforms_and_is_silent(x_display: str) -> None:
    checked = subprocess.run(
        [sys.executable, "-W", "error", "-c", CHECK_PSYCHOPY],
        env={**os.environ, "DISPLAY": x_display},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


class StoppedClock(HeadlessDisplay):
    """A display whose frames all come at once."""

    def flip(self) -> float:
        super().flip()
        return 0.0


class OtherClock(HeadlessDisplay):
    """A display whose flips are timed by another clock than `now_s` reads."""

    def now_s(self) -> float:
        return super().now_s() - 1000.0


class Forgiving(HeadlessDisplay):
    """A display that shows the background for an image it does not have."""

    def draw(self, key: str | None) -> None:
        super().draw(key if key in self._images else None)


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        (StoppedClock, "do not increase"),
        (OtherClock, "other clocks"),
        (Forgiving, "was unloaded"),
    ],
)
def test_kit_finds_what_is_wrong(broken: type[Display], named: str) -> None:
    with pytest.raises(AssertionError, match=named):
        check_display(make(broken, HeadlessSettings(pacing="fast")))
