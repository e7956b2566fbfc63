"""From spikes and onsets to the responses of a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from signseg_rig.datasets.dataset import RecordedData
from signseg_rig.datasets.image_sets import ImageSet
from signseg_rig.datasets.passes import passes, showings
from signseg_rig.datasets.problems import DataProblem, listed
from signseg_rig.datasets.segments import (
    TOLERANCE_S,
    SpikeSegment,
    UnitSpikes,
    joined_segment,
    unit_ids_of,
)
from signseg_rig.datasets.tables import Presentations
from signseg_rig.errors import DataSetError
from signseg_rig.recordings.counts import count_spikes
from signseg_rig.values import BoolArray, FloatArray, IntArray

RESPONSE_WINDOW_S = (0.050, 0.200)
BASELINE_WINDOW_S = (0.0, 0.045)

Window = tuple[float, float]


def data_from_spikes(
    segments: Sequence[SpikeSegment],
    presentations: Presentations,
    images: ImageSet,
    *,
    response_window_s: Window = RESPONSE_WINDOW_S,
    baseline_window_s: Window = BASELINE_WINDOW_S,
    session: Mapping[str, str],
    problems: Sequence[DataProblem] = (),
) -> RecordedData:
    """Count the spikes of every presentation and arrange them by image.

    Parameters
    ----------
    segments : sequence of mappings of unit id to UnitSpikes
    presentations : Presentations
    images : ImageSet
        May hold images that were not shown; they are left out.
    response_window_s, baseline_window_s : (start, end), in seconds from the onset
        Half-open. A trial has no rate where the window leaves what was recorded.
    session : mapping of str to str
    problems : sequence of DataProblem
        What was noticed so far.

    Returns
    -------
    data : RecordedData
        Images are in the order of the image set. Repeats are the passes through the images, where
        a presentation that was lost leaves a trial without a rate; where images were not shown
        pass by pass, which is a warning, they are in the order of their onsets. Two presentations
        that begin at the same time are an error among its problems.

    Raises
    ------
    DataSetError
        A window ends before it starts; or segments overlap in time, or are named that do not exist.
    """
    for name, window_s in (("response", response_window_s), ("baseline", baseline_window_s)):
        _check_window(name, window_s)
    if presentations.segments is None:
        segments = [joined_segment(segments)]
    presentations = _in_order_of_time(presentations)
    units = unit_ids_of(segments)
    evoked = _rates(segments, units, presentations, response_window_s)
    baseline = _rates(segments, units, presentations, baseline_window_s)
    is_counted = np.asarray(np.isfinite(evoked).any(axis=0))
    image_ids, column = _columns(presentations, is_counted, images)
    in_pass = passes(column)
    repeat = showings(column) if in_pass is None else in_pass
    shape = (len(units), len(image_ids), int(repeat.max(initial=-1)) + 1)
    trials, trial_baselines = np.full(shape, np.nan), np.full(shape, np.nan)
    trials[:, column, repeat] = evoked[:, is_counted]
    trial_baselines[:, column, repeat] = baseline[:, is_counted]
    return RecordedData(
        rates_hz=trials,
        baseline_hz=trial_baselines,
        image_ids=image_ids,
        unit_ids=units,
        images=images.matched(image_ids),
        response_window_s=response_window_s,
        baseline_window_s=baseline_window_s,
        session=session,
        reader_problems=(
            *problems,
            *_simultaneous(presentations),
            *_incomplete(evoked, presentations.onsets_s, response_window_s),
            *_out_of_step(has_passes=in_pass is not None),
            *_without_baseline(baseline[:, is_counted], baseline_window_s),
            *_without_presentation(images, image_ids),
        ),
    )


def window_rates_hz(
    units: Sequence[UnitSpikes], onsets_s: FloatArray, window_s: Window
) -> FloatArray:
    """Return the rates in a window after every onset.

    Parameters
    ----------
    units : sequence of UnitSpikes
    onsets_s : (n_presentations,) float array, in seconds
    window_s : (start, end), in seconds from the onset, half-open

    Returns
    -------
    rates_hz : (n_units, n_presentations) float array
        NaN where the unit was not recorded during all of the window.
    """
    start_s, end_s = window_s
    counts = count_spikes([unit.times_s for unit in units], onsets_s, window_s)
    rates = counts.T / (end_s - start_s)
    for row, unit in zip(rates, units, strict=True):
        row[~unit.covers(onsets_s + start_s, onsets_s + end_s)] = np.nan
    return rates


def _check_window(name: str, window_s: Window) -> None:
    start_s, end_s = window_s
    if not (np.isfinite([start_s, end_s]).all() and start_s < end_s):
        raise DataSetError(
            f"The {name} window should end after it starts, in seconds from the onset; got "
            f"{start_s} to {end_s}."
        )


def _in_order_of_time(presentations: Presentations) -> Presentations:
    """Sort presentations, which also makes the search for their spikes twice as fast."""
    onsets_s, segments = presentations.onsets_s, presentations.segments
    if segments is None:
        segments = np.zeros(len(onsets_s), dtype=np.int64)
    order = np.lexsort((onsets_s, segments))
    image_ids = tuple(presentations.image_ids[index] for index in order)
    return Presentations(onsets_s[order], image_ids, segments[order])


def _rates(
    segments: Sequence[SpikeSegment],
    unit_ids: tuple[str, ...],
    presentations: Presentations,
    window_s: Window,
) -> FloatArray:
    rates = np.full((len(unit_ids), len(presentations.image_ids)), np.nan)
    assert presentations.segments is not None
    if len(presentations.segments) and presentations.segments.max() >= len(segments):
        raise DataSetError(
            f"The stimulus table names segment {presentations.segments.max()}; the recording has "
            f"{len(segments)}, counted from 0."
        )
    for number, segment in enumerate(segments):
        columns = np.flatnonzero(presentations.segments == number)
        rows = np.array([row for row, unit_id in enumerate(unit_ids) if unit_id in segment], int)
        units = [segment[unit_ids[row]] for row in rows]
        onsets_s = presentations.onsets_s[columns]
        rates[np.ix_(rows, columns)] = window_rates_hz(units, onsets_s, window_s)
    return rates


def _columns(
    presentations: Presentations, is_counted: BoolArray, images: ImageSet
) -> tuple[tuple[str, ...], IntArray]:
    """Find the images that were shown, and which of them each presentation that counts shows."""
    given = [presentations.image_ids[index] for index in np.flatnonzero(is_counted)]
    found = [images.find(image_id) for image_id in given]
    known = {index: images.ids[index] for index in sorted({i for i in found if i is not None})}
    names = [
        name if index is None else known[index] for name, index in zip(given, found, strict=True)
    ]
    image_ids = tuple(dict.fromkeys([*known.values(), *names]))
    place = {image_id: column for column, image_id in enumerate(image_ids)}
    return image_ids, np.array([place[name] for name in names], dtype=np.int64)


def _out_of_step(*, has_passes: bool) -> list[DataProblem]:
    if has_passes:
        return []
    return [
        DataProblem(
            "Images were not shown pass by pass: the first showings of all images, the second ones "
            "and so on are not together in time. They count as repeats that are the same for all "
            "images, but a rate that drifts over the session is not common to these: it lowers "
            "reliability and ceiling as noise does.",
            is_error=False,
        )
    ]


def _simultaneous(presentations: Presentations) -> list[DataProblem]:
    """Find onsets that stand there twice: the same spikes would count as another trial."""
    onsets_s, segments = presentations.onsets_s, presentations.segments
    assert segments is not None
    is_same = (np.diff(onsets_s) <= TOLERANCE_S) & (np.diff(segments) == 0)
    repeated = np.flatnonzero(is_same) + 1
    if not len(repeated):
        return []
    names = [presentations.image_ids[index] for index in repeated]
    of_segments = f" of the segments {listed(segments[repeated].tolist())}" * bool(segments.any())
    return [
        DataProblem(
            f"{len(repeated)} of {len(onsets_s)} presentations begin when another one does, at "
            f"{listed(onsets_s[repeated].tolist())} s{of_segments}, and show {listed(names)}; one "
            "image is shown at a time. Remove rows that stand there twice, or put the onsets right."
        )
    ]


def _incomplete(rates: FloatArray, onsets_s: FloatArray, window_s: Window) -> list[DataProblem]:
    is_missing = np.isnan(rates)
    outside = np.asarray(is_missing.all(axis=0))
    problems = []
    if outside.any():
        problems.append(
            DataProblem(
                f"Of {outside.sum()} of {len(outside)} presentations the window of {window_s[0]} "
                f"to {window_s[1]} s lies outside of what was recorded, with onsets at "
                f"{listed(onsets_s[outside].tolist())} s; they are left out.",
                is_error=bool(outside.all()),
            )
        )
    if n_partial := int(is_missing[:, ~outside].sum()):
        problems.append(
            DataProblem(
                f"{n_partial} windows lie where some units were recorded and others were not; "
                "these units have no trial there.",
                is_error=False,
            )
        )
    return problems


def _without_baseline(rates: FloatArray, window_s: Window) -> list[DataProblem]:
    n_missing = int(np.asarray(np.isnan(rates).any(axis=0)).sum())
    if not n_missing:
        return []
    return [
        DataProblem(
            f"Of {n_missing} presentations the baseline window of {window_s[0]} to {window_s[1]} s "
            "was not recorded in all units; the response was.",
            is_error=False,
        )
    ]


def _without_presentation(images: ImageSet, image_ids: tuple[str, ...]) -> list[DataProblem]:
    missing = sorted(set(images.ids) - set(image_ids))
    if not missing:
        return []
    return [
        DataProblem(
            f"{len(missing)} of {len(images)} images in {images.source} have no presentation that "
            f"counts: {listed(missing)}; they are left out.",
            is_error=False,
        )
    ]
