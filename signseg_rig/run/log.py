"""What optimizers were told, until it is recorded with what is shown next."""

from __future__ import annotations

from signseg_rig.values import Told


class OptimizerLog:
    """Collects what a protocol logs; called with it, as `ProtocolContext.log` is."""

    def __init__(self) -> None:
        self._told: list[Told] = []

    def __call__(self, told: Told) -> None:
        """Keep what an optimizer was told."""
        self._told.append(told)

    def take(self) -> tuple[Told, ...]:
        """Return what has been logged since the last call."""
        told, self._told = tuple(self._told), []
        return told
