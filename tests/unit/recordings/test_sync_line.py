"""What of the sync events marks an onset, as the experiment file says."""

import numpy as np
import pytest

from signseg_rig.errors import ConfigError
from signseg_rig.experiment import SyncSettings
from signseg_rig.recordings import LineEvents
from signseg_rig.values import Epoch, Recording, SyncEvents


def recording(**changes: object) -> Recording:
    sync = SyncEvents(
        times_s=np.array([1.0, 1.004, 1.1, 2.0, 2.0, 2.1]),
        lines=np.array([0, 0, 0, 1, 0, 0], dtype=np.int16),
        states=np.array([1, 1, 0, 1, 1, 0], dtype=np.int8),
        codes=np.array([-1, -1, -1, 0x101, -1, -1], dtype=np.int32),
    )
    values = {"lines": ("diode", "strobe"), "epochs": (Epoch(0, 0.0, 0.0),)} | changes
    return Recording((), sync, 0.0, 9.0, 1000.0, **values)  # type: ignore[arg-type]


def test_first_line_rising_is_taken_where_nothing_is_said() -> None:
    events = LineEvents.of(recording(), SyncSettings())
    assert events.edges_s.tolist() == [1.0, 1.004, 2.0]
    assert events.falls_s.tolist() == [1.1, 2.1]
    assert events.name == "diode"


def test_line_and_polarity_are_settings() -> None:
    other = LineEvents.of(recording(), SyncSettings(line="strobe"))
    assert other.edges_s.tolist() == [2.0]
    falling = LineEvents.of(recording(), SyncSettings(polarity="falling"))
    assert falling.edges_s.tolist() == [1.1, 2.1]
    assert falling.falls_s.tolist() == [1.0, 1.004, 2.0]


def test_edges_that_follow_too_soon_are_held_off() -> None:
    events = LineEvents.of(recording(), SyncSettings(hold_off_ms=50.0))
    assert events.edges_s.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(("bits", "code"), [(16, 0x101), (8, 1)])
def test_words_are_cut_to_their_bits(bits: int, code: int) -> None:
    events = LineEvents.of(recording(), SyncSettings(code_bits=bits, code_line="strobe"))
    assert events.codes.tolist() == [code]
    assert events.codes_s.tolist() == [2.0]


@pytest.mark.parametrize("key", ["line", "code_line"])
def test_line_that_is_not_there_names_those_that_are(key: str) -> None:
    with pytest.raises(ConfigError, match=rf"'diod'; it has 'diode', 'strobe'.*'{key}'"):
        LineEvents.of(recording(), SyncSettings(**{key: "diod"}))


def test_events_of_one_run_of_the_clock() -> None:
    epochs = (Epoch(0, 0.0, 0.0), Epoch(3, 1.05, 1.0))
    events = LineEvents.of(recording(epochs=epochs), SyncSettings())
    assert events.of_epoch(0).edges_s.tolist() == [1.0, 1.004]
    assert events.of_epoch(3).edges_s.tolist() == [2.0]
    assert events.of_epoch(3).falls_s.tolist() == [1.1, 2.1]
