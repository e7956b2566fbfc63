"""Closed-loop evolution of images: each block shows new codes beside the same references."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from signseg_protocols.controls import ControlKind, control_name
from signseg_protocols.finals import Final, final_stimuli, measure_final
from signseg_protocols.names import unknown_generator
from signseg_protocols.references import REFERENCES, ReferenceChoice
from signseg_protocols.scores import ScoreChoice
from signseg_protocols.stopping import PlateauSettings, has_plateaued
from signseg_protocols.summary import MIN_BLOCKS, MIN_TESTED_BLOCKS, summarize
from signseg_protocols.threads import EvolutionThread
from signseg_rig.errors import ConfigError
from signseg_rig.experiment import Name
from signseg_rig.interfaces import Protocol, ProtocolContext, ProtocolSteps, Surroundings
from signseg_rig.settings import Conflict, PluginChoice, PluginGroup, Problem, Settings
from signseg_rig.values import ProtocolResult, StimulusBatch


class ThreadSettings(Settings):
    """One evolution: what draws its images, what proposes their codes, and what is maximised.

    `generator` is the name of a table ``[generators.NAME]`` of the experiment file. With
    ``control = "shuffled_scores"`` a second thread NAME-control runs beside it: the same generator,
    optimizer and score, but the scores of each generation are shuffled before its optimizer is
    told. It tells whether it was the search that made the thread rise, and takes as many
    presentations as the thread itself.
    """

    name: Name
    generator: Name
    optimizer: Annotated[PluginChoice, PluginGroup("optimizers")]
    score: ScoreChoice
    control: ControlKind | None = None


class EvolutionSettings(Settings):
    """Settings of the protocol ``evolution``.

    `n_showings` is how often each stimulus is shown in a block. `n_tested_blocks` is how many of
    the last blocks are tested against as many of the first; never more than a third of the run.
    `n_final_showings`, where it is not 0, is how often the best image of each thread, the best
    one of its first generation and all references are shown in a block of their own at the end:
    a score that an image was chosen by is too high, and these are not.
    """

    n_generations: int = Field(ge=1, le=100_000)
    threads: tuple[ThreadSettings, ...] = Field(min_length=1)
    references: ReferenceChoice
    n_showings: int = Field(default=1, ge=1, le=1000)
    n_tested_blocks: int = Field(default=10, ge=MIN_TESTED_BLOCKS, le=1000)
    n_final_showings: int = Field(default=0, ge=0, le=1000)
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
        for number, thread in enumerate(self.threads):
            control = control_name(thread.name)
            if thread.control and control in names:
                message = f"a thread cannot be named {control!r}: the control of another is"
                key = ("threads", names.index(control), "name")
                yield Conflict(message, (key, ("threads", number, "control")))
        if self.stopping is not None and self.stopping.min_generations >= self.n_generations:
            yield Conflict(
                f"stopping.min_generations ({self.stopping.min_generations}) should be below "
                f"n_generations ({self.n_generations}); or leave stopping out",
                (("stopping", "min_generations"), ("n_generations",)),
            )


class Evolution(Protocol):
    """Evolves images for one score or several at once, and tests whether each rose.

    Every block shows one generation of each thread and all reference images. The run ends after
    `n_generations`, or where every thread has reached its plateau; controls are not waited for.

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
        self._controls = {
            one.name: control_name(one.name) for one in settings.threads if one.control
        }
        self.n_blocks = settings.n_generations + bool(settings.n_final_showings)

    @classmethod
    def misfits(cls, settings: Any, surroundings: Surroundings) -> list[Problem]:
        """List units, generators and reference images that are not there; see `Protocol`."""
        problems = _misfits(settings, surroundings)
        for problem in settings.references.misfits(surroundings.generator_names):
            problems.append(replace(problem, key=("references", *problem.key)))
        if surroundings.unit_names is None:
            problems.append(_unchecked_units(settings))
        return problems + _untestable(settings)

    def steps(self) -> ProtocolSteps:
        """Take the steps of the evolution: a block for each generation, and the final showings."""
        threads = self._threads()
        for _ in range(self._settings.n_generations):
            evolved = [stimulus for thread in threads.values() for stimulus in thread.ask()]
            stimuli = (*evolved, *self._references)
            (responses,) = yield (StimulusBatch(stimuli, self._settings.n_showings),)
            for thread in threads.values():
                self._context.log(thread.tell(stimuli, responses))
            if self._is_done(threads):
                break
        finals: dict[str, Final] = {}
        if self._settings.n_final_showings:
            stimuli = final_stimuli(threads.values(), self._references)
            (responses,) = yield (StimulusBatch(stimuli, self._settings.n_final_showings),)
            finals = {name: measure_final(one, stimuli, responses) for name, one in threads.items()}
        return self._result(threads, finals)

    def _threads(self) -> dict[str, EvolutionThread]:
        """Make the threads and their controls, by name."""
        threads = [self._thread(one.name, one) for one in self._settings.threads]
        threads += [
            self._thread(control, one, self._context.rng("control", one.name))
            for one in self._settings.threads
            if (control := self._controls.get(one.name))
        ]
        return {thread.name: thread for thread in threads}

    def _thread(
        self, name: str, settings: ThreadSettings, shuffler: np.random.Generator | None = None
    ) -> EvolutionThread:
        optimizer = settings.optimizer.load()(
            settings.optimizer.settings,
            n_dims=self._context.generators[settings.generator].n_dims,
            # A stream of its own: other threads, and their number, change nothing in this one.
            rng=self._context.rng("optimizer", name),
        )
        return EvolutionThread(
            name,
            generator=settings.generator,
            score=settings.score,
            optimizer=optimizer,
            shuffler=shuffler,
        )

    def _is_done(self, threads: dict[str, EvolutionThread]) -> bool:
        stopping = self._settings.stopping
        return stopping is not None and all(
            has_plateaued(threads[one.name].history.corrected_means(), stopping)
            for one in self._settings.threads
        )

    def _result(
        self, threads: dict[str, EvolutionThread], finals: dict[str, Final]
    ) -> ProtocolResult:
        return summarize(
            {name: thread.history for name, thread in threads.items()},
            n_tested=self._settings.n_tested_blocks,
            rng=lambda *names: self._context.rng("test", *names),
            controls=self._controls,
            finals=finals,
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


def _unchecked_units(settings: EvolutionSettings) -> Problem:
    used = dict.fromkeys(unit for thread in settings.threads for unit in thread.score.used_units)
    return Problem(
        f"Whether the response source has the units {', '.join(map(repr, used))} was not checked: "
        "it tells their names only once a run starts. Make sure of their spelling.",
        ("threads",),
        "warning",
    )


def _untestable(settings: EvolutionSettings) -> list[Problem]:
    """Warn of a run that is, or may end, too short for a verdict."""
    remedy = f"Raise it to {MIN_BLOCKS} at least; 30 find smaller rises."
    needed = f"Whether a thread rose is tested with {MIN_BLOCKS} blocks or more"
    n_generations, stopping = settings.n_generations, settings.stopping
    if n_generations < MIN_BLOCKS:
        text = f"{needed}: of n_generations = {n_generations} it cannot be told. {remedy}"
        return [Problem(text, ("n_generations",), "warning")]
    if stopping is not None and stopping.min_generations < MIN_BLOCKS:
        text = f"{needed}: of a run that stops after {stopping.min_generations} it cannot be told."
        return [Problem(f"{text} {remedy}", ("stopping", "min_generations"), "warning")]
    return []
