"""The state of a run, for whoever watches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

RunEnd = Literal["ending", "stopped", "finished", "failed"]

RunState = Literal["waiting", "running", "paused", "replaying"] | RunEnd


@dataclass(frozen=True, slots=True)
class RunStatus:
    """The state of a run at one moment, for progress displays.

    Parameters
    ----------
    state : str
        "ending" where the protocol has its result, and "finished" where that is recorded.
    block, n_blocks : int
        Blocks finished, and expected in all (0 where the protocol cannot tell).
    n_shown, n_planned, n_invalid : int
        Presentations of this block shown so far, all of this block, and invalid ones of the run.
    scores : mapping of thread to (best, mean), in units of the score
        Of the latest generation that was told.
    message, alarm : str
        What the run is waiting for, and what is wrong with its latest data, in words.
    """

    state: RunState = "waiting"
    block: int = 0
    n_blocks: int = 0
    n_shown: int = 0
    n_planned: int = 0
    n_invalid: int = 0
    scores: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    message: str = ""
    alarm: str = ""
