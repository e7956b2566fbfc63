"""Closed-loop evolution of images: each block shows new codes beside the same references."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from signseg_protocols.names import unknown_generator
from signseg_protocols.references import REFERENCES, ReferenceChoice
from signseg_protocols.scores import ScoreChoice
from signseg_protocols.stopping import PlateauSettings, has_plateaued
from signseg_protocols.summary import MIN_TESTED_BLOCKS, summarize
from signseg_protocols.threads import EvolutionThread
from signseg_rig.config import Name
from signseg_rig.errors import ConfigError
from signseg_rig.interfaces import Protocol, ProtocolContext, ProtocolSteps, Surroundings
from signseg_rig.settings import Conflict, PluginChoice, PluginGroup, Settings
from signseg_rig.settings_file import Problem
from signseg_rig.types import ProtocolResult, StimulusBatch, Told


class ThreadSettings(Settings):
    """One evolution: what draws its images, what proposes their codes, and what is maximised.

    `generator` is the name of a table ``[generators.NAME]`` of the experiment file.
    """

    name: Name
    generator: Name
    optimizer: Annotated[PluginChoice, PluginGroup("optimizers")]
    score: ScoreChoice


class EvolutionSettings(Settings):
    """Settings of the protocol ``evolution``.

    `n_showings` is how often each stimulus is shown in a block; `n_tested_blocks` is how many of
    the last blocks are tested against as many of the first. `p_value` in the result is the larger
    one of two: with the drift of the references taken off as a sum, and as a gain that multiplies
    all rates. `rose` is "yes" where it is at most 0.05; a gain shows only in references that
    respond, and the more of them there are, the smaller a rise is found.
    """

    n_generations: int = Field(ge=1, le=100_000)
    threads: tuple[ThreadSettings, ...] = Field(min_length=1)
    references: ReferenceChoice
    n_showings: int = Field(default=1, ge=1, le=1000)
    n_tested_blocks: int = Field(default=5, ge=MIN_TESTED_BLOCKS, le=1000)
    stopping: PlateauSettings | None = None

    def conflicts(self) -> Iterator[Conflict]:
        """Yield names that are given twice, and a stop that can never come."""
        names = [thread.name for thread in self.threads]
        for number, name in enumerate(names):
            key = ("threads", number, "name")
            if name == REFERENCES:
                message = f"a thread cannot be named {REFERENCES!r}: the reference set is"
                yield Conflict(message, (key,))
            if name in names[:number]:
                message = f"threads should have names of their own; got {names}"
                yield Conflict(message, (key, ("threads", names.index(name), "name")))
        if self.stopping is not None and self.stopping.min_generations >= self.n_generations:
            yield Conflict(
                f"stopping.min_generations ({self.stopping.min_generations}) should be below "
                f"n_generations ({self.n_generations}); or leave stopping out",
                (("stopping", "min_generations"), ("n_generations",)),
            )


class Evolution(Protocol):
    """Evolves images for one score or several at once, and tests whether each rose.

    Every block shows one generation of each thread and all reference images. The run ends after
    `n_generations`, or where every thread has reached its plateau.

    Parameters
    ----------
    settings : EvolutionSettings
    context : ProtocolContext

    Raises
    ------
    ConfigError
        Units, generators or reference images are not there; the message lists all problems.
    """

    Config = EvolutionSettings

    def __init__(self, settings: EvolutionSettings, context: ProtocolContext) -> None:
        surroundings = Surroundings(tuple(context.generators), context.unit_names)
        problems = [problem.message for problem in _misfits(settings, surroundings)]
        try:
            self._references = settings.references.stimuli(context)
        except ConfigError as error:
            problems.append(str(error))
        if problems:
            raise ConfigError("\n".join(problems))
        self._settings = settings
        self._context = context
        self.n_blocks = settings.n_generations

    @classmethod
    def misfits(cls, settings: Any, surroundings: Surroundings) -> list[Problem]:
        """List units, generators and reference images that are not there; see `Protocol`."""
        problems = _misfits(settings, surroundings)
        for problem in settings.references.misfits(surroundings.generator_names):
            problems.append(replace(problem, key=("references", *problem.key)))
        if surroundings.unit_names is None:
            problems.append(_unchecked_units(settings))
        if settings.n_generations < 2 * MIN_TESTED_BLOCKS:
            problems.append(_too_few_generations(settings.n_generations))
        return problems

    def steps(self) -> ProtocolSteps:
        """Take the steps of the evolution: one block for each generation."""
        threads = [self._thread(settings) for settings in self._settings.threads]
        told: tuple[Told, ...] = ()
        for _ in range(self._settings.n_generations):
            evolved = [stimulus for thread in threads for stimulus in thread.ask()]
            stimuli = (*evolved, *self._references)
            (responses,) = yield (StimulusBatch(stimuli, self._settings.n_showings, told),)
            told = tuple(thread.tell(stimuli, responses) for thread in threads)
            if self._is_done(threads):
                break
        return self._result(threads, told)

    def _thread(self, settings: ThreadSettings) -> EvolutionThread:
        optimizer = settings.optimizer.load()(
            settings.optimizer.settings,
            n_dims=self._context.generators[settings.generator].n_dims,
            # A stream of its own: other threads, and their number, change nothing in this one.
            rng=self._context.rng("optimizer", settings.name),
        )
        return EvolutionThread(
            settings.name,
            generator=settings.generator,
            score=settings.score,
            optimizer=optimizer,
        )

    def _is_done(self, threads: list[EvolutionThread]) -> bool:
        stopping = self._settings.stopping
        return stopping is not None and all(
            has_plateaued(thread.history.corrected_means(), stopping) for thread in threads
        )

    def _result(self, threads: list[EvolutionThread], told: tuple[Told, ...]) -> ProtocolResult:
        return summarize(
            {thread.name: thread.history for thread in threads},
            n_tested=self._settings.n_tested_blocks,
            rng=lambda name: self._context.rng("test", name),
            told=told,
        )


def _misfits(settings: EvolutionSettings, surroundings: Surroundings) -> list[Problem]:
    generators, units = surroundings.generator_names, surroundings.unit_names
    problems = []
    for number, thread in enumerate(settings.threads):
        key, where = ("threads", number), f"Thread {thread.name!r}"
        if units is not None:
            found = thread.score.problems(where, units)
            problems += [replace(one, key=(*key, "score", *one.key)) for one in found]
        if thread.generator not in generators:
            message = unknown_generator(where, thread.generator, generators)
            problems.append(Problem(message, (*key, "generator")))
    return problems


def _too_few_generations(n_generations: int) -> Problem:
    return Problem(
        f"{n_generations} generations are too few to tell whether a thread rose: the test compares "
        f"{MIN_TESTED_BLOCKS} blocks at the end with {MIN_TESTED_BLOCKS} at the beginning. Set "
        f"{2 * MIN_TESTED_BLOCKS} or more, unless this is a rehearsal.",
        ("n_generations",),
        "warning",
    )


def _unchecked_units(settings: EvolutionSettings) -> Problem:
    used = dict.fromkeys(unit for thread in settings.threads for unit in thread.score.used_units)
    return Problem(
        f"Whether the response source has the units {', '.join(map(repr, used))} was not checked: "
        "it tells their names only once a run starts. Make sure of their spelling.",
        ("threads",),
        "warning",
    )
