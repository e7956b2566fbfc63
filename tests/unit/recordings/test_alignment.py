"""Edges to presentations: right, or not at all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signseg_rig.recordings import Aligner
from signseg_rig.values import FloatArray, InvalidReason, Shown


def shown_at(onsets_s: FloatArray) -> list[Shown]:
    return [
        Shown(f"p{i}", "0" * 64, float(t), float(t) + 0.1, 6, 0) for i, t in enumerate(onsets_s)
    ]


def regular(n: int, *, every_s: float = 0.2, start_s: float = 10.0) -> FloatArray:
    return start_s + np.arange(n) * every_s


def edges_of(
    onsets_s: FloatArray,
    *,
    offset_s: float = 1000.0,
    drift_ppm: float = 50.0,
    jitter_s: float = 0.001,
) -> FloatArray:
    jitter = np.random.default_rng(0).normal(0, jitter_s, onsets_s.size)
    return onsets_s * (1 + drift_ppm * 1e-6) + offset_s + jitter


def test_all_edges_are_there() -> None:
    onsets_s = regular(50)
    edges_s = edges_of(onsets_s)
    alignment = Aligner().align(shown_at(onsets_s), edges_s)
    assert np.array_equal(alignment.onsets_s, edges_s)
    assert set(alignment.reasons) == {None}


@pytest.mark.parametrize("missing", [[7], [3, 4], [10, 20, 30]])
def test_missing_edge_in_the_middle_is_found(missing: list[int]) -> None:
    onsets_s = regular(40)
    edges_s = edges_of(onsets_s)
    alignment = Aligner().align(shown_at(onsets_s), np.delete(edges_s, missing))
    expected = edges_s.copy()
    expected[missing] = np.nan
    assert np.array_equal(alignment.onsets_s, expected, equal_nan=True)
    assert [alignment.reasons[index] for index in missing] == [InvalidReason.NO_SYNC_EDGE] * len(
        missing
    )


@pytest.mark.parametrize("missing", [0, -1])
def test_missing_end_of_a_regular_train_is_ambiguous(missing: int) -> None:
    onsets_s = regular(20)
    alignment = Aligner().align(shown_at(onsets_s), np.delete(edges_of(onsets_s), missing))
    assert set(alignment.reasons) == {InvalidReason.AMBIGUOUS_ALIGNMENT}
    assert np.isnan(alignment.onsets_s).all()


@pytest.mark.parametrize("missing", [0, -1])
def test_an_earlier_block_resolves_the_ambiguity(missing: int) -> None:
    aligner = Aligner()
    first, second = regular(20), regular(20, start_s=16.0)
    aligner.align(shown_at(first), edges_of(first))
    edges_s = edges_of(second)
    alignment = aligner.align(shown_at(second), np.delete(edges_s, missing))
    edges_s[missing] = np.nan
    assert np.array_equal(alignment.onsets_s, edges_s, equal_nan=True)


def test_edges_on_either_side_of_a_lone_onset_are_ambiguous() -> None:
    aligner = Aligner()
    aligner.align(shown_at(regular(20)), edges_of(regular(20), drift_ppm=0, jitter_s=0))
    # After 80 s the clocks may have drifted by 16 ms either way.
    alignment = aligner.align(shown_at(np.array([94.0])), 1094.0 + np.array([-0.013, 0.013]))
    assert alignment.reasons == (InvalidReason.AMBIGUOUS_ALIGNMENT,)
    assert np.isnan(alignment.onsets_s).all()


def test_irregular_train_needs_no_help() -> None:
    onsets_s = 10 + np.cumsum(np.random.default_rng(1).uniform(0.15, 0.4, 20))
    edges_s = edges_of(onsets_s)
    alignment = Aligner().align(shown_at(onsets_s), edges_s[1:])
    assert np.isnan(alignment.onsets_s[0])
    assert np.array_equal(alignment.onsets_s[1:], edges_s[1:])


def test_spurious_edges_are_left_alone() -> None:
    onsets_s = regular(30)
    edges_s = edges_of(onsets_s)
    noisy = np.sort(np.append(edges_s, [edges_s[4] + 0.07, edges_s[20] + 0.11]))
    alignment = Aligner().align(shown_at(onsets_s), noisy)
    assert np.array_equal(alignment.onsets_s, edges_s)


def test_no_edges_at_all() -> None:
    alignment = Aligner().align(shown_at(regular(3)), np.empty(0))
    assert set(alignment.reasons) == {InvalidReason.NO_SYNC_EDGE}


def test_mostly_missing_edges_are_not_trusted() -> None:
    onsets_s = regular(30)
    alignment = Aligner().align(shown_at(onsets_s), edges_of(onsets_s)[[3, 17]])
    assert None not in alignment.reasons


def test_display_that_was_started_anew_has_another_clock() -> None:
    first, second = regular(15, start_s=100.0), regular(12, start_s=2.0)
    edges_s = np.concatenate([edges_of(first), edges_of(second, offset_s=1200.0)])
    shown = shown_at(np.concatenate([first, second]))
    alignment = Aligner().align(shown, edges_s)
    matched = np.isfinite(alignment.onsets_s)
    assert np.array_equal(alignment.onsets_s[matched], edges_s[matched])
    assert matched.sum() >= 12


def test_nothing_shown() -> None:
    assert Aligner().align([], np.arange(3.0)).onsets_s.size == 0


@given(
    intervals=st.lists(st.sampled_from([0.15, 0.2, 0.25]), min_size=2, max_size=25),
    missing=st.sets(st.integers(0, 24), max_size=4),
    drift_ppm=st.floats(-200, 200),
    offset_s=st.floats(-1e6, 1e6),
)
@settings(deadline=None)
def test_a_match_is_never_wrong(
    intervals: list[float], missing: set[int], drift_ppm: float, offset_s: float
) -> None:
    """With edges that are lost, but none that are false, what is matched is right or nothing is."""
    onsets_s = 5.0 + np.cumsum(intervals)
    edges_s = edges_of(onsets_s, offset_s=offset_s, drift_ppm=drift_ppm)
    kept = np.array([index for index in range(onsets_s.size) if index not in missing], dtype=int)
    alignment = Aligner().align(shown_at(onsets_s), edges_s[kept])
    matched = np.isfinite(alignment.onsets_s)
    assert np.array_equal(alignment.onsets_s[matched], edges_s[matched])
    assert not matched[[index for index in missing if index < onsets_s.size]].any()
