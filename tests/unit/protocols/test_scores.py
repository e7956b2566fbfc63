import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from signseg_protocols.scores import ScoreChoice
from signseg_rig.values import InvalidReason, ResponseBatch

UNITS = ("v4_1", "it_1", "it_2")
BASELINE_HZ = np.array([1.0, 2.0, 3.0])


def score(**table):
    return TypeAdapter(ScoreChoice).validate_python(table)


def responses(rates_hz, *, stimulus_index=None, reasons=None) -> ResponseBatch:
    evoked_hz = np.asarray(rates_hz, dtype=float) + BASELINE_HZ
    n = len(evoked_hz)
    return ResponseBatch(
        presentation_ids=tuple(f"p{index}" for index in range(n)),
        stimulus_index=np.arange(n) if stimulus_index is None else np.array(stimulus_index),
        evoked_hz=evoked_hz,
        baseline_hz=np.broadcast_to(BASELINE_HZ, evoked_hz.shape),
        reasons=reasons or (None,) * n,
        unit_names=UNITS,
    )


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"kind": "channel", "unit": "it_1"}, [2.0, 0.0]),
        ({"kind": "channel", "unit": "it_1", "subtract_baseline": False}, [4.0, 2.0]),
        ({"kind": "mean", "units": ["it_2", "v4_1"]}, [2.0, 3.5]),
        ({"kind": "mean", "units": ["it_2", "v4_1"], "subtract_baseline": False}, [4.0, 5.5]),
        ({"kind": "contrast", "preferred": "it_2", "other": "v4_1"}, [2.0, 7.0]),
        (
            {"kind": "contrast", "preferred": "v4_1", "other": "it_2"}
            | {"subtract_baseline": False},
            [-4.0, -9.0],
        ),
        (
            {"kind": "pattern", "targets_hz": {"it_2": 4.0, "it_1": 3.0}},
            [(3 * 4 + 2 * 3) / (np.sqrt(13) * 5), 0.8],
        ),
        (
            {"kind": "pattern", "targets_hz": {"it_2": 4.0, "it_1": 3.0}}
            | {"subtract_baseline": False},
            [(6 * 4 + 4 * 3) / (np.sqrt(52) * 5), (10 * 4 + 2 * 3) / (np.sqrt(104) * 5)],
        ),
    ],
)
def test_follows_its_definition(table, expected):
    batch = responses([[1.0, 2.0, 3.0], [0.0, 0.0, 7.0]])
    assert score(**table).of(batch, 2) == pytest.approx(expected)


SCORES = [
    {"kind": "channel", "unit": "it_1"},
    {"kind": "mean", "units": ["it_1", "it_2"]},
    {"kind": "contrast", "preferred": "it_1", "other": "v4_1"},
    {"kind": "pattern", "targets_hz": {"it_1": 1.0, "v4_1": 2.0}},
]


@pytest.mark.parametrize("table", SCORES, ids=lambda table: table["kind"])
def test_uses_valid_presentations_only(table):
    valid = [[1.0, 5.0, 2.0], [3.0, 1.0, 2.0]]
    broken = [[np.nan] * 3, [1e9] * 3, [1e9] * 3]
    batch = responses(
        [*valid, *broken],
        stimulus_index=[0, 2, 0, 2, 1],
        reasons=(None, None, *(InvalidReason.STREAM_GAP,) * 3),
    )
    scores = score(**table).of(batch, 3)
    expected = score(**table).of(responses(valid), 2)
    assert scores[[0, 2]] == pytest.approx(expected)
    assert np.isnan(scores[1])


@pytest.mark.parametrize("table", SCORES[:3], ids=lambda table: table["kind"])
def test_averages_over_showings(table):
    batch = responses([[1.0, 4.0, 0.0], [3.0, 2.0, 8.0]], stimulus_index=[0, 0])
    once = responses([[2.0, 3.0, 4.0]])
    assert score(**table).of(batch, 1) == pytest.approx(score(**table).of(once, 1))


def test_a_silent_population_resembles_no_pattern():
    pattern = score(**SCORES[3])
    assert pattern.of(responses([[0.0, 0.0, 0.0]]), 1).tolist() == [0.0]


def test_a_pattern_does_not_depend_on_overall_rate():
    pattern = score(**SCORES[3])
    rates_hz = np.array([[1.0, 5.0, 2.0]])
    assert pattern.of(responses(rates_hz), 1) == pytest.approx(
        pattern.of(responses(9 * rates_hz), 1)
    )


def test_reports_every_unknown_unit_with_the_nearest_known_one():
    problems = score(kind="mean", units=["it1", "it_2", "v41"]).problems("Thread 'a'", UNITS)
    assert len(problems) == 2
    assert "'it1'. Did you mean 'it_1'?" in problems[0].message
    assert "'v41'. Did you mean 'v4_1'?" in problems[1].message
    assert [problem.key for problem in problems] == [("units", 0), ("units", 2)]


@pytest.mark.parametrize(
    ("table", "match"),
    [
        ({"kind": "maximum", "unit": "a"}, "'channel', 'mean', 'contrast', 'pattern'"),
        ({"kind": "channel"}, "unit"),
        ({"kind": "channel", "unit": "a", "units": ["a"]}, "Extra inputs"),
        ({"kind": "mean", "units": []}, "at least 1"),
        ({"kind": "mean", "units": ["a", "a"]}, "each once"),
        ({"kind": "contrast", "preferred": "a", "other": "a"}, "two units"),
        ({"kind": "pattern", "targets_hz": {"a": 1.0}}, "at least 2"),
        ({"kind": "pattern", "targets_hz": {"a": 0.0, "b": 0.0}}, "not all be 0"),
        ({"kind": "pattern", "targets_hz": {"a": 1.0, "b": float("nan")}}, "finite"),
    ],
)
def test_refuses_settings_without_meaning(table, match):
    with pytest.raises(ValidationError, match=match):
        score(**table)
