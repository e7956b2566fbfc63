"""Rates in windows, where the recording has holes, against one spike and one window at a time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signseg_rig.datasets import check_recorded, open_images
from signseg_rig.datasets.segments import UnitSpikes, joined_segment, merged_intervals
from signseg_rig.datasets.tables import Presentations, read_stimulus_table
from signseg_rig.datasets.trials import data_from_spikes, window_rates_hz
from signseg_rig.errors import DataSetError

WHOLE = np.array([[0.0, 100.0]])


def intervals(bounds):
    """Make intervals of sorted bounds, every other gap a hole."""
    return np.array(sorted(bounds), dtype=float)[: len(bounds) // 2 * 2].reshape(-1, 2)


@given(
    st.lists(st.integers(0, 60), max_size=40),
    st.sets(st.integers(0, 60), min_size=2, max_size=8),
    st.lists(st.integers(-5, 65), min_size=1, max_size=12),
    st.integers(-4, 4),
    st.integers(1, 9),
)
def test_rates_equal_counting_by_hand_and_holes_have_none(times, bounds, onsets, start, length):
    unit = UnitSpikes(np.sort(np.array(times, dtype=float)), intervals(bounds))
    rates = window_rates_hz([unit], np.array(onsets, dtype=float), (start, start + length))
    for onset, rate in zip(onsets, rates[0], strict=True):
        first, end = onset + start, onset + start + length
        if any(begin <= first and end <= stop for begin, stop in unit.observed_s):
            assert rate == sum(first <= time < end for time in times) / length
        else:
            assert np.isnan(rate)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 10)), max_size=8))
def test_merged_intervals_cover_the_same_points(pairs):
    given_s = np.array([(start, start + length) for start, length in pairs], dtype=float)
    merged = merged_intervals(given_s.reshape(-1, 2))
    points = np.arange(0, 62, 0.5) + 0.25

    def covered(spans):
        return [any(start <= point < stop for start, stop in spans) for point in points]

    assert covered(merged) == covered(given_s)
    assert (merged[1:, 0] > merged[:-1, 1]).all()


def test_a_unit_never_recorded_has_no_rates():
    unit = UnitSpikes(np.empty(0), np.empty((0, 2)))
    assert np.isnan(window_rates_hz([unit], np.array([1.0]), (0, 1))).all()


def test_sums_of_seconds_may_be_rounded():
    """0.1 + 0.2 is a little more than 0.3."""
    unit = UnitSpikes(np.array([0.15]), np.array([[0.0, 0.3]]))
    assert window_rates_hz([unit], np.array([0.1]), (0.0, 0.2))[0, 0] == 1 / 0.2


def test_segments_one_after_the_other_become_one():
    first = {"a": UnitSpikes(np.array([1.0]), np.array([[0.0, 5.0]]))}
    second = {
        "a": UnitSpikes(np.array([7.0]), np.array([[5.0, 8.0]])),
        "b": UnitSpikes(np.array([6.0]), np.array([[5.0, 8.0]])),
    }
    joined = joined_segment([second, first])
    assert list(joined) == ["a", "b"]
    assert joined["a"].times_s.tolist() == [1.0, 7.0]
    assert joined["a"].observed_s.tolist() == [[0.0, 8.0]]
    assert joined["b"].observed_s.tolist() == [[5.0, 8.0]]


@pytest.fixture
def images():
    return open_images({name: np.zeros((2, 2), np.uint8) for name in ("a", "b", "c")})


def make(images, onsets_s, names, segment=None, **options):
    segment = segment or {"u": UnitSpikes(np.array([1.1, 2.1, 2.12]), np.array([[0.5, 4.0]]))}
    presentations = Presentations(np.array(onsets_s, dtype=float), tuple(names))
    return data_from_spikes([segment], presentations, images, session={}, **options)


def test_repeats_are_in_the_order_of_time_and_images_in_that_of_the_set(images):
    data = make(images, [3.0, 2.0, 1.0, 1.5], ["b", "b", "b", "a"])
    assert data.image_ids == ("a", "b")
    np.testing.assert_allclose(
        data.rates_hz[0] * 0.15, [[0, np.nan, np.nan], [1, 2, 0]], atol=1e-12
    )
    (problem,) = check_recorded(data)
    assert "1 of 3 images in memory have no presentation that counts: 'c'" in problem.message
    assert data.response_window_s == (0.05, 0.2)
    assert data.baseline_window_s == (0.0, 0.045)


def test_windows_outside_of_the_recording_are_told_and_left_out(images):
    data = make(images, [1.0, 2.0, 3.9, 0.1, 3.0], ["a", "b", "a", "b", "c"])
    assert data.rates_hz.shape == (1, 3, 1)
    (problem,) = check_recorded(data)
    assert not problem.is_error
    assert problem.message.startswith("Of 2 of 5 presentations the window of 0.05 to 0.2 s lies")
    assert "onsets at 0.1, 3.9 s" in problem.message


@pytest.mark.parametrize("name", ["b", "c"])
def test_presentations_that_begin_at_the_same_time_are_an_error(images, name):
    """As rows that stand in a table twice: trials that are copies would be all too reliable."""
    problem = check_recorded(make(images, [3.0, 2.0, 1.0, 2.0], ["c", "b", "a", name]))[0]
    assert problem.is_error
    assert problem.message.startswith(
        "1 of 4 presentations begin when another one does, at 2.0 s, and show"
    )


def test_segments_with_clocks_of_their_own_may_have_the_same_onsets(images):
    segment = {"u": UnitSpikes(np.array([1.1, 2.1]), np.array([[0.5, 4.0]]))}

    def problems(numbers):
        presentations = Presentations(
            np.array([1.0, 2.0, 3.0, 1.0]), ("a", "b", "c", "a"), np.array(numbers)
        )
        return check_recorded(data_from_spikes([segment] * 2, presentations, images, session={}))

    assert problems([0, 0, 0, 1]) == []
    assert "at 1.0 s of the segments 1, and show 'a'" in problems([1, 0, 0, 1])[0].message


def test_no_window_in_the_recording_is_an_error(images):
    """As when onsets are in milliseconds."""
    problems = check_recorded(make(images, [1000.0, 2000.0, 3000.0], ["a", "b", "c"]))
    assert problems[0].is_error
    assert "Of 3 of 3 presentations" in problems[0].message


def test_a_baseline_before_the_recording_is_told(images):
    data = make(images, [0.5, 1.0, 2.0], ["a", "b", "c"], baseline_window_s=(-0.1, 0.0))
    assert np.isnan(data.baseline_hz[0, :, 0]).tolist() == [True, False, False]
    (problem,) = check_recorded(data)
    assert problem.message.startswith("Of 1 presentations the baseline window of -0.1 to 0.0 s")


def test_unknown_images_are_left_to_the_check(images):
    data = make(images, [1.0, 2.0, 3.0, 3.1], ["a", "x", "b", "c"])
    errors = [item.message for item in check_recorded(data) if item.is_error]
    assert errors == ["1 of 4 image ids have no image in memory: 'x'; it has 'a', 'b', 'c'."]


def test_where_no_image_is_known_those_that_there_are_are_told(images):
    errors = [item.message for item in check_recorded(make(images, [1.0, 2.0], ["x", "y"]))]
    assert "2 of 2 image ids have no image in memory: 'x', 'y'; it has 'a', 'b', 'c'." in errors


@pytest.mark.parametrize("window_s", [(0.2, 0.05), (0.1, 0.1), (0.0, np.nan), (0.0, np.inf)])
@pytest.mark.parametrize("name", ["response", "baseline"])
def test_windows_that_do_not_end_after_they_start(images, name, window_s):
    with pytest.raises(DataSetError, match=f"The {name} window should end after it starts"):
        make(images, [1.0], ["a"], **{f"{name}_window_s": window_s})


def test_a_stimulus_table(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "image,valid,onset_s,segment\na,1,0.5,0\nb,false,1.5,0\n\nc,YES, 2.5 ,1\n",
        encoding="utf-8-sig",
    )
    table = read_stimulus_table(path)
    assert table.onsets_s.tolist() == [0.5, 2.5]
    assert table.image_ids == ("a", "c")
    assert table.segments is not None
    assert table.segments.tolist() == [0, 1]


def test_every_bad_line_of_a_stimulus_table_is_told(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("onset_s,image,valid,segment\nx,a,1,0\n1,a,maybe,0\n1,a,1,-1\nnan,a,1,0\n")
    with pytest.raises(DataSetError) as caught:
        read_stimulus_table(path)
    for text in (
        "4 lines of",
        "line 2: onset_s 'x' is not a number",
        "line 3: valid 'maybe' is none of 1, true, yes, 0, false, no",
        "line 4: segment '-1' is not a whole number from 0",
        "line 5: onset_s 'nan' is not a number",
    ):
        assert text in str(caught.value)


def test_a_stimulus_table_without_columns(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("onset;image\n1;a\n")
    with pytest.raises(DataSetError, match=r"no column 'onset_s', 'image'; .* separated by commas"):
        read_stimulus_table(path)
    path.write_text("onset_s,image,image\n1,a,b\n")
    with pytest.raises(DataSetError, match="two columns of one name"):
        read_stimulus_table(path)


def session(shown, kept, n_images):
    """Make a data set whose rates are one spike in each presentation that was kept."""
    images = open_images(
        {f"{index:03}": np.full((2, 2, 3), index, np.uint8) for index in range(n_images)}
    )
    onsets_s = kept * 0.5
    unit = UnitSpikes(onsets_s + 0.1, np.array([[0.0, len(shown)]]))
    presentations = Presentations(onsets_s, tuple(f"{index:03}" for index in shown[kept]))
    return data_from_spikes([{"u": unit}], presentations, images, session={})


def is_told(data):
    return any("not shown pass by pass" in problem.message for problem in data.reader_problems)


@pytest.mark.parametrize("lost", [0, 0.03, 0.08, 0.15])
@pytest.mark.parametrize("n_passes", [2, 3, 6, 20])
@pytest.mark.parametrize("n_images", [20, 100])
def test_lost_presentations_leave_gaps_in_their_passes(n_images, n_passes, lost):
    """Whatever was lost, the trials of a pass are of that pass."""
    rng = np.random.default_rng([n_images, n_passes])
    shown = np.concatenate([rng.permutation(n_images) for _ in range(n_passes)])
    kept = np.flatnonzero(rng.random(len(shown)) >= lost)
    data = session(shown, kept, n_images)
    assert not is_told(data)
    expected = np.zeros((n_images, n_passes), dtype=bool)
    expected[shown[kept], kept // n_images] = True
    expected = expected[[int(image_id) for image_id in data.image_ids]]
    is_trial = np.isfinite(data.rates_hz[0])
    # Where a pass begins with an image that the one before had lost there is no telling; both of
    # their trials are wrong then.
    assert (is_trial != expected).mean() <= 0.05 * (lost > 0)


@pytest.mark.parametrize("lost", [0, 0.15])
@pytest.mark.parametrize("n_repeats", [2, 3, 6, 20])
@pytest.mark.parametrize("order", ["at random", "repeats in a row", "in two blocks"])
def test_images_that_are_not_shown_pass_by_pass_are_told_of(order, n_repeats, lost):
    rng = np.random.default_rng(n_repeats)
    shown = np.repeat(np.arange(20), n_repeats)
    if order == "at random":
        shown = rng.permutation(shown)
    elif order == "in two blocks":
        halves = np.arange(20).reshape(2, 10)
        shown = np.concatenate([rng.permutation(half) for half in halves for _ in range(n_repeats)])
    data = session(shown, np.flatnonzero(rng.random(len(shown)) >= lost), 20)
    assert is_told(data)
    n_trials = np.isfinite(data.rates_hz[0]).sum(axis=1)
    assert data.n_repeats == n_trials.max()


def test_images_that_all_but_the_first_pass_lack_are_in_passes():
    shown = np.concatenate([np.arange(20), *[np.arange(5)] * 4])
    data = session(shown, np.arange(len(shown)), 20)
    assert not is_told(data)
    assert np.isfinite(data.rates_hz[0]).sum(axis=1).tolist() == [5] * 5 + [1] * 15
