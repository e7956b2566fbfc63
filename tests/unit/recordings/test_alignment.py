"""Edges to presentations: right, or not at all."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signseg_rig.recordings import Aligner, Alignment, LineEvents
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


def aligned(
    onsets_s: FloatArray, edges_s: FloatArray, aligner: Aligner | None = None, **lines: FloatArray
) -> Alignment:
    return (aligner or Aligner()).align(shown_at(onsets_s), LineEvents(edges_s, **lines))


def test_all_edges_are_there() -> None:
    onsets_s = regular(50)
    edges_s = edges_of(onsets_s)
    alignment = aligned(onsets_s, edges_s)
    assert np.array_equal(alignment.onsets_s, edges_s)
    assert set(alignment.reasons) == {None}


@pytest.mark.parametrize("missing", [[7], [3, 4], [10, 20, 30]])
def test_missing_edge_in_the_middle_is_found(missing: list[int]) -> None:
    onsets_s = regular(40)
    edges_s = edges_of(onsets_s)
    alignment = aligned(onsets_s, np.delete(edges_s, missing))
    expected = edges_s.copy()
    expected[missing] = np.nan
    assert np.array_equal(alignment.onsets_s, expected, equal_nan=True)
    assert [alignment.reasons[index] for index in missing] == [InvalidReason.NO_SYNC_EDGE] * len(
        missing
    )


@pytest.mark.parametrize("missing", [0, -1])
def test_missing_end_of_a_regular_train_is_ambiguous(missing: int) -> None:
    onsets_s = regular(20)
    alignment = aligned(onsets_s, np.delete(edges_of(onsets_s), missing))
    assert set(alignment.reasons) == {InvalidReason.AMBIGUOUS_ALIGNMENT}
    assert np.isnan(alignment.onsets_s).all()


@pytest.mark.parametrize("missing", [0, -1])
def test_an_earlier_block_resolves_the_ambiguity(missing: int) -> None:
    aligner = Aligner()
    first, second = regular(20), regular(20, start_s=16.0)
    aligned(first, edges_of(first), aligner)
    edges_s = edges_of(second)
    alignment = aligned(second, np.delete(edges_s, missing), aligner)
    edges_s[missing] = np.nan
    assert np.array_equal(alignment.onsets_s, edges_s, equal_nan=True)


def test_edges_on_either_side_of_a_lone_onset_are_ambiguous() -> None:
    aligner = Aligner()
    aligned(regular(20), edges_of(regular(20), drift_ppm=0, jitter_s=0), aligner)
    # After 80 s the clocks may have drifted by 16 ms either way.
    alignment = aligned(np.array([94.0]), 1094.0 + np.array([-0.013, 0.013]), aligner)
    assert alignment.reasons == (InvalidReason.AMBIGUOUS_ALIGNMENT,)
    assert np.isnan(alignment.onsets_s).all()


def test_irregular_train_needs_no_help() -> None:
    onsets_s = 10 + np.cumsum(np.random.default_rng(1).uniform(0.15, 0.4, 20))
    edges_s = edges_of(onsets_s)
    alignment = aligned(onsets_s, edges_s[1:])
    assert np.isnan(alignment.onsets_s[0])
    assert np.array_equal(alignment.onsets_s[1:], edges_s[1:])


def test_spurious_edges_are_left_alone() -> None:
    onsets_s = regular(30)
    edges_s = edges_of(onsets_s)
    noisy = np.sort(np.append(edges_s, [edges_s[4] + 0.07, edges_s[20] + 0.11]))
    alignment = aligned(onsets_s, noisy)
    assert np.array_equal(alignment.onsets_s, edges_s)


def test_no_edges_at_all() -> None:
    alignment = aligned(regular(3), np.empty(0))
    assert set(alignment.reasons) == {InvalidReason.NO_SYNC_EDGE}


def test_mostly_missing_edges_are_not_trusted() -> None:
    onsets_s = regular(30)
    alignment = aligned(onsets_s, edges_of(onsets_s)[[3, 17]])
    assert None not in alignment.reasons


def test_display_that_was_started_anew_has_another_clock() -> None:
    first, second = regular(15, start_s=100.0), regular(12, start_s=2.0)
    edges_s = np.concatenate([edges_of(first), edges_of(second, offset_s=1200.0)])
    alignment = aligned(np.concatenate([first, second]), edges_s)
    matched = np.isfinite(alignment.onsets_s)
    assert np.array_equal(alignment.onsets_s[matched], edges_s[matched])
    assert matched.sum() >= 12


def test_nothing_shown() -> None:
    assert aligned(np.empty(0), np.arange(3.0)).onsets_s.size == 0


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
    alignment = aligned(onsets_s, edges_s[kept])
    matched = np.isfinite(alignment.onsets_s)
    assert np.array_equal(alignment.onsets_s[matched], edges_s[matched])
    assert not matched[[index for index in missing if index < onsets_s.size]].any()


class Line:
    """A sync line with known faults, on a clock that is 1,000 s ahead and drifts."""

    def __init__(self, seed: int = 0, *, drift_ppm: float = 50.0, jitter_s: float = 0.0002) -> None:
        self.rng = np.random.default_rng(seed)
        self._drift = drift_ppm * 1e-6
        self._jitter_s = jitter_s

    def true_s(self, display_s: FloatArray) -> FloatArray:
        times_s: FloatArray = display_s * (1 + self._drift) + 1000.0
        return times_s

    def edges_s(self, display_s: FloatArray, *, missing: float = 0.0) -> FloatArray:
        jittered_s = self.true_s(display_s) + self.rng.normal(0, self._jitter_s, display_s.size)
        return jittered_s[self.rng.random(display_s.size) >= missing]

    def with_extra(self, edges_s: FloatArray, onsets_s: FloatArray, rate_hz: float) -> FloatArray:
        start_s, end_s = self.true_s(onsets_s[[0, -1]]) + np.array([-0.5, 0.5])
        n = self.rng.poisson(rate_hz * (end_s - start_s))
        return np.sort(np.concatenate([edges_s, self.rng.uniform(start_s, end_s, n)]))


@pytest.mark.parametrize("n", [40, 500, 2000])
def test_noisy_line_gives_no_wrong_onset(n: int) -> None:
    """Ten thousand presentations, of whose edges 5 % are missing, among ten a second of others."""
    line, aligner = Line(seed=n), Aligner()
    n_valid, start_s = 0, 10.0
    for _ in range(10_000 // n):
        onsets_s = regular(n, start_s=start_s)
        start_s = onsets_s[-1] + 1.2
        true_s = line.true_s(onsets_s)
        edges_s = line.with_extra(line.edges_s(onsets_s, missing=0.05), onsets_s, 10.0)
        alignment = aligned(onsets_s, edges_s, aligner, begun_s=true_s[0] - 0.1)
        is_valid = np.array([reason is None for reason in alignment.reasons])
        n_valid += int(is_valid.sum())
        # An edge beside the missing one may stand in for it, within the line's own precision.
        assert np.abs(alignment.onsets_s - true_s)[is_valid].max(initial=0.0) < 0.002
    assert n_valid >= 9000
    assert aligner.known is not None
    assert aligner.known.drift == pytest.approx(50e-6, abs=20e-6)


def test_pause_of_half_an_hour_is_bridged_by_the_drift() -> None:
    line, aligner = Line(drift_ppm=20.0), Aligner()
    for start_s in (10.0, 20.0):
        aligned(regular(40, start_s=start_s), line.edges_s(regular(40, start_s=start_s)), aligner)
    onsets_s = regular(40, start_s=30.0 + 1800.0)
    # Without its first edge the pass alone could not tell.
    edges_s = line.edges_s(onsets_s)[1:]
    assert aligned(onsets_s, edges_s).line is None
    alignment = aligned(onsets_s, edges_s, aligner)
    assert np.isnan(alignment.onsets_s[0])
    assert np.array_equal(alignment.onsets_s[1:], edges_s)


@pytest.mark.parametrize("rate_hz", [60.0, 120.0])
@pytest.mark.parametrize("is_first_missing", [False, True])
def test_flickering_line_gives_one_edge_an_image_and_says_so(
    rate_hz: float, is_first_missing: bool
) -> None:
    line = Line()
    onsets_s = regular(30)
    pulses_s = np.arange(0, 0.1 - 1e-9, 1 / rate_hz)
    edges_s = np.sort(line.edges_s((onsets_s[:, None] + pulses_s).ravel()))
    if is_first_missing:
        edges_s = edges_s[1:]
    aligner = Aligner()
    alignment = aligned(onsets_s, edges_s, aligner)
    off_s = alignment.onsets_s - line.true_s(onsets_s)
    assert f"flickers at {rate_hz:.0f} Hz" in alignment.remark
    if is_first_missing:
        assert np.isnan(off_s).all()
        assert "cannot be told apart" in alignment.remark
    else:
        assert np.abs(off_s).max() < 0.002


@pytest.mark.parametrize("off_s", [0.1, 0.15])
@pytest.mark.parametrize("is_first_missing", [False, True])
def test_line_that_answers_to_any_change_is_aligned_or_said_to_be_so(
    off_s: float, is_first_missing: bool
) -> None:
    line = Line()
    onsets_s = regular(30, every_s=0.1 + off_s)
    edges_s = np.sort(line.edges_s(np.concatenate([onsets_s, onsets_s + 0.1])))
    if is_first_missing:
        edges_s = edges_s[1:]
    alignment = aligned(onsets_s, edges_s)
    is_valid = np.isfinite(alignment.onsets_s)
    assert np.abs(alignment.onsets_s - line.true_s(onsets_s))[is_valid].max(initial=0) < 0.002
    if off_s == 0.1 and is_first_missing:  # nothing tells an image from the background after it
        assert not is_valid.any()
        assert "both when an image comes and when it goes" in alignment.remark
    else:
        assert is_valid.sum() == 30 - is_first_missing


def test_falling_edges_tell_a_train_without_its_first_edge() -> None:
    line = Line()
    onsets_s = regular(20)
    edges_s, falls_s = line.edges_s(onsets_s)[1:], line.edges_s(onsets_s + 0.1)
    alignment = aligned(onsets_s, edges_s, falls_s=falls_s)
    assert np.array_equal(alignment.onsets_s[1:], edges_s)


def test_codes_tell_a_train_without_its_first_edge() -> None:
    line = Line()
    onsets_s = regular(20)
    shown = [replace(item, code=1 + i) for i, item in enumerate(shown_at(onsets_s))]
    # The screen is 12 ms later than the cable.
    edges_s = line.edges_s(onsets_s + 0.012)[1:]
    words_s, words = line.edges_s(onsets_s)[2:], np.arange(3, 21)
    alignment = Aligner().align(shown, LineEvents(edges_s, codes_s=words_s, codes=words))
    assert np.isnan(alignment.onsets_s[0])
    assert np.array_equal(alignment.onsets_s[1:], edges_s)


def test_onset_before_the_pass_began_is_impossible() -> None:
    """An edge happens to lie one interval before the first one, and the last one is missing."""
    line = Line()
    onsets_s = regular(20)
    edges_s = line.edges_s(onsets_s)[:-1]
    spurious = np.concatenate([[edges_s[0] - 0.2], edges_s])
    begun_s = float(line.true_s(onsets_s[:1])[0]) - 0.03
    # It seems that all edges are there, and are of other images.
    assert aligned(onsets_s, spurious).onsets_s[0] == spurious[0]
    alignment = aligned(onsets_s, spurious, begun_s=begun_s)
    assert np.isnan(alignment.onsets_s[-1]) or np.isnan(alignment.onsets_s).all()
    assert not np.isin(spurious[0], alignment.onsets_s)


def test_pass_that_contradicts_those_before_is_not_believed() -> None:
    """The first pass lacks its last edge and has a spurious one that fits: it is an image off."""
    line, aligner = Line(), Aligner()
    first = regular(20)
    edges_s = line.edges_s(first)[:-1]
    misled = aligned(first, np.concatenate([[edges_s[0] - 0.2], edges_s]), aligner)
    assert misled.onsets_s[0] == pytest.approx(edges_s[0] - 0.2)
    later = [regular(20, start_s=20.0 + 10 * number) for number in range(4)]
    found = [aligned(onsets_s, line.edges_s(onsets_s), aligner) for onsets_s in later]
    # From the next pass on, which has all its edges, nothing is taken for what it is not.
    for onsets_s, alignment in zip(later, found, strict=True):
        off_s = np.abs(alignment.onsets_s - line.true_s(onsets_s))
        assert np.nanmax(off_s, initial=0) < 0.002
    assert "not, by an image or more" in " ".join(one.remark for one in found)
    assert np.isfinite(found[-1].onsets_s).all()


def test_restarted_device_has_an_offset_of_its_own() -> None:
    line, aligner = Line(), Aligner()
    first, second = regular(20), regular(20, start_s=20.0)
    aligned(first, line.edges_s(first), aligner)
    edges_s = line.edges_s(second) + 4000.0
    events = LineEvents(edges_s, starts_s=(-np.inf, 4000.0), epochs=(0, 1))
    alignment = aligner.align(shown_at(second), events)
    assert np.array_equal(alignment.onsets_s, edges_s)
    assert aligner.known is not None
    assert aligner.known.epoch == 1


def test_missing_and_extra_edges_are_counted() -> None:
    line = Line()
    onsets_s = regular(30)
    edges_s = np.sort(np.append(line.edges_s(onsets_s)[np.arange(30) != 7], [1011.07, 1012.11]))
    alignment = aligned(onsets_s, edges_s)
    assert (alignment.n_missing, alignment.n_extra) == (1, 2)
    assert alignment.residual_s == pytest.approx(0.0002, rel=0.5)


@pytest.mark.parametrize(
    ("edges_s", "said"),
    [
        (1000 + np.array([10.6, 13.4]), "More than a quarter is missing"),
        (
            1010 + np.sort(np.random.default_rng(3).uniform(0, 6, 300)),
            "several edges an image",
        ),
        (1000 + regular(29, start_s=10.2), "one place on where the first or last edge is missing"),
    ],
)
def test_what_is_on_a_line_that_cannot_be_matched_is_said(edges_s: FloatArray, said: str) -> None:
    alignment = aligned(regular(30), edges_s)
    assert set(alignment.reasons) == {InvalidReason.AMBIGUOUS_ALIGNMENT}
    assert said in alignment.remark
    assert f"{edges_s.size} edges for 30 images" in alignment.remark


def test_many_edges_take_little_memory() -> None:
    line = Line()
    onsets_s = regular(400)
    edges_s = line.with_extra(line.edges_s(onsets_s), onsets_s, 500.0)
    tracemalloc.start()
    try:
        alignment = aligned(onsets_s, edges_s, begun_s=float(line.true_s(onsets_s[:1])[0]) - 0.1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200 * 2**20
    is_valid = np.isfinite(alignment.onsets_s)
    assert np.abs(alignment.onsets_s - line.true_s(onsets_s))[is_valid].max(initial=0) < 0.002
