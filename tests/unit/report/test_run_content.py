"""What a run's report makes of odd records."""

import datetime as dt
import tomllib
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from signseg_rig.records import Note, PassRecord
from signseg_rig.report.run_channels import channel_rates
from signseg_rig.report.run_content import NOT_RECORDED, ThreadCurve, _subject, _units
from signseg_rig.report.run_events import events_in_words, in_words
from signseg_rig.report.run_figures import (
    best_labels,
    draw_best_images,
    draw_curves,
    draw_timing,
)
from signseg_rig.report.run_timing import Timing, _parts_s, _turnarounds_s, _within_stretches
from signseg_rig.values import InvalidReason, ResponseBatch

EVOLUTION = """
[protocol]
kind = "evolution"
threads = [
    { name = "a", score = { kind = "channel", unit = "x" } },
    { name = "b", score = { kind = "pattern", path = "p.npy" } },
]
"""


def test_a_rate_has_its_unit_and_a_cosine_has_none():
    assert _units(tomllib.loads(EVOLUTION)) == {"a": "spikes/s", "a-control": "spikes/s"}


@pytest.mark.parametrize("threads", ["2", '["a"]', '[{ score = "mean" }]'])
def test_threads_of_another_protocol_may_be_anything(threads):
    text = f'[protocol]\nkind = "of another lab"\nthreads = {threads}\n'
    assert _units(tomllib.loads(text)) == {}
    assert _units({}) == {}


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
    return PassRecord(plan, (item,), (), (), None, None)


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
    labels = best_labels(curve)
    assert len(labels) == 240
    assert (labels[0], labels[4999]) == ("gen 0\n1", "gen 4999\n1")
    sheet = draw_best_images(curve, lambda _key: np.zeros((4, 4, 3), dtype=np.uint8))
    assert sheet.size == (12 * 126, 20 * 170)


def test_best_images_are_drawn_beside_each_other_in_one_picture():
    """An axis for each took 8 seconds of 240 generations."""
    scores = [np.array([0.982]), np.array([0.991]), np.array([148.3]), np.array([7.0])]
    colors = {"0": (255, 0, 0), "1": (0, 255, 0), "3": (0, 0, 255)}
    images = {key: np.full((4, 8, 3), color, dtype=np.uint8) for key, color in colors.items()}
    curve = ThreadCurve("a", tuple(scores), (np.ones(1),) * 4, ("0", "1", None, "3"), "")
    assert list(best_labels(curve).values()) == ["gen 0\n0.982", "gen 1\n0.991", "", "gen 3\n7"]
    cells = np.split(np.asarray(draw_best_images(curve, images.get)), 4, axis=1)
    for key, cell in zip("0123", cells, strict=True):
        is_own = (cell == colors.get(key, (-1, -1, -1))).all(axis=2)
        # Twice as wide as high, as the image is.
        assert is_own.sum() == (120 * 60 if key in colors else 0)


def test_generations_without_any_score_are_drawn_without_a_warning():
    nothing = np.full(3, np.nan)
    curve = ThreadCurve("a", (nothing,) * 2, (nothing,) * 2, (None,) * 2, "")
    (axis,) = draw_curves([curve]).axes
    assert axis.get_legend() is None


def test_curve_of_references_does_not_follow_which_of_them_are_valid():
    drift = np.array([0.0, 1.0, 2.0, 3.0])
    whole = drift[:, None] + [5.0, 15.0, 100.0]
    lacking = whole.copy()
    lacking[1, 2] = lacking[2, 0] = lacking[3, 1] = np.nan
    for scores, expected in ((whole, 40 + drift), (lacking[[0, 1]], [40.0, 41.0])):
        curve = ThreadCurve("a", tuple(scores), tuple(scores), (None,) * len(scores), "")
        (axis,) = draw_curves([curve]).axes
        np.testing.assert_allclose(axis.lines[1].get_ydata(), expected, atol=1.0)
    assert np.ptp(axis.lines[0].get_ydata()) > 20


def test_references_that_are_others_in_each_block_are_drawn_as_they_are():
    scores = (np.array([1.0, 3.0]), np.array([6.0]))
    curve = ThreadCurve("a", scores, scores, (None, None), "")
    (axis,) = draw_curves([curve]).axes
    np.testing.assert_array_equal(axis.lines[1].get_ydata(), [2.0, 6.0])


def test_times_that_agree_to_rounding_errors_are_drawn():
    """A screen that takes no time counts 0.1 s as exactly as a float can."""
    starts_s = 0.2 * np.arange(20)
    same_s = (starts_s + 0.1) - starts_s
    assert 0 < np.ptp(same_s) < 1e-9
    times = Timing(same_s, same_s, same_s[:1], {}, n_dropped_frames=0)
    for axis in draw_timing(times).axes:
        assert sum(patch.get_height() for patch in axis.patches) in (1, 20)


def note(topic: str, **body: Any) -> Note:
    return Note(topic, body, 0, dt.datetime(2026, 1, 1, 12, 30, tzinfo=dt.UTC))


@pytest.mark.parametrize(
    ("noted", "said"),
    [
        (note("session", pid=7, host="rig1", experiment_sha256="ab" * 32), "on rig1."),
        (
            note("display lost", block=3, reason="No heartbeat.", n_to_be_shown_again=5),
            "was lost in block 3: No heartbeat. 5 presentations were to be shown again.",
        ),
        (
            note("aborted", block=2, **{"fixation broken": 4}),
            "aborted in block 2, invalid presentations: fixation broken (4).",
        ),
        (note("late onsets", n_late=2, longest_s=0.25), "2 images of a pass came on later"),
        (note("software changed", **{"distributions.cma": "4.2 -> 4.3"}), "cma 4.2 -> 4.3"),
        (note("rejected messages", forged=3), "Messages refused in all: forged (3)."),
        # Of a plugin, or of another version.
        (note("eye tracker", gaze_px=[1.23456, 2.0]), "Eye tracker: gaze px 1.235, 2."),
        (note("late onsets", n_late=2), "Late onsets: n late 2."),
        (note("noted", key="0123456789abcdef" * 4), "Noted: key 01234567...."),
        (note("paused"), "Paused."),
    ],
)
def test_what_happened_is_said_in_words(noted, said):
    sentence = in_words(noted)
    assert sentence.endswith(said) or said in sentence
    assert "_" not in sentence
    assert "ab" * 16 not in sentence


def test_what_happens_in_every_block_is_not_among_what_happened():
    events = events_in_words([note("timing", block=0), note("paused"), note("experiment", a=1)])
    assert [text for _time, text in events] == ["Paused."]


def test_a_subject_is_told_as_it_was_written():
    assert _subject({}) == NOT_RECORDED
    assert _subject({"subject": {"name": "m1", "age_years": 8}}) == "name: m1, age years: 8"
    assert _subject({"subject": "m1"}) == "m1"


def test_channels_have_the_rates_of_baseline_references_and_each_third(answered):
    passes = [answered(block, 10.0 + 10 * block) for block in range(6)]
    rates = channel_rates(passes)
    assert rates is not None
    assert rates.unit_names == ("u", "v")
    assert rates.headings == ("baseline", "references", "a, first third", "a, last third")
    # Evolved images at 10 to 60 Hz, references at 7, baseline 2; the second unit 100 Hz above.
    expected = np.array([2.0, 7.0, 15.0, 55.0])
    np.testing.assert_allclose(rates.rates_hz, [expected, expected + 100])
    assert channel_rates([]) is None


@pytest.fixture
def answered():
    """Make a pass that shows an evolved image and a reference, and an invalid one of each."""

    def make(block: int, evolved_hz: float) -> PassRecord:
        evolved = SimpleNamespace(role="evolved", thread="a")
        reference = SimpleNamespace(role="reference", thread="references")
        plan: Any = SimpleNamespace(block=block, attempt=0, stimuli=(evolved, reference))
        shown = np.array([1, 0, 1, 0])
        rates_hz = np.array([7.0, evolved_hz, 1e9, 1e9])[:, None] + [0, 100]
        reasons = (None, None, InvalidReason.DROPPED_FRAME, InvalidReason.DROPPED_FRAME)
        baseline_hz = np.tile([2.0, 102.0], (4, 1))
        answers = ResponseBatch(tuple("abcd"), shown, rates_hz, baseline_hz, reasons, ("u", "v"))
        return PassRecord(plan, (), (), (), answers, None)

    return make


def test_a_best_image_that_is_not_on_disk_is_said_to_be_missing():
    curve = ThreadCurve("a", (np.ones(2),), (np.ones(1),), ("key",), "")
    there = draw_best_images(curve, lambda _key: np.full((4, 4, 3), 255, dtype=np.uint8))
    missing = draw_best_images(curve, lambda _key: None)
    assert (np.asarray(missing) < 128).sum() > (np.asarray(there) < 128).sum() > 0
