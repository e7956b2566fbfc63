"""One measured figure and the limit that it should keep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signseg_rig.values import FloatArray


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured figure.

    Parameters
    ----------
    what : str
    value, limit : float, in `unit`
    unit : str
    detail : str
        How it was measured, and what else was seen.
    """

    what: str
    value: float
    limit: float
    unit: str
    detail: str

    @property
    def is_kept(self) -> bool:
        """Whether the value keeps the limit."""
        return self.value <= self.limit


def in_ms(durations_s: FloatArray) -> str:
    """Summarise durations in words."""
    low, median, high = np.quantile(durations_s, [0.05, 0.5, 0.95]) * 1e3
    return f"median {median:.1f} ms, 5-95 % {low:.1f}-{high:.1f} ms, n = {len(durations_s)}"
