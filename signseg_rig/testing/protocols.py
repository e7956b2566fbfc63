"""Drive a protocol without a rig, and check that it keeps the rules of `Protocol`.

A plugin's test is one call::

    def test_my_protocol():
        check_protocol(lambda context: MyProtocol(MySettings(...), context))

The settings may name the generator `GENERATOR`, the units `UNIT_NAMES`, and, where they choose an
optimizer, `hill_climber()`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from signseg_rig.interfaces import Protocol, ProtocolContext
from signseg_rig.settings import Settings
from signseg_rig.testing.animal import GENERATOR, UNIT_NAMES, Animal, hill_climber, toy_context
from signseg_rig.values import (
    EVOLVED,
    BoolArray,
    ProtocolResult,
    ResponseBatch,
    Stimulus,
    StimulusBatch,
    Told,
)

__all__ = [
    "GENERATOR",
    "UNIT_NAMES",
    "Animal",
    "Driven",
    "check_protocol",
    "drive",
    "hill_climber",
    "replay",
    "toy_context",
]

Respond = Callable[[int, StimulusBatch], ResponseBatch]

MAX_BLOCKS = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Driven:
    """What happened between a protocol and what answered it.

    Parameters
    ----------
    batches : tuple of StimulusBatch
        In the order of the blocks.
    responses : tuple of ResponseBatch
        One per block.
    result : ProtocolResult
    told : tuple of Told
        Everything that optimizers were told, in order.
    n_answered : tuple of int
        How many blocks had been answered when each of these was told.
    """

    batches: tuple[StimulusBatch, ...]
    responses: tuple[ResponseBatch, ...]
    result: ProtocolResult
    told: tuple[Told, ...]
    n_answered: tuple[int, ...]

    def content_sha256s(self) -> list[list[str]]:
        """Hashes of what was shown, block by block."""
        return [[item.content_sha256() for item in batch.stimuli] for batch in self.batches]


def drive(
    make: Callable[[ProtocolContext], Protocol],
    respond: Respond,
    *,
    context: ProtocolContext | None = None,
    max_blocks: int = MAX_BLOCKS,
) -> Driven:
    """Take a protocol's steps without display, recording system or clock.

    Parameters
    ----------
    make : callable
        ``make(context)`` constructs the protocol.
    respond : callable
        ``respond(block, batch)`` gives the responses to the batch of a block; blocks count from 0.
    context : ProtocolContext, optional
        By default `toy_context`; what it logs is in the answer instead.
    max_blocks : int
        A protocol that asks for more is taken not to end.

    Returns
    -------
    driven : Driven

    Raises
    ------
    AssertionError
        The protocol does not end, or yields something else than blocks.
    """
    batches: list[StimulusBatch] = []
    responses: list[ResponseBatch] = []
    told: list[tuple[Told, int]] = []
    context = replace(context or toy_context(), log=lambda one: told.append((one, len(responses))))
    steps = make(context).steps()
    try:
        turn = next(steps)
        while True:
            _check_turn(turn)
            _require(
                len(batches) + len(turn) <= max_blocks,
                f"The protocol should end within {max_blocks} blocks; it asks for more.",
            )
            answers = tuple(
                respond(block, batch) for block, batch in enumerate(turn, start=len(batches))
            )
            batches += turn
            responses += answers
            turn = steps.send(answers)
    except StopIteration as end:
        items, n_answered = tuple(zip(*told, strict=True)) or ((), ())
        return Driven(tuple(batches), tuple(responses), end.value, items, n_answered)


def replay(responses: Iterable[ResponseBatch]) -> Respond:
    """Answer blocks with recorded responses, one after the other."""
    recorded = iter(responses)

    def respond(block: int, _batch: StimulusBatch) -> ResponseBatch:
        answer = next(recorded, None)
        if answer is None:
            raise AssertionError(f"A replay should ask for no more than was recorded: {block}.")
        return answer

    return respond


def check_protocol(
    make: Callable[[ProtocolContext], Protocol], *, max_blocks: int = MAX_BLOCKS
) -> None:
    """Check a protocol against everything that the loop and the run record rely on.

    It is driven by a toy animal with all presentations valid, with some invalid and with none
    valid, and each of these runs is replayed from its responses.

    Parameters
    ----------
    make : callable
        ``make(context)`` constructs the protocol for a context such as `toy_context` gives. It is
        called several times and gives an equal protocol each time.
    max_blocks : int
        How many blocks it takes at most.

    Raises
    ------
    AssertionError
        It breaks a rule; the message says which.
    OptimizerError
        It tells an optimizer a score that is not finite, or of a code that was not asked for.
    """
    _require(
        issubclass(type(make(toy_context())).Config, Settings),
        "A protocol's Config should derive from signseg_rig.settings.Settings.",
    )
    for invalid_fraction in (0.0, 0.3, 1.0):
        global_state = _global_random_state()
        driven = drive(make, Animal(invalid_fraction=invalid_fraction), max_blocks=max_blocks)
        _require(
            global_state == _global_random_state(),
            "A protocol draws from context.rng(...) only; it used a global random generator.",
        )
        _check_length(make(toy_context()), driven)
        for block, batch in enumerate(driven.batches):
            _check_batch(block, batch)
        _check_told(driven)
        _check_result(driven.result)
        again = drive(make, replay(driven.responses), max_blocks=max_blocks)
        _check_same(driven, again)


def _require(is_kept: bool, rule: str) -> None:
    if not is_kept:
        raise AssertionError(rule)


def _global_random_state() -> str:
    # To notice a use of the legacy generator it has to be looked at.
    return repr((random.getstate(), np.random.get_state(legacy=False)))  # noqa: NPY002


def _check_turn(turn: object) -> None:
    _require(
        isinstance(turn, tuple)
        and len(turn) > 0
        and all(isinstance(batch, StimulusBatch) for batch in turn),
        f"A protocol should yield a tuple of at least one StimulusBatch; got {turn!r}.",
    )


def _check_length(protocol: Protocol, driven: Driven) -> None:
    n_blocks = len(driven.batches)
    _require(n_blocks > 0, "A protocol should show at least one block.")
    _require(
        protocol.n_blocks == 0 or n_blocks <= protocol.n_blocks,
        f"A protocol should take at most its n_blocks ({protocol.n_blocks}); it took {n_blocks}.",
    )


def _check_batch(block: int, batch: StimulusBatch) -> None:
    keys = [(item.role, item.thread, item.generation, item.index) for item in batch.stimuli]
    _require(
        len(set(keys)) == len(keys),
        f"Block {block} should hold each stimulus once: role, thread, generation and index name "
        f"it, and n_showings repeats it; got {sorted(keys)}.",
    )
    for stimulus in batch.stimuli:
        _check_stimulus(
            f"Stimulus {stimulus.index} of {stimulus.thread!r} (block {block})", stimulus
        )


def _check_stimulus(where: str, stimulus: Stimulus) -> None:
    _require(
        stimulus.generation >= (0 if stimulus.role == EVOLVED else -1),
        f"{where} should count its generation from 0, or -1 where no optimizer proposed it; got "
        f"{stimulus.generation}.",
    )
    if stimulus.code is not None:
        generators = toy_context().generators
        _require(stimulus.generator in generators, f"{where} names an unknown generator.")
        expected = (generators[stimulus.generator or ""].n_dims,)
        _require(
            stimulus.code.shape == expected and bool(np.isfinite(stimulus.code).all()),
            f"{where} should have a finite code of shape {expected}; got {stimulus.code!r}.",
        )
    if stimulus.image is not None:
        shape, dtype = stimulus.image.shape, stimulus.image.dtype
        _require(
            len(shape) == 3 and shape[2] == 3 and dtype == np.uint8,
            f"{where} should be a (height, width, 3) uint8 image; got {shape} {dtype}.",
        )


def _check_told(driven: Driven) -> None:
    """Every generation is told once, after it was shown, and NaN where nothing was valid."""
    expected = _expected_told(driven)
    told = [((item.thread, item.generation), item.scores) for item in driven.told]
    keys = [key for key, _scores in told]
    _require(
        sorted(keys) == sorted(expected),
        "Each generation of each thread should be logged once; "
        f"got {keys}, expected {sorted(expected)}.",
    )
    for key, scores in told:
        _require(
            np.array_equal(np.isfinite(scores), expected[key]),
            f"Scores of (thread, generation) {key} should be finite where a presentation was valid "
            f"and NaN elsewhere; got {scores!r}, valid are {expected[key]}.",
        )
    for item, n_answered in zip(driven.told, driven.n_answered, strict=True):
        answered = driven.batches[:n_answered]
        shown = {(one.thread, one.generation) for batch in answered for one in batch.stimuli}
        _require(
            (item.thread, item.generation) in shown,
            f"Generation {item.generation} of {item.thread!r} should be told after it was shown.",
        )


def _expected_told(driven: Driven) -> dict[tuple[str, int], BoolArray]:
    """Return for each generation which of its codes had a valid presentation."""
    is_valid: dict[tuple[str, int], dict[int, bool]] = {}
    for batch, responses in zip(driven.batches, driven.responses, strict=True):
        valid = set(responses.stimulus_index[responses.is_valid].tolist())
        for position, item in enumerate(batch.stimuli):
            if item.role == EVOLVED:
                generation = is_valid.setdefault((item.thread, item.generation), {})
                generation[item.index] = generation.get(item.index, False) or position in valid
    for key, generation in is_valid.items():
        _require(
            sorted(generation) == list(range(len(generation))),
            f"Indices within (thread, generation) {key} should count from 0; got "
            f"{sorted(generation)}.",
        )
    return {
        key: np.array([generation[index] for index in sorted(generation)])
        for key, generation in is_valid.items()
    }


def _check_result(result: ProtocolResult) -> None:
    _require(
        isinstance(result, ProtocolResult),
        f"A protocol should return a ProtocolResult; got {type(result).__name__}.",
    )
    _require(
        type(result.is_success) is bool,
        f"is_success should be True or False; got {result.is_success!r}.",
    )
    for row in result.rows:
        _require(
            len(row) == len(result.columns),
            f"A row of the summary should have a cell for each of {result.columns}; got {row!r}.",
        )
        _require(
            all(type(cell) in {str, float, int} for cell in row),
            f"Cells of the summary should be plain text or numbers; got {row!r}.",
        )


def _check_same(first: Driven, second: Driven) -> None:
    for block, (ours, theirs) in enumerate(
        zip(first.content_sha256s(), second.content_sha256s(), strict=False)
    ):
        _require(
            ours == theirs,
            f"A replay should take the same steps; in block {block} it shows other stimuli.",
        )
    _require(
        len(first.batches) == len(second.batches),
        f"A replay should take the same steps; it took {len(second.batches)} blocks in place of "
        f"{len(first.batches)}.",
    )
    _require(_told_text(first) == _told_text(second), "A replay should tell the same scores.")
    _require(
        repr(first.result.rows) == repr(second.result.rows)
        and first.result.is_success == second.result.is_success,
        "A replay should conclude the same.",
    )


def _told_text(driven: Driven) -> str:
    return repr([(item.thread, item.generation, item.scores.tolist()) for item in driven.told])
