"""A recording system that is silent is an error; neurons that are silent are not."""

import numpy as np
import pytest

from signseg_rig.errors import ResponseError
from signseg_rig.recordings import SilenceCheck
from signseg_rig.values import InvalidReason, Recording, ResponseBatch, SyncEvents

TIMEOUT_S = 10.0


def recording(*, until_s: float = 5.0, n_edges: int = 12) -> Recording:
    edges = SyncEvents.of_edges(np.arange(n_edges, dtype=float))
    return Recording((np.empty(0),), edges, 0.0, until_s, sample_rate_hz=1000.0)


def responses(*reasons: InvalidReason | None) -> ResponseBatch:
    n = len(reasons)
    return ResponseBatch(
        presentation_ids=tuple(map(str, range(n))),
        stimulus_index=np.arange(n),
        evoked_hz=np.zeros((n, 1)),
        baseline_hz=np.zeros((n, 1)),
        reasons=reasons,
        unit_names=("unit",),
    )


def check(guard: SilenceCheck, made: Recording, *reasons: InvalidReason | None) -> None:
    guard.check(made, responses(*reasons), timeout_s=TIMEOUT_S)


def test_neurons_that_do_not_fire_are_no_fault() -> None:
    guard = SilenceCheck()
    check(guard, recording(until_s=5.0), None, None)
    check(guard, recording(until_s=6.0), None, None)


def test_clock_that_stands_still_is_a_fault_whatever_was_measured() -> None:
    guard = SilenceCheck()
    check(guard, recording(until_s=5.0), None)
    with pytest.raises(ResponseError, match=r"stands still at 5\.000 s, and 10 s after 2"):
        check(guard, recording(until_s=5.0), None, None)


def test_clock_that_was_set_back_is_no_fault() -> None:
    guard = SilenceCheck()
    check(guard, recording(until_s=5000.0), None)
    check(guard, recording(until_s=1.0), None)


def test_recording_that_ends_before_every_window_is_a_fault() -> None:
    reasons = (InvalidReason.FIXATION_BROKEN, InvalidReason.WINDOW_INCOMPLETE)
    with pytest.raises(ResponseError, match="response_timeout_s"):
        check(SilenceCheck(), recording(), *reasons)


def test_recording_that_ends_within_a_pass_is_for_the_rules_of_invalid_trials() -> None:
    check(SilenceCheck(), recording(), None, InvalidReason.WINDOW_INCOMPLETE)


def test_many_presentations_without_any_edge_are_a_fault() -> None:
    no_edges = recording(n_edges=0)
    with pytest.raises(ResponseError, match="no edge during 10 presentations"):
        check(SilenceCheck(), no_edges, *[InvalidReason.NO_SYNC_EDGE] * 10)
    # A few may lose theirs by chance, and many be ambiguous.
    check(SilenceCheck(), no_edges, *[InvalidReason.NO_SYNC_EDGE] * 9)
    check(SilenceCheck(), recording(), *[InvalidReason.AMBIGUOUS_ALIGNMENT] * 10)
