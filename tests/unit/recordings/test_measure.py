"""Every presentation gets its rates, or the reason why not; silence is never 0 Hz by itself."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from signseg_rig.experiment import SyncSettings, WindowSettings
from signseg_rig.recordings import Aligner, LineEvents, Orders, counted_again, measure
from signseg_rig.values import (
    BrokenOff,
    InvalidReason,
    Presentation,
    Recording,
    ResponseBatch,
    Shown,
    Stretch,
    SyncEvents,
)

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
    whole = Recording(
        spikes_s=(np.sort(np.array(spikes)), np.empty(0)),
        sync=SyncEvents.of_edges(edges_s),
        whole_from_s=0.0,
        complete_until_s=edges_s[-1] + 1.0,
        sample_rate_hz=1e6,
    )
    return replace(whole, **changes)


def rates(
    reports: list[Shown],
    record: Recording,
    *,
    reject: bool = True,
    broken_off: tuple[BrokenOff, ...] = (),
) -> ResponseBatch:
    return measure(
        record,
        Aligner().align(reports, LineEvents.of(record, SyncSettings())),
        reports,
        broken_off,
        planned(),
        windows=WindowSettings(),
        unit_names=("u", "silent"),
        orders=Orders(on_frames=6, off_frames=6, refresh_rate_hz=60.0),
        reject_dropped_frames=reject,
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
    batch = rates(reports, recording(reports, invalid=(Stretch(*gap_s),)))
    assert only_invalid(batch) == {
        "p2": InvalidReason.STREAM_GAP,
        "p3": InvalidReason.STREAM_GAP,
    }


def test_silent_stream_is_no_response_of_zero() -> None:
    reports = shown()
    silent = recording(
        reports,
        sync=SyncEvents.none(),
        spikes_s=(np.empty(0), np.empty(0)),
        complete_until_s=-np.inf,
    )
    assert set(only_invalid(rates(reports, silent)).values()) == {InvalidReason.NO_SYNC_EDGE}


def test_stretch_that_the_recording_system_knows_to_be_invalid_has_its_reason() -> None:
    reports = shown()
    start_s = reports[0].onset_s + OFFSET_S + 0.1
    stretch = Stretch(start_s, start_s + 0.01, InvalidReason.FIXATION_BROKEN)
    record = recording(reports, invalid=(stretch,))
    assert only_invalid(rates(reports, record)) == {"p0": InvalidReason.FIXATION_BROKEN}


def test_stream_that_was_joined_within_a_window_counts_too_few() -> None:
    reports = shown()
    record = recording(reports, whole_from_s=reports[1].onset_s + OFFSET_S + 0.1)
    assert only_invalid(rates(reports, record)) == {
        "p0": InvalidReason.STREAM_GAP,
        "p1": InvalidReason.STREAM_GAP,
    }


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("fixation broken", InvalidReason.FIXATION_BROKEN),
        ("lever released", InvalidReason.BROKEN_OFF),
    ],
)
def test_what_was_broken_off_is_invalid(said: str, reason: InvalidReason) -> None:
    reports = shown()
    left = reports[:3] + reports[4:]
    batch = rates(left, recording(left), broken_off=(BrokenOff("p3", said, 10.9, 10.95),))
    assert only_invalid(batch) == {"p3": reason}
    assert np.isnan(batch.onset_s[batch.presentation_ids.index("p3")])


def test_onsets_are_those_of_the_recording() -> None:
    reports = shown()
    batch = rates(reports, recording(reports))
    onsets_s = {item.presentation_id: item.onset_s + OFFSET_S for item in reports}
    assert batch.onset_s == pytest.approx([onsets_s[name] for name in batch.presentation_ids])


def test_other_windows_count_what_they_hold() -> None:
    reports = shown()
    record = recording(reports)
    batch = rates(reports, record)
    later = counted_again(record, WindowSettings(evoked_s=(0.075, 0.135)), batch)
    # Spikes at 60, 70, 80 ms and so on: in this window those from the third to the eighth.
    expected = np.clip(batch.stimulus_index - 1, 0, 6) / 0.06
    assert np.allclose(later.evoked_hz[:, 0], expected)
    assert np.array_equal(later.onset_s, batch.onset_s)
    again = counted_again(record, WindowSettings(), later)
    assert np.array_equal(again.evoked_hz, batch.evoked_hz)


def test_validity_follows_the_windows() -> None:
    reports = shown()
    reports[4] = replace(reports[4], n_dropped_frames=1)
    gap_s = (reports[2].onset_s + OFFSET_S + 0.25, reports[2].onset_s + OFFSET_S + 0.26)
    record = recording(reports, invalid=(Stretch(*gap_s),))
    batch = rates(reports, record)
    assert only_invalid(batch) == {"p4": InvalidReason.DROPPED_FRAME}
    wider = counted_again(record, WindowSettings(evoked_s=(0.05, 0.28)), batch)
    assert only_invalid(wider) == {
        "p2": InvalidReason.STREAM_GAP,
        "p4": InvalidReason.DROPPED_FRAME,
    }
    assert only_invalid(counted_again(record, WindowSettings(), wider)) == {
        "p4": InvalidReason.DROPPED_FRAME
    }


def test_borders_of_windows_are_whole_samples() -> None:
    """A spike just on the border is in one window and not in the other, wherever the onset lies."""
    for onset in (1, 7, 12_345, 123_456_789):
        at_s = onset / 30_000
        spikes_s = ((onset + np.array([1499, 1500, 1501])) / 30_000,)
        record = Recording(spikes_s, SyncEvents.none(), 0.0, at_s + 10, 30_000.0)
        batch = ResponseBatch(
            ("p",),
            np.array([0]),
            np.zeros((1, 1)),
            np.zeros((1, 1)),
            (None,),
            ("u",),
            onset_s=np.array([at_s]),
        )
        windows = WindowSettings(evoked_s=(0.05, 0.1), baseline_s=(0.0, 0.05))
        counted = counted_again(record, windows, batch)
        assert counted.evoked_hz[0, 0] == pytest.approx(2 / 0.05)
        assert counted.baseline_hz[0, 0] == pytest.approx(1 / 0.05)
