"""What a run's report makes of odd records."""

import datetime as dt
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from signseg_rig.records import Note, PassRecord
from signseg_rig.report.run_content import (
    ThreadCurve,
    Timing,
    _parts_s,
    _turnarounds_s,
    _units,
    _within_stretches,
)
from signseg_rig.report.run_figures import draw_best_images, draw_curves, draw_timing

EVOLUTION = """
[protocol]
kind = "evolution"
threads = [
    { name = "a", score = { kind = "channel", unit = "x" } },
    { name = "b", score = { kind = "pattern", path = "p.npy" } },
]
"""


def test_a_rate_has_its_unit_and_a_cosine_has_none():
    assert _units(EVOLUTION) == {"a": "spikes/s"}


@pytest.mark.parametrize("threads", ["2", '["a"]', '[{ score = "mean" }]'])
def test_threads_of_another_protocol_may_be_anything(threads):
    assert _units(f'[protocol]\nkind = "of another lab"\nthreads = {threads}\n') == {}
    assert _units("") == {}


def test_a_night_between_two_stretches_is_no_onset_interval():
    onsets_s = np.array([0.0, 0.2, 0.4, 40_000.0, 40_000.2, 3.0, 3.2])
    np.testing.assert_allclose(_within_stretches(np.diff(onsets_s)), [0.2, 0.2, 0.2, 0.2])
    assert _within_stretches(np.empty(0)).size == 0


def timing(block: int, session: int = 0, **parts: float) -> Note:
    body = {"block": block, **parts}
    return Note("timing", body, session, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))


def shown(block: int, at_s: float, *, attempt: int = 0) -> PassRecord:
    plan: Any = SimpleNamespace(block=block, attempt=attempt)
    item: Any = SimpleNamespace(onset_s=at_s, offset_s=at_s + 1.0)
    return PassRecord(plan, (item,), (), None, None)


def test_turnarounds_hold_neither_a_pause_nor_the_time_between_two_sessions():
    passes = [shown(0, 0.0), shown(0, 1.5, attempt=1), shown(1, 2.6), shown(2, 3.7)]
    assert _turnarounds_s([], []).size == 0
    # In the next session block 3, and block 4 that had been begun in this one.
    later = [shown(3, 50.0), shown(4, 90.0), shown(5, 91.1)]
    notes = [*map(timing, (0, 0, 1, 2)), timing(3, 1), timing(4, 1), timing(4, 2), timing(5, 2)]
    np.testing.assert_allclose(_turnarounds_s(passes + later, notes), [0.1, 0.1, 0.1])
    paused = [shown(block, 1.1 * block + 60 * (block > 4)) for block in range(8)]
    np.testing.assert_allclose(_turnarounds_s(paused, [*map(timing, range(8))]), [0.1] * 6)


def test_parts_of_the_turnaround_are_summed_by_block():
    notes = [
        timing(0),
        timing(0, source_s=1.0),
        timing(1, source_s=2.0, render_s=0.25),
        timing(1, source_s=3.0),
        timing(2, source_s=4.0),
    ]
    assert {key: list(values) for key, values in _parts_s(notes).items()} == {
        "source": [1.0, 5.0, 4.0],
        "render": [0.25],
    }


def test_of_very_many_generations_some_are_drawn_first_and_last_among_them():
    n = 5000
    curve = ThreadCurve("a", (np.ones(2),) * n, (np.ones(1),) * n, ("key",) * n, "")
    figure = draw_best_images(curve, lambda _key: np.zeros((4, 4, 3), dtype=np.uint8))
    titles = [axis.get_title() for axis in figure.axes if axis.get_title()]
    assert len(titles) == 240
    assert (titles[0], titles[-1]) == ("gen 0\n1", "gen 4999\n1")


def test_titles_tell_scores_of_any_size_apart():
    scores = [np.array([0.982]), np.array([0.991]), np.array([148.3])]
    curve = ThreadCurve("a", tuple(scores), (np.ones(1),) * 3, ("key",) * 3, "")
    figure = draw_best_images(curve, lambda _key: np.zeros((4, 4, 3), dtype=np.uint8))
    titles = [axis.get_title().split("\n")[-1] for axis in figure.axes if axis.get_title()]
    assert titles == ["0.982", "0.991", "148"]


def test_generations_without_any_score_are_drawn_without_a_warning():
    nothing = np.full(3, np.nan)
    curve = ThreadCurve("a", (nothing,) * 2, (nothing,) * 2, (None,) * 2, "")
    (axis,) = draw_curves([curve], lambda _values: (0.0, 0.0)).axes
    assert axis.get_legend() is None


def test_curve_of_references_does_not_follow_which_of_them_are_valid():
    drift = np.array([0.0, 1.0, 2.0, 3.0])
    whole = drift[:, None] + [5.0, 15.0, 100.0]
    lacking = whole.copy()
    lacking[1, 2] = lacking[2, 0] = lacking[3, 1] = np.nan
    for scores, expected in ((whole, 40 + drift), (lacking[[0, 1]], [40.0, 41.0])):
        curve = ThreadCurve("a", tuple(scores), tuple(scores), (None,) * len(scores), "")
        (axis,) = draw_curves([curve], lambda _values: (0.0, 0.0)).axes
        np.testing.assert_allclose(axis.lines[1].get_ydata(), expected, atol=1.0)
    assert np.ptp(axis.lines[0].get_ydata()) > 20


def test_references_that_are_others_in_each_block_are_drawn_as_they_are():
    scores = (np.array([1.0, 3.0]), np.array([6.0]))
    curve = ThreadCurve("a", scores, scores, (None, None), "")
    (axis,) = draw_curves([curve], lambda _values: (0.0, 0.0)).axes
    np.testing.assert_array_equal(axis.lines[1].get_ydata(), [2.0, 6.0])


def test_times_that_agree_to_rounding_errors_are_drawn():
    """A screen that takes no time counts 0.1 s as exactly as a float can."""
    starts_s = 0.2 * np.arange(20)
    same_s = (starts_s + 0.1) - starts_s
    assert 0 < np.ptp(same_s) < 1e-9
    times = Timing(same_s, same_s, same_s[:1], {}, n_dropped_frames=0)
    for axis in draw_timing(times).axes:
        assert sum(patch.get_height() for patch in axis.patches) in (1, 20)
