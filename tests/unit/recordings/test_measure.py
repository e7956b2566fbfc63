"""Every presentation gets its rates, or the reason why not; silence is never 0 Hz by itself."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from signseg_rig.experiment import WindowSettings
from signseg_rig.recordings import Aligner, Orders, measure
from signseg_rig.values import InvalidReason, Presentation, Recording, ResponseBatch, Shown

KEY, OTHER_KEY = "a" * 64, "b" * 64
OFFSET_S = 500.0


def shown(n: int = 6) -> list[Shown]:
    return [Shown(f"p{i}", KEY, 10 + 0.3 * i, 10.1 + 0.3 * i, 6, 0) for i in range(n)]


def planned(n: int = 6) -> list[Presentation]:
    order = np.random.default_rng(0).permutation(n)
    return [Presentation(f"p{i}", int(i), KEY) for i in order]


def recording(reports: list[Shown], **changes: Any) -> Recording:
    edges_s = np.array([item.onset_s for item in reports]) + OFFSET_S
    # Presentation i evokes i + 1 spikes, and has one in its baseline.
    spikes = [
        edge_s + at
        for index, edge_s in enumerate(edges_s)
        for at in [0.01, *(0.06 + 0.01 * np.arange(index + 1))]
    ]
    whole = Recording(edges_s, (np.sort(np.array(spikes)), np.empty(0)), edges_s[-1] + 1.0)
    return replace(whole, **changes)


def rates(reports: list[Shown], record: Recording, *, reject: bool = True) -> ResponseBatch:
    return measure(
        record,
        reports,
        planned(),
        WindowSettings(),
        unit_names=("u", "silent"),
        orders=Orders(on_frames=6, off_frames=6, refresh_rate_hz=60.0),
        reject_dropped_frames=reject,
        aligner=Aligner(),
    )


def test_rates_are_counts_by_window_in_the_planned_order() -> None:
    reports = shown()
    batch = rates(reports, recording(reports))
    index = batch.stimulus_index
    assert np.allclose(batch.evoked_hz[:, 0], (index + 1) / 0.15)
    assert np.allclose(batch.baseline_hz[:, 0], 1 / 0.045)
    assert np.array_equal(batch.evoked_hz[:, 1], np.zeros(6))
    assert batch.is_valid.all()


def only_invalid(batch: ResponseBatch) -> dict[str, InvalidReason]:
    for identity, reason, row in zip(
        batch.presentation_ids, batch.reasons, batch.evoked_hz, strict=True
    ):
        assert np.isnan(row).all() == (reason is not None), identity
    return {
        identity: reason
        for identity, reason in zip(batch.presentation_ids, batch.reasons, strict=True)
        if reason is not None
    }


def test_what_was_not_shown_is_invalid() -> None:
    reports = shown()
    batch = rates(reports[:2] + reports[3:], recording(reports[:2] + reports[3:]))
    assert only_invalid(batch) == {"p2": InvalidReason.NOT_SHOWN}


def test_other_pixels_than_planned_are_not_the_stimulus() -> None:
    reports = shown()
    reports[1] = replace(reports[1], pixels_sha256=OTHER_KEY)
    assert only_invalid(rates(reports, recording(reports))) == {"p1": InvalidReason.NOT_SHOWN}


@pytest.mark.parametrize("reject", [True, False])
def test_dropped_frames_are_invalid_where_that_is_wanted(reject: bool) -> None:
    reports = shown()
    reports[4] = replace(reports[4], n_dropped_frames=2)
    expected = {"p4": InvalidReason.DROPPED_FRAME} if reject else {}
    assert only_invalid(rates(reports, recording(reports), reject=reject)) == expected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"n_frames": 0}, InvalidReason.SHOWN_TOO_SHORT),
        ({"n_frames": 5}, InvalidReason.SHOWN_TOO_SHORT),
        ({"n_frames": 7}, InvalidReason.SHOWN_TOO_LONG),
        # Six flips that did not wait for the vertical blank.
        ({"frames_long": 0.0}, InvalidReason.SHOWN_TOO_SHORT),
        ({"frames_long": 5.0}, InvalidReason.SHOWN_TOO_SHORT),
        # By the clock instead of the vertical blank, or on a screen that is 2 % off.
        ({"frames_long": 5.4}, None),
        ({"frames_long": 5.9}, None),
        ({"frames_long": 6.1}, None),
    ],
)
def test_other_duration_than_ordered_is_invalid(
    changes: dict[str, float], reason: InvalidReason | None
) -> None:
    reports = shown()
    if (frames_long := changes.pop("frames_long", None)) is not None:
        changes = {"offset_s": reports[3].onset_s + frames_long / 60}
    reports[3] = replace(reports[3], **changes)
    expected = {} if reason is None else {"p3": reason}
    assert only_invalid(rates(reports, recording(reports), reject=False)) == expected


def test_window_that_the_clock_has_not_passed_is_incomplete() -> None:
    reports = shown()
    until_s = reports[-1].onset_s + OFFSET_S + 0.1
    batch = rates(reports, recording(reports, complete_until_s=until_s))
    assert only_invalid(batch) == {"p5": InvalidReason.WINDOW_INCOMPLETE}


def test_gap_spoils_the_windows_that_it_touches() -> None:
    reports = shown()
    gap_s = (reports[2].onset_s + OFFSET_S + 0.19, reports[3].onset_s + OFFSET_S + 0.01)
    batch = rates(reports, recording(reports, gaps_s=(gap_s,)))
    assert only_invalid(batch) == {
        "p2": InvalidReason.STREAM_GAP,
        "p3": InvalidReason.STREAM_GAP,
    }


def test_silent_stream_is_no_response_of_zero() -> None:
    reports = shown()
    silent = Recording(np.empty(0), (np.empty(0), np.empty(0)), complete_until_s=-np.inf)
    assert set(only_invalid(rates(reports, silent)).values()) == {InvalidReason.NO_SYNC_EDGE}


def test_recording_system_knows_best() -> None:
    reports = shown()
    record = recording(reports, invalid={"p0": InvalidReason.FIXATION_BROKEN})
    assert only_invalid(rates(reports, record)) == {"p0": InvalidReason.FIXATION_BROKEN}
