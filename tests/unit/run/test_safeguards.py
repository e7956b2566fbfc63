"""What of a pass raises an alarm, and what an alarm does."""

import numpy as np
import pytest

from signseg_rig.experiment import SafeguardSettings
from signseg_rig.run.safeguards import Alarm, Safeguards, reason_to_end
from signseg_rig.values import InvalidReason, PassPlan, ResponseBatch

BROKEN = InvalidReason.FIXATION_BROKEN
SILENT = InvalidReason.RECORDING_SILENT
SHORT = InvalidReason.SHOWN_TOO_SHORT


def judge(
    safeguards: Safeguards, n_valid: int, *invalid: InvalidReason, attempt: int = 0, block: int = 7
) -> list[str]:
    """Give the safeguards that give an alarm for a pass with these answers."""
    return [one.safeguard for one in alarms(safeguards, n_valid, *invalid, attempt=attempt)]


def alarms(
    safeguards: Safeguards, n_valid: int, *invalid: InvalidReason, attempt: int = 0
) -> tuple[Alarm, ...]:
    reasons = (*[None] * n_valid, *invalid)
    n = len(reasons)
    responses = ResponseBatch(
        presentation_ids=tuple(f"p{index}" for index in range(n)),
        stimulus_index=np.arange(n),
        evoked_hz=np.zeros((n, 2)),
        baseline_hz=np.zeros((n, 2)),
        reasons=reasons,
        unit_names=("a", "b"),
    )
    return safeguards.judge(PassPlan(7, attempt, (), ()), responses)


@pytest.fixture
def safeguards() -> Safeguards:
    return Safeguards(SafeguardSettings())


def test_a_usual_block_raises_none(safeguards: Safeguards) -> None:
    for _ in range(10):
        assert judge(safeguards, 40) == []
        assert judge(safeguards, 30, *[BROKEN] * 10) == []
        assert judge(safeguards, 0, *[BROKEN] * 3, attempt=1) == []


def test_silence_is_told_once_and_as_such(safeguards: Safeguards) -> None:
    (alarm,) = alarms(safeguards, 0, *[SILENT] * 38, *[BROKEN] * 2)
    assert (alarm.safeguard, alarm.action) == ("silent_recording", "pause")
    assert "No spike on any of 2 units during 38 presentations of block 7" in alarm.reason


def test_block_without_a_valid_presentation(safeguards: Safeguards) -> None:
    (alarm,) = alarms(safeguards, 0, *[BROKEN] * 39, InvalidReason.NO_SYNC_EDGE)
    assert alarm.safeguard == "no_valid_presentation"
    assert "None of the 40 presentations" in alarm.reason
    assert "fixation broken (39), no sync edge (1)" in alarm.reason


def test_few_invalid_ones_in_a_row_are_no_alarm_until_there_are_ten(safeguards: Safeguards) -> None:
    assert judge(safeguards, 0, *[BROKEN] * 4) == []
    assert judge(safeguards, 0, *[BROKEN] * 4, attempt=1) == []
    assert judge(safeguards, 0, *[BROKEN] * 4, attempt=2) == ["no_valid_presentation"]
    assert judge(safeguards, 1) == []
    assert judge(safeguards, 0, *[BROKEN] * 9) == []


def test_share_of_invalid_ones_is_of_the_latest(safeguards: Safeguards) -> None:
    assert judge(safeguards, 4, *[BROKEN] * 6) == []  # of ten nothing can be said
    assert judge(safeguards, 4, *[BROKEN] * 6) == ["many_invalid"]
    assert judge(safeguards, 1, *[BROKEN] * 5, attempt=1) == []  # of what was invalid before
    assert judge(safeguards, 10) == []
    (alarm,) = alarms(safeguards, 1, *[BROKEN] * 39)
    assert "39 of the latest 40 presentations are invalid, more than a share of 0.5" in alarm.reason


def test_wrong_duration_beside_what_else_is_wrong(safeguards: Safeguards) -> None:
    assert judge(safeguards, 39, SHORT) == ["wrong_duration"]
    found = alarms(safeguards, 0, *[SHORT] * 40)
    assert [one.safeguard for one in found] == ["no_valid_presentation", "wrong_duration"]
    assert "40 of 40 presentations of block 7" in found[1].reason
    assert "shown too short (40)" in found[1].reason


def test_strictest_of_what_says_the_same_is_told() -> None:
    settings = SafeguardSettings(no_valid_presentation="warn", many_invalid="pause")
    (alarm,) = alarms(Safeguards(settings), 0, *[BROKEN] * 40)
    assert (alarm.safeguard, alarm.action) == ("many_invalid", "pause")
    assert "fixation broken (40)" in alarm.reason


def test_silence_is_left_to_its_own_safeguard() -> None:
    settings = SafeguardSettings(silent_recording="warn", no_valid_presentation="stop")
    safeguards = Safeguards(settings)
    for _ in range(3):
        (alarm,) = alarms(safeguards, 0, *[SILENT] * 40)
        assert (alarm.safeguard, alarm.action) == ("silent_recording", "warn")


def test_the_worst_comes_first() -> None:
    settings = SafeguardSettings(wrong_duration="stop", no_valid_presentation="warn")
    found = alarms(Safeguards(settings), 0, *[SHORT] * 40)
    assert [one.action for one in found] == ["stop", "warn"]


@pytest.mark.parametrize(
    ("action", "is_attended", "ends"),
    [
        ("warn", False, False),
        ("pause", True, False),
        ("pause", False, True),
        ("stop", True, True),
    ],
)
def test_what_an_alarm_does(action, is_attended: bool, ends: bool) -> None:
    reason = reason_to_end([Alarm("many_invalid", action, "Bad.")], is_attended=is_attended)
    assert bool(reason) == ends
    if ends:
        assert reason.startswith("Bad.")
        assert f"[safeguards] many_invalid = {action!r}" in reason
        assert "Nobody is at a terminal" in reason or action == "stop"


def test_no_alarm_ends_nothing() -> None:
    assert reason_to_end([], is_attended=False) == ""
