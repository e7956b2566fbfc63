"""What a person reads in the terminal while a run goes on, and after."""

import io

import pytest
from rich.console import Console

from signseg_rig.cli.progress import KEYS_HINT, RunProgress
from signseg_rig.values import RunState, RunStatus


def shown(*statuses: RunStatus, is_terminal: bool) -> str:
    text = io.StringIO()
    with RunProgress(Console(file=text, force_terminal=is_terminal, width=120)) as progress:
        for status in statuses:
            progress.update(status)
    return text.getvalue()


@pytest.mark.parametrize(("state", "hints"), [("running", 1), ("finished", 0), ("stopped", 0)])
def test_keys_are_offered_only_while_they_do_something(state: RunState, hints: int) -> None:
    last_frame = shown(RunStatus(state), is_terminal=True).rsplit("thread", maxsplit=1)[-1]
    assert last_frame.count(KEYS_HINT) == hints
    assert f"{state};" in last_frame


def test_message_says_what_is_waited_for() -> None:
    waiting = RunStatus("waiting", message="waiting for a display to connect", n_invalid=3)
    text = shown(waiting, is_terminal=True)
    assert "waiting; waiting for a display to connect; 3 invalid presentations" in text


def test_without_a_terminal_there_is_a_line_for_each_block() -> None:
    statuses = [
        RunStatus("running", block=0, n_blocks=2, n_shown=1),
        RunStatus("running", block=0, n_blocks=2, n_shown=2),
        RunStatus("running", block=1, n_blocks=2, scores={"a": (5.0, 2.5)}),
        RunStatus("finished", block=2, n_blocks=2, n_invalid=12),
    ]
    assert shown(*statuses, is_terminal=False).splitlines() == [
        "running: block 0 of 2",
        "running: block 1 of 2; a best 5.00 mean 2.50",
        "finished: block 2 of 2; 12 invalid presentations",
    ]


@pytest.mark.parametrize("is_terminal", [True, False])
def test_alarm_is_told_once_and_stays_in_sight_until_it_is_over(is_terminal: bool) -> None:
    dead = RunStatus("running", block=1, alarm="No spike on any of 96 units.")
    paused = RunStatus("paused", block=1, alarm=dead.alarm, message="paused; press p to go on")
    text = shown(RunStatus("running"), dead, paused, is_terminal=is_terminal)
    assert text.count(f"Warning: {dead.alarm}") == (0 if is_terminal else 1)
    assert text.count("\a") == (1 if is_terminal else 0)
    if is_terminal:
        assert text.rsplit("thread", maxsplit=1)[-1].count(dead.alarm) == 1
        over = shown(dead, RunStatus("running", block=2), is_terminal=True)
        assert dead.alarm not in over.rsplit("thread", maxsplit=1)[-1]


def test_key_of_a_pause_that_is_over_is_not_offered_beside_the_next_alarm() -> None:
    text = shown(
        RunStatus("paused", message="paused; press p to go on"),
        RunStatus("running"),
        RunStatus("running", alarm="No spike on any of 96 units."),
        is_terminal=True,
    )
    before, _, after = text.partition("\a")
    assert "press p to go on" in before
    assert "press p to go on" not in after
