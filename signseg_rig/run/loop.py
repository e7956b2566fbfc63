"""The closed loop: a protocol asks, the display shows, the animal answers, the protocol learns.

One turn, top to bottom: `Loop.run` -> `_take_turn` -> `_finish_block` -> `_take_pass`, and from
there `passes`. What the record already holds is replayed instead of shown, so resuming a run and
running it are the same code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial

import numpy as np

from signseg_rig.errors import ReplayMismatchError, RunStopped, SafeguardError
from signseg_rig.experiment import Experiment
from signseg_rig.interfaces import Protocol, Turn
from signseg_rig.records import RunRecord
from signseg_rig.run.blocks import Block, BlockMaker
from signseg_rig.run.control import RunControl
from signseg_rig.run.garbage import short_collections
from signseg_rig.run.log import OptimizerLog
from signseg_rig.run.passes import Passes, resume_hint
from signseg_rig.run.rig import Rig
from signseg_rig.run.safeguards import Safeguards, reason_to_end
from signseg_rig.run.telling import Telling
from signseg_rig.values import (
    PassPlan,
    ProtocolResult,
    ResponseBatch,
    RunStatus,
    StimulusBatch,
    Told,
)


class Loop:
    """Drives a protocol through a run.

    Parameters
    ----------
    experiment : Experiment
    protocol : Protocol
    log : OptimizerLog
        Of the protocol's context.
    blocks : BlockMaker
    rig : Rig
        Open, and lent to this run.
    record : RunRecord
        New, or reopened: then what it holds is replayed first.
    control : RunControl
    on_status : callable
        Called with a `RunStatus` whenever something changes.
    """

    def __init__(
        self,
        experiment: Experiment,
        *,
        protocol: Protocol,
        log: OptimizerLog,
        blocks: BlockMaker,
        rig: Rig,
        record: RunRecord,
        control: RunControl,
        on_status: Callable[[RunStatus], None],
    ) -> None:
        self._rules = experiment.invalid_trials
        self._protocol = protocol
        self._log = log
        self._blocks = blocks
        self._rig = rig
        self._record = record
        self._control = control
        self._telling = Telling(on_status, n_blocks=protocol.n_blocks)
        self._passes = Passes(
            experiment,
            rig=rig,
            blocks=blocks,
            record=record,
            control=control,
            telling=self._telling,
        )
        self._safeguards = Safeguards(experiment.safeguards)
        self._number = 0

    def run(self) -> ProtocolResult:
        """Take the protocol's steps until it ends.

        Returns
        -------
        result : ProtocolResult
            Recorded by then.

        Raises
        ------
        RunStopped
            The experimenter stopped the run; it can be resumed.
        RigError
            Something failed; everything up to there is recorded, and the run can be resumed.
        """
        try:
            with short_collections():
                result = self._take_turns()
            told = self._log.take()
            self._tell_scores(told)
            self._telling.tell(state="ending", message="")
            # Of what followed the last pass; nothing was shown after it.
            self._note_timing(self._number)
            self._record.finished(result, told)
        except RunStopped:
            self._telling.tell(state="stopped", message="")
            raise
        except BaseException as error:
            self._telling.tell(state="failed", message="")
            if not isinstance(error, ReplayMismatchError):
                error.add_note(resume_hint(self._record))
            raise
        self._telling.tell(state="finished", message="")
        return result

    def _take_turns(self) -> ProtocolResult:
        steps = self._protocol.steps()
        try:
            turn = next(steps)
            while True:
                turn = steps.send(self._take_turn(turn))
        except StopIteration as end:
            result: ProtocolResult = end.value
            return result

    def _take_turn(self, turn: Turn) -> tuple[ResponseBatch, ...]:
        answers = []
        told = self._log.take()
        self._tell_scores(told)
        block = self._prepare(turn[0])
        for following in (*turn[1:], None):
            responses, next_block = self._finish_block(block, told, following)
            answers.append(responses)
            block, told = next_block or block, ()
        return tuple(answers)

    def _finish_block(
        self, block: Block, told: tuple[Told, ...], following: StimulusBatch | None
    ) -> tuple[ResponseBatch, Block | None]:
        """Show a block until it is valid or given up; prepare the following one meanwhile."""
        ahead = _Ahead(None if following is None else partial(self._prepare, following))
        parts = []
        plan: PassPlan | None = block.first_pass()
        while plan is not None:
            parts.append(self._take_pass(block, plan, told, ahead))
            plan = self._plan_again(block, plan, parts[-1])
        next_block = ahead.block()
        self._telling.tell(block=block.number + 1)
        return ResponseBatch.joined(parts), next_block

    def _go_ahead(self, shown: Block, ahead: _Ahead) -> None:
        """Use the time while the display is busy: prepare and preload the block that follows."""
        self._note_timing(shown.number)
        if (block := ahead.block()) is not None:
            self._rig.link.preload(self._blocks.views(block), keep=self._blocks.views(shown))

    def _prepare(self, batch: StimulusBatch) -> Block:
        """Give a batch its ids and hashes, and its pixels unless the record knows the block."""
        number, self._number = self._number, self._number + 1
        recorded = self._record.reader.find_pass(number, 0)
        with self._telling.timed("render"):
            return self._blocks.make(number, batch, recorded.plan if recorded else None)

    def _take_pass(
        self, block: Block, plan: PassPlan, told: tuple[Told, ...], ahead: _Ahead
    ) -> ResponseBatch:
        """Take one pass, or recall it from the record, and see whether it can be trusted."""
        recorded = self._passes.recall(block, plan)
        if recorded is not None and recorded.responses is not None:
            self._safeguards.judge(plan, recorded.responses)
            return recorded.responses
        is_new = plan.attempt == 0 and recorded is None
        meanwhile = partial(self._go_ahead, block, ahead)
        responses = self._passes.take(block, plan, recorded, told if is_new else (), meanwhile)
        self._heed_safeguards(plan, responses)
        return responses

    def _heed_safeguards(self, plan: PassPlan, responses: ResponseBatch) -> None:
        """Tell what is wrong with a recorded pass; pause or end the run where that is wanted."""
        alarms = self._safeguards.judge(plan, responses)
        doubt = self._passes.quiet.doubt(len(responses.unit_names))
        remark = self._passes.take_remark()
        said = filter(None, [remark, *(one.reason for one in alarms), doubt])
        self._telling.tell(alarm=" ".join(said))
        for alarm in alarms:
            self._record.note("safeguard", block=plan.block, **asdict(alarm))
        if end := reason_to_end(alarms, is_attended=self._control.is_attended):
            raise SafeguardError(end)
        if alarms and alarms[0].action == "pause":
            self._control.pause()

    def _plan_again(
        self, block: Block, plan: PassPlan, responses: ResponseBatch
    ) -> PassPlan | None:
        """Plan to repeat what was invalid, as far as the experiment's rules want it."""
        n_invalid = int(np.sum(~responses.is_valid))
        self._telling.tell(n_invalid=self._telling.status.n_invalid + n_invalid)
        if self._rules.policy == "repeat" and plan.attempt + 1 < self._rules.max_attempts:
            return block.next_pass(plan, responses)
        return None

    def _tell_scores(self, told: tuple[Told, ...]) -> None:
        scores = {
            item.thread: (float(np.nanmax(item.scores)), float(np.nanmean(item.scores)))
            for item in told
            if np.isfinite(item.scores).any()
        }
        self._telling.tell(scores={**self._telling.status.scores, **scores})

    def _note_timing(self, block: int) -> None:
        """Record how long the parts of the turn-around took; called while the display is busy.

        A note holds what was done since the note before, and so what followed the pass before.
        """
        self._record.note("timing", block=block, **self._telling.take_timing_s())
        if (clock := self._rig.link.clock_estimate()) is not None:
            self._record.note("display clock", block=block, **asdict(clock))


class _Ahead:
    """The block that follows, made once: while the display is busy, or when it is needed.

    Parameters
    ----------
    make : callable or None
        None where no block follows.
    """

    def __init__(self, make: Callable[[], Block] | None) -> None:
        self._make = make
        self._block: Block | None = None

    def block(self) -> Block | None:
        """Return the block that follows; None where none does."""
        if self._block is None and self._make is not None:
            self._block = self._make()
        return self._block
