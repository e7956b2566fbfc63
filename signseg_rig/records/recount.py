"""Count recorded spikes again, in other windows or in bins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from signseg_rig.errors import RecordError
from signseg_rig.experiment import WindowSettings
from signseg_rig.recordings import counted_again
from signseg_rig.recordings.counts import count_in
from signseg_rig.values import FloatArray, IntArray, PassPlan, Recording, ResponseBatch


@dataclass(frozen=True, slots=True, eq=False)
class RecordedStretch:
    """What was recorded of some presentations of a pass that were shown without a pause.

    Parameters
    ----------
    recording : Recording
    responses : ResponseBatch
        That were counted in it.
    alignment : mapping of str to number or str
        How many edges were missing or belonged to no image, and how precise the others were.
    """

    recording: Recording
    responses: ResponseBatch
    alignment: dict[str, float | int | str]


@dataclass(frozen=True, slots=True, eq=False)
class Psth:
    """Peri-stimulus time histograms: mean rates in bins around the onset.

    Parameters
    ----------
    edges_s : (n_bins + 1,) float array, in seconds
        Borders of the bins, from the onset.
    rates_hz : (n_groups, n_units, n_bins) float array, in spikes per second
        NaN where a group has no presentation.
    errors_hz : (n_groups, n_units, n_bins) float array, in spikes per second
        Standard errors over presentations; NaN for fewer than two.
    groups : tuple of str
        Roles of the stimuli.
    n_presentations : (n_groups,) int array
    unit_names : tuple of str
    """

    edges_s: FloatArray
    rates_hz: FloatArray
    errors_hz: FloatArray
    groups: tuple[str, ...]
    n_presentations: IntArray
    unit_names: tuple[str, ...]


class PsthSums:
    """Adds up histograms stretch by stretch, so that a whole run needs no more room than one.

    Parameters
    ----------
    edges_s : (n_bins + 1,) float array, in seconds
        Increasing.
    """

    def __init__(self, edges_s: FloatArray) -> None:
        if edges_s.ndim != 1 or edges_s.size < 2 or not (np.diff(edges_s) > 0).all():
            raise ValueError(
                f"A histogram needs two or more increasing borders of bins; got {edges_s!r}."
            )
        self._edges_s = edges_s
        self._sums: dict[str, tuple[FloatArray, FloatArray, int]] = {}
        self._unit_names: tuple[str, ...] = ()

    def add(self, plan: PassPlan, stretch: RecordedStretch) -> None:
        """Count the valid presentations of a stretch whose whole histogram was recorded."""
        span_s = (float(self._edges_s[0]), float(self._edges_s[-1]))
        windows = WindowSettings.model_construct(evoked_s=span_s, baseline_s=span_s)
        responses = counted_again(stretch.recording, windows, stretch.responses)
        self._unit_names = responses.unit_names
        rows = np.flatnonzero(responses.is_valid)
        roles = np.array([plan.stimuli[index].role for index in responses.stimulus_index[rows]])
        onsets_s = responses.onset_s[rows]
        counts = np.stack(
            [
                count_in(stretch.recording, onsets_s, (low_s, high_s))
                for low_s, high_s in pairwise(self._edges_s.tolist())
            ],
            axis=-1,
        ).astype(np.float64)
        for role in dict.fromkeys(roles.tolist()):
            own = counts[roles == role]
            nothing = np.zeros(own.shape[1:])
            total, squares, n = self._sums.get(role, (nothing, nothing, 0))
            self._sums[role] = (total + own.sum(0), squares + (own**2).sum(0), n + len(own))

    def result(self) -> Psth:
        """Return what was added up."""
        widths_s = np.diff(self._edges_s)
        rates, errors, numbers = [], [], []
        for total, squares, n in self._sums.values():
            mean = total / n
            variance = (
                np.maximum(squares / n - mean**2, 0) * n / (n - 1) if n > 1 else mean * np.nan
            )
            rates.append(mean / widths_s)
            errors.append(np.sqrt(variance / n) / widths_s)
            numbers.append(n)
        shape = (0, len(self._unit_names), widths_s.size)
        return Psth(
            self._edges_s,
            np.stack(rates) if rates else np.empty(shape),
            np.stack(errors) if errors else np.empty(shape),
            tuple(self._sums),
            np.array(numbers, dtype=np.int64),
            self._unit_names,
        )


def recounted(
    plan: PassPlan, stretches: Sequence[RecordedStretch], windows: WindowSettings
) -> ResponseBatch:
    """Return the responses to a pass in other windows, in the planned order.

    Raises
    ------
    RecordError
        The record holds no recording of it.
    """
    if not stretches:
        raise RecordError(
            f"The record holds no recording of block {plan.block}, attempt {plan.attempt}: it has "
            "no answers yet, or is of a version that kept rates only. It can be counted in the "
            "windows of its experiment only."
        )
    counted = [counted_again(one.recording, windows, one.responses) for one in stretches]
    joined = ResponseBatch.joined(counted)
    row = {name: index for index, name in enumerate(joined.presentation_ids)}
    return joined.rows(np.array([row[item.id] for item in plan.presentations if item.id in row]))
