"""The closed loop: a protocol asks, the display shows, the animal answers, the protocol learns.

One turn, top to bottom: `Loop.run` -> `_take_turn` -> `_finish_block` -> `_take_pass` -> `_present`
-> `_show` and `_respond`. What the record already holds is replayed instead of shown, so resuming a
run and running it are the same code.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from signseg_rig.errors import ReplayMismatchError, ResponseError, RunStopped, SafeguardError
from signseg_rig.experiment import Experiment
from signseg_rig.interfaces import Protocol, ResponseSource, Turn
from signseg_rig.recordings import Aligner, Orders, QuietCheck, SilenceCheck, measure
from signseg_rig.records import PassRecord, RunRecord
from signseg_rig.run.blocks import (
    Block,
    BlockMaker,
    check_replay,
    check_units,
    in_planned_order,
    in_stretches,
    joined,
    rows_of,
    unanswered,
)
from signseg_rig.run.control import RunControl
from signseg_rig.run.garbage import short_collections
from signseg_rig.run.safeguards import Safeguards, abort_of, reason_to_end
from signseg_rig.values import (
    PassPlan,
    Presentation,
    ProtocolResult,
    ResponseBatch,
    RunStatus,
    Shown,
    StimulusBatch,
    Told,
)
from signseg_rig.wire.link import DisplayLink, DisplayLost
from signseg_rig.wording import command

PAUSE_POLL_S = 0.1


class Loop:
    """Drives a protocol through a run.

    Parameters
    ----------
    experiment : Experiment
    protocol : Protocol
    blocks : BlockMaker
    link : DisplayLink
    source : ResponseSource
        Started.
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
        blocks: BlockMaker,
        link: DisplayLink,
        source: ResponseSource,
        record: RunRecord,
        control: RunControl,
        on_status: Callable[[RunStatus], None],
    ) -> None:
        self._experiment = experiment
        self._protocol = protocol
        self._blocks = blocks
        self._link = link
        self._source = source
        self._record = record
        self._control = control
        self._on_status = on_status
        self._status = RunStatus(n_blocks=protocol.n_blocks)
        self._orders = Orders.of(experiment.monitor, experiment.stimulus)
        self._aligner = Aligner()
        self._silence = SilenceCheck()
        self._quiet = QuietCheck(experiment.windows)
        self._safeguards = Safeguards(experiment.safeguards)
        self._number = 0
        self._timing_s: dict[str, float] = {}

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
            self._tell_scores(result.told)
            self._tell(state="ending", message="")
            # Of what followed the last pass; nothing was shown after it.
            self._note_timing(self._number)
            self._record.finished(result)
        except RunStopped:
            self._tell(state="stopped", message="")
            raise
        except BaseException as error:
            self._tell(state="failed", message="")
            if not isinstance(error, ReplayMismatchError):
                error.add_note(self._resume_hint())
            raise
        self._tell(state="finished", message="")
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
        block = self._prepare(turn[0])
        for following in (*turn[1:], None):
            responses, next_block = self._finish_block(block, following)
            answers.append(responses)
            block = next_block or block
        return tuple(answers)

    def _finish_block(
        self, block: Block, following: StimulusBatch | None
    ) -> tuple[ResponseBatch, Block | None]:
        """Show a block until it is valid or given up; prepare the following one meanwhile."""
        prepared: list[Block] = []

        def meanwhile() -> None:
            self._note_timing(block.number)
            if following is not None:
                if not prepared:
                    prepared.append(self._prepare(following))
                self._link.preload(
                    self._blocks.images(prepared[0]), keep=self._blocks.images(block)
                )

        parts = []
        plan: PassPlan | None = block.first_pass()
        while plan is not None:
            parts.append(self._take_pass(block, plan, meanwhile))
            plan = self._plan_again(block, plan, parts[-1])
        if following is not None and not prepared:
            prepared.append(self._prepare(following))
        self._tell(block=block.number + 1)
        return joined(parts), prepared[0] if prepared else None

    def _prepare(self, batch: StimulusBatch) -> Block:
        """Give a batch its ids and hashes, and its pixels unless the record knows the block."""
        number, self._number = self._number, self._number + 1
        self._tell_scores(batch.told)
        recorded = self._record.reader.find_pass(number, 0)
        with self._timed("render"):
            return self._blocks.make(number, batch, recorded.plan if recorded else None)

    def _take_pass(
        self, block: Block, plan: PassPlan, meanwhile: Callable[[], None]
    ) -> ResponseBatch:
        """Show one pass and read its responses, or recall them from the record."""
        recorded = self._record.reader.find_pass(plan.block, plan.attempt)
        if recorded is not None:
            self._recall(plan, recorded)
            if recorded.responses is not None:
                self._restore_images(block)
                self._safeguards.judge(plan, recorded.responses)
                return recorded.responses
        is_new = plan.attempt == 0 and recorded is None
        with self._timed("record"):
            self._record.planned(plan, block.codes(), block.batch.told if is_new else ())
        self._record.save_images(self._blocks.images(block))
        parts = self._present(block, plan, recorded.parts if recorded else (), meanwhile)
        responses = in_planned_order(plan, parts)
        with self._timed("record"):
            self._record.responses(plan.block, plan.attempt, responses, self._aligner.known)
        self._heed_safeguards(plan, responses)
        return responses

    def _recall(self, plan: PassPlan, recorded: PassRecord) -> None:
        """Make sure that a recorded pass is the planned one, and align as it was aligned."""
        check_replay(plan, recorded.plan)
        for responses in (*recorded.parts, recorded.responses):
            if responses is not None:
                check_units(plan, responses, self._source.unit_names)
                self._tell(state="replaying", message="replaying what is recorded")
        for stretch in in_stretches(recorded.parts, recorded.responses):
            self._quiet.recall(stretch)
        self._aligner.known = recorded.clock_offset or self._aligner.known

    def _restore_images(self, block: Block) -> None:
        """Render images again that were shown, and that the record has lost or has damaged."""
        keys = {stimulus.pixels_sha256 for stimulus in block.stimuli}
        missing = {key for key in keys if not self._record.reader.holds_image(key)}
        if not missing:
            return
        try:
            images = self._blocks.images(block)
        except ReplayMismatchError as error:
            # Nothing but their picture is lost, and what the animal answered is still good.
            self._record.note("images lost", block=block.number, n=len(missing), reason=str(error))
            return
        self._record.restore_images({key: images[key] for key in missing})
        self._record.note("images restored", block=block.number, n=len(missing))

    def _present(
        self,
        block: Block,
        plan: PassPlan,
        recorded: tuple[ResponseBatch, ...],
        meanwhile: Callable[[], None],
    ) -> list[ResponseBatch]:
        """Show what of a pass has no answer yet, and read the responses: in one stretch or several.

        A pause, a stop or a lost display ends a stretch, and what was shown until then is read and
        recorded at once: recording systems do not keep their data for ever, clocks drift apart in
        a long pause, and what an animal has answered is not asked of it again.
        """
        parts = list(recorded)
        while remaining := unanswered(plan, parts):
            self._tell(
                n_planned=len(plan.presentations),
                n_shown=len(plan.presentations) - len(remaining),
            )
            self._wait_until_wanted(plan)
            if shown := self._show(block, plan, remaining, meanwhile):
                confirmed = {report.presentation_id for report in shown}
                done = tuple(item for item in remaining if item.id in confirmed)
                parts.append(self._respond(plan, done, shown))
                if len(done) < len(remaining):
                    self._record_part(plan, parts[-1])
        return parts

    def _show(
        self,
        block: Block,
        plan: PassPlan,
        presentations: tuple[Presentation, ...],
        meanwhile: Callable[[], None],
    ) -> tuple[Shown, ...]:
        """Show presentations until a wish or the loss of the display ends it."""
        n_before = len(plan.presentations) - len(presentations)
        shown: list[Shown] = []
        try:
            with self._timed("preload"):
                self._link.preload(self._blocks.images(block))
            for report in self._link.show(
                presentations,
                on_frames=self._orders.on_frames,
                off_frames=self._orders.off_frames,
                is_wanted=self._control.is_going,
                meanwhile=meanwhile,
            ):
                shown.append(report)
                self._record.shown(plan.block, plan.attempt, [report])
                self._tell(n_shown=n_before + len(shown))
        except DisplayLost as lost:
            n_again = len(presentations) - len(shown)
            self._record.note(
                "display lost", block=plan.block, reason=str(lost), n_to_be_shown_again=n_again
            )
        return tuple(shown)

    def _respond(
        self, plan: PassPlan, presentations: tuple[Presentation, ...], shown: tuple[Shown, ...]
    ) -> ResponseBatch:
        """Read the recording of what was shown and count its spikes."""
        rules, windows = self._experiment.invalid_trials, self._experiment.windows
        self._tell(message=f"waiting up to {rules.response_timeout_s:g} s for the recording system")
        with self._timed("source"):
            recording = self._source.read(
                shown, block=plan.block, window_s=windows.span_s, timeout_s=rules.response_timeout_s
            )
        with self._timed("record"):
            responses = measure(
                recording,
                shown,
                presentations,
                windows,
                unit_names=self._source.unit_names,
                orders=self._orders,
                reject_dropped_frames=rules.reject_dropped_frames,
                aligner=self._aligner,
            )
        # What ends the run as invalid is not recorded: once resumed, it is shown again.
        self._silence.check(recording, responses, timeout_s=rules.response_timeout_s)
        responses = self._quiet.marked(responses)
        self._abort_where_invalid(plan, responses)
        return responses

    def _abort_where_invalid(self, plan: PassPlan, responses: ResponseBatch) -> None:
        if responses.is_valid.all() or self._experiment.invalid_trials.policy != "abort":
            return
        if responses.is_valid.any():
            self._record_part(plan, rows_of(responses, np.flatnonzero(responses.is_valid)))
        counts, sentence = abort_of(plan, responses)
        self._record.note("aborted", block=plan.block, **counts)
        raise ResponseError(sentence)

    def _heed_safeguards(self, plan: PassPlan, responses: ResponseBatch) -> None:
        """Tell what is wrong with a recorded pass; pause or end the run where that is wanted."""
        alarms = self._safeguards.judge(plan, responses)
        doubt = self._quiet.doubt(len(responses.unit_names))
        self._tell(alarm=" ".join(filter(None, [*(one.reason for one in alarms), doubt])))
        for alarm in alarms:
            self._record.note("safeguard", block=plan.block, **asdict(alarm))
        if end := reason_to_end(alarms, is_attended=self._control.is_attended):
            raise SafeguardError(end)
        if alarms and alarms[0].action == "pause":
            self._control.pause()

    def _record_part(self, plan: PassPlan, responses: ResponseBatch) -> None:
        with self._timed("record"):
            self._record.responses_in_part(plan.block, plan.attempt, responses, self._aligner.known)

    def _plan_again(
        self, block: Block, plan: PassPlan, responses: ResponseBatch
    ) -> PassPlan | None:
        """Plan to repeat what was invalid, as far as the experiment's rules want it."""
        rules = self._experiment.invalid_trials
        n_invalid = int(np.sum(~responses.is_valid))
        self._tell(n_invalid=self._status.n_invalid + n_invalid)
        if rules.policy == "repeat" and plan.attempt + 1 < rules.max_attempts:
            return block.next_pass(plan, responses)
        return None

    def _wait_until_wanted(self, plan: PassPlan) -> None:
        """Wait while the run is paused or has no display; end it where the experimenter wants."""
        while self._control.is_paused and not self._control.is_stopped:
            self._tell(state="paused", message="paused; press p to go on")
            # The wish to go on may come from the display's window.
            self._link.attend(PAUSE_POLL_S)
        if self._link.hello is None:
            self._tell(state="waiting", message="waiting for a display to connect")
            self._link.wait_until_connected(lambda: not self._control.is_stopped)
        if self._control.is_stopped:
            raise RunStopped(f"The run was stopped in block {plan.block}. {self._resume_hint()}")
        # Before the first image, which may take a while: the key that went on would pause it now.
        self._tell(state="running", message="")

    def _resume_hint(self) -> str:
        again = command("resume", self._record.path)
        return f"Everything up to here is recorded; go on with: {again}"

    def _tell_scores(self, told: tuple[Told, ...]) -> None:
        scores = {
            item.thread: (float(np.nanmax(item.scores)), float(np.nanmean(item.scores)))
            for item in told
            if np.isfinite(item.scores).any()
        }
        self._tell(scores={**self._status.scores, **scores})

    def _note_timing(self, block: int) -> None:
        """Record how long the parts of the turn-around took; called while the display is busy.

        A note holds what was done since the note before, and so what followed the pass before.
        """
        self._record.note("timing", block=block, **self._timing_s)
        self._timing_s.clear()
        if (clock := self._link.clock_estimate()) is not None:
            self._record.note("display clock", block=block, **asdict(clock))

    def _tell(self, **changes: Any) -> None:
        self._status = replace(self._status, **changes)
        self._on_status(self._status)

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        start_s = time.perf_counter()
        yield
        key = f"{part}_s"
        self._timing_s[key] = self._timing_s.get(key, 0.0) + time.perf_counter() - start_s
