"""Tables of what was measured under each condition of a sweep, the intact one first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from signseg_rig.sweeps import N_REMOVED, Condition, Table, is_count

ACTIVATIONS = "activations"


@dataclass(frozen=True, slots=True)
class ValueTable:
    """The means of some measures under all conditions.

    Parameters
    ----------
    title : str
    columns : tuple of str
    rows : tuple of (Condition, tuple of float)
        Means over units of the means over repeats; NaN where nothing is known.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Condition, tuple[float, ...]], ...]


def value_tables(table: Table) -> list[ValueTable]:
    """Return a table for each group of measures that belong together.

    Activations are one group; of a metric, a value and its controls (``score`` and
    ``score.white_noise``) are one, and what is left another. Of values per network only their mean
    is shown, and of counts only that of the weights removed.
    """
    shown = list(_shown(table.measures))
    parents = {_parent(measure) for measure in shown}
    groups: dict[str, list[str]] = {}
    for measure in shown:
        stem = measure.removesuffix(".mean")
        groups.setdefault(stem if stem in parents else _parent(measure), []).append(measure)
    return [
        ValueTable(
            title=title,
            columns=tuple(_last_part(measure) for measure in measures),
            rows=tuple(
                (one, tuple(table.mean(measure, one) for measure in measures))
                for one in table.conditions
            ),
        )
        for title, measures in groups.items()
    ]


def _shown(measures: Sequence[str]) -> Iterator[str]:
    averaged = {one.removesuffix("mean") for one in measures if one.endswith(".mean")}
    for measure in measures:
        head, dot, last = measure.rpartition(".")
        is_of_one_network = last != "mean" and f"{head}{dot}" in averaged
        if not is_of_one_network and (measure == N_REMOVED or not is_count(measure)):
            yield measure


def _parent(measure: str) -> str:
    return measure.removesuffix(".mean").rpartition(".")[0] or ACTIVATIONS


def _last_part(measure: str) -> str:
    return measure.removesuffix(".mean").rpartition(".")[2].replace("_", " ")
