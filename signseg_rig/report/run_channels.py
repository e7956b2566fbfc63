"""The rates of each channel over a run: baseline, references, and each thread's images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from signseg_rig.records import PassRecord
from signseg_rig.values import BoolArray, FloatArray, ResponseBatch


@dataclass(frozen=True, slots=True, eq=False)
class ChannelRates:
    """Mean rates of each channel.

    Parameters
    ----------
    unit_names : tuple of str
    headings : tuple of str
    rates_hz : (n_units, n_headings) float array, in spikes per second
        NaN where nothing valid was shown.
    """

    unit_names: tuple[str, ...]
    headings: tuple[str, ...]
    rates_hz: FloatArray


class _Sums:
    """Sums of rates, by what was shown and in which block."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, int], tuple[FloatArray, int]] = {}

    def add(self, label: str, block: int, rates_hz: FloatArray) -> None:
        if rates_hz.size:
            total, n = self._sums.get((label, block), (np.zeros(rates_hz.shape[1]), 0))
            self._sums[label, block] = total + rates_hz.sum(axis=0), n + len(rates_hz)

    def mean(self, label: str, blocks: range, n_units: int) -> FloatArray:
        own = [
            one for (name, block), one in self._sums.items() if name == label and block in blocks
        ]
        n = sum(count for _total, count in own)
        total = np.sum([total for total, _count in own], axis=0) if n else np.zeros(n_units)
        return np.asarray(total / n if n else np.full(n_units, np.nan))


def channel_rates(passes: Iterable[PassRecord]) -> ChannelRates | None:
    """Average the rates of each channel, valid presentations alone.

    Returns
    -------
    rates : ChannelRates or None
        Evoked rates, the baseline in the first column not taken off. Evolved images are split into
        those of the first and of the last third of the blocks. None where there are no responses.
    """
    sums, labels = _Sums(), dict[str, None]()
    names: tuple[str, ...] = ()
    last = -1
    for one in passes:
        roles: list[str] = [stimulus.role for stimulus in one.plan.stimuli]
        threads = [stimulus.thread for stimulus in one.plan.stimuli]
        for responses in one.parts if one.responses is None else (one.responses,):
            names, last = responses.unit_names, max(last, one.plan.block)
            labels |= _add(sums, responses, one.plan.block, roles, threads)
    if not names:
        return None
    n_third = max((last + 1) // 3, 1)
    whole, first, late = range(last + 1), range(n_third), range(last + 1 - n_third, last + 1)
    columns = {
        "baseline": sums.mean("baseline", whole, len(names)),
        "references": sums.mean("references", whole, len(names)),
    }
    for thread in labels:
        columns[f"{thread}, first third"] = sums.mean(f"evolved {thread}", first, len(names))
        columns[f"{thread}, last third"] = sums.mean(f"evolved {thread}", late, len(names))
    return ChannelRates(names, tuple(columns), np.stack(list(columns.values()), axis=1))


def _add(
    sums: _Sums, responses: ResponseBatch, block: int, roles: list[str], threads: list[str]
) -> dict[str, None]:
    """Add a batch of responses; return the threads whose images are in it."""
    is_valid, shown = responses.is_valid, responses.stimulus_index
    sums.add("baseline", block, responses.baseline_hz[is_valid])
    is_reference = np.array([role == "reference" for role in roles], dtype=bool)[shown]
    sums.add("references", block, responses.evoked_hz[is_valid & is_reference])
    evolved = dict.fromkeys(
        thread for thread, role in zip(threads, roles, strict=True) if role == "evolved"
    )
    of_thread = np.array(threads)[shown]
    for thread in evolved:
        is_own: BoolArray = is_valid & ~is_reference & (of_thread == thread)
        sums.add(f"evolved {thread}", block, responses.evoked_hz[is_own])
    return evolved
