"""Experimental procedures as steps that the loop drives."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from collections.abc import Generator as Steps
from dataclasses import dataclass
from typing import Any

import numpy as np

from signseg_rig.interfaces.models import Generator
from signseg_rig.interfaces.plugin import Plugin
from signseg_rig.seeds import named_rng
from signseg_rig.settings import Problem
from signseg_rig.values import ImageArray, ProtocolResult, ResponseBatch, StimulusBatch, Told

Images = list[tuple[str, ImageArray]]


def _read_now(name: str, read: Callable[[], Images]) -> Images:  # noqa: ARG001
    return read()


def _keep_nothing(told: Told) -> None:
    """Let go of what an optimizer was told, where nobody records it."""


@dataclass(frozen=True, slots=True)
class ProtocolContext:
    """What a protocol is given besides its settings.

    Parameters
    ----------
    seed : int
        Seed of the run.
    generators : mapping of name to Generator
    unit_names : tuple of str
        Units of the response source.
    file_images : callable
        ``file_images(name, read)`` returns what ``read()`` returned when the run began: a list of
        (label, (height, width, 3) uint8 array). All images of files are to be read through it, set
        by set under a name of its own: a run that is resumed finds them in its record then,
        whatever has become of the files.
    log : callable
        ``log(told)`` records what an optimizer was told; to be called once for each generation,
        after it was shown.
    """

    seed: int
    generators: Mapping[str, Generator]
    unit_names: tuple[str, ...]
    file_images: Callable[[str, Callable[[], Images]], Images] = _read_now
    log: Callable[[Told], None] = _keep_nothing

    def rng(self, *names: str | int) -> np.random.Generator:
        """Return the random stream for a use; see `signseg_rig.seeds.named_rng`."""
        return named_rng(self.seed, "protocol", *names)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the rest of an experiment file says that a protocol's settings may refer to.

    Parameters
    ----------
    generator_names : tuple of str
    unit_names : tuple of str or None
        Units of the response source; None where they are known only once it is made.
    """

    generator_names: tuple[str, ...]
    unit_names: tuple[str, ...] | None


Turn = tuple[StimulusBatch, ...]
ProtocolSteps = Steps[Turn, tuple[ResponseBatch, ...], ProtocolResult]


class Protocol(Plugin):
    """An experimental procedure, written as steps that the loop drives.

    Constructed as ``cls(settings, context)``. Given the same seed and responses it must take the
    same steps again: a run is resumed by replaying it.

    Attributes
    ----------
    n_blocks : int
        Blocks expected in all, for the progress display; 0 where this cannot be told.
    """

    n_blocks: int = 0

    @classmethod
    def misfits(cls, settings: Any, surroundings: Surroundings) -> list[Problem]:  # noqa: ARG003
        """List what does not fit the rest of the experiment, for ``signseg-rig check``.

        Called where `problems` is, and as quick.

        Parameters
        ----------
        settings : Settings
            An instance of `Config`.
        surroundings : Surroundings

        Returns
        -------
        problems : list of Problem
            Such as that there is no generator of a name; each with its key from the protocol's
            own table, such as ``("threads", 0, "generator")``. What could not be told is a
            warning.
        """
        return []

    @abstractmethod
    def steps(self) -> ProtocolSteps:
        """Take the steps of the procedure.

        Yields
        ------
        turn : tuple of StimulusBatch
            Blocks to be shown in this order. They do not depend on each other's responses, so
            the loop preloads each while the one before is shown.

        Receives
        --------
        responses : tuple of ResponseBatch
            One per block of the turn.

        Returns
        -------
        result : ProtocolResult
        """
