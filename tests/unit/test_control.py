"""The experimenter's wishes."""

from signseg_rig.control import RunControl


def test_keys_pause_and_stop() -> None:
    control = RunControl()
    assert control.is_going()
    control.press("p")
    assert control.is_paused
    assert not control.is_going()
    control.press("p")
    control.press("x")
    assert control.is_going()
    control.press("q")
    assert control.is_stopped
    assert not control.is_going()


def test_escape_stops_too() -> None:
    control = RunControl()
    control.press("escape")
    assert control.is_stopped
