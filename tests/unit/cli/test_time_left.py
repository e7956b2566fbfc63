"""The time left is right for steps of any length, in bursts too."""

import pytest
from rich.progress import Task

from signseg_rig.cli.time_left import Pace, TimeLeftColumn


def seen(*marks: tuple[float, float]) -> Pace:
    """Look ten times a second, as a terminal is drawn; marks are (time, n done)."""
    pace = Pace()
    for tick in range(round(marks[-1][0] * 10) + 1):
        now_s = tick / 10
        pace.see(max(n_done for at_s, n_done in marks if at_s <= now_s), now_s)
    return pace


def test_knows_nothing_before_a_step_is_done() -> None:
    assert seen((0, 0), (50, 0)).left_s(100, 50) is None


@pytest.mark.parametrize("step_s", [0.5, 20, 66, 400])
def test_steps_of_any_length(step_s: float) -> None:
    pace = seen(*((number * step_s, number) for number in range(5)))
    assert pace.left_s(6, 4 * step_s) == pytest.approx(6 * step_s, rel=0.02)


def test_two_workers_that_end_together() -> None:
    pace = seen((0, 0), (66, 20), (66.1, 40))
    assert pace.left_s(160, 66.1) == pytest.approx(264, rel=0.01)


def test_counts_down_to_the_end_of_the_step_under_way() -> None:
    pace = seen((0, 0), (10, 1))
    assert pace.left_s(3, 14) == pytest.approx(26)
    assert pace.left_s(3, 500) == pytest.approx(20)
    assert pace.left_s(1, 500) == 0


def test_only_the_pace_of_late_counts() -> None:
    # The first thousand were on disk already.
    pace = seen((0, 0), (1, 1000), (100, 1050), (200, 1100))
    assert pace.left_s(100, 200) == pytest.approx(200)


def test_begins_anew_with_the_work() -> None:
    pace = seen((0, 0), (10, 10))
    pace.see(0, 11)
    assert pace.left_s(10, 11) is None
    pace.see(1, 13)
    assert pace.left_s(9, 13) == pytest.approx(18)


def test_a_task_without_an_end_has_no_time_left() -> None:
    now_s = [0.0]
    task = Task(0, "blocks", None, 0, _get_time=lambda: now_s[0])  # type: ignore[arg-type]
    column = TimeLeftColumn()
    assert str(column.render(task)) == "-:--:--"
    now_s[0], task.completed, task.total = 4.0, 2, 92
    assert str(column.render(task)) == "0:03:00"
