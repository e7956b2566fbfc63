"""What the PsychoPy display says before it opens anything."""

import sys

import pytest

from signseg_rig.display.psychopy_window import PsychopyDisplay, PsychopySettings
from signseg_rig.errors import DisplayError
from signseg_rig.experiment import MonitorSettings, StimulusSettings

IMAGE_OFF_SCREEN = StimulusSettings(position_deg=(85.0, 0.0))


@pytest.mark.skipif(sys.platform != "linux", reason="only X11 is told by DISPLAY where a screen is")
def test_without_a_screen_the_remedies_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    display = PsychopyDisplay(PsychopySettings(), MonitorSettings(), StimulusSettings())
    with pytest.raises(DisplayError, match=r"DISPLAY is not set.*Xvfb.*headless"):
        display.open()
    display.close()


def test_nothing_works_before_open() -> None:
    display = PsychopyDisplay(PsychopySettings(), MonitorSettings(), StimulusSettings())
    with pytest.raises(DisplayError, match="not open"):
        display.draw(None)


def test_stimulus_off_the_screen_is_refused_at_once() -> None:
    with pytest.raises(DisplayError, match="off the screen"):
        PsychopyDisplay(PsychopySettings(), MonitorSettings(), IMAGE_OFF_SCREEN)
