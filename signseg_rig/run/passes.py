"""One pass through a block: shown in stretches, answered, recorded; or recalled from the record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from signseg_rig.errors import ReplayMismatchError, ResponseError, RunStopped
from signseg_rig.experiment import Experiment
from signseg_rig.recordings import (
    Aligner,
    Alignment,
    Answer,
    Orders,
    QuietCheck,
    SilenceCheck,
    await_answer,
    measure,
)
from signseg_rig.records import PassRecord, RunRecord
from signseg_rig.run.blocks import (
    Block,
    BlockMaker,
    check_replay,
    check_units,
    in_planned_order,
    in_stretches,
    orders_of,
    unanswered,
)
from signseg_rig.run.control import RunControl
from signseg_rig.run.rig import Rig
from signseg_rig.run.safeguards import abort_of
from signseg_rig.run.telling import Telling
from signseg_rig.values import (
    BrokenOff,
    ClockLine,
    InvalidReason,
    PassPlan,
    Presentation,
    Recording,
    ResponseBatch,
    Shown,
    Told,
)
from signseg_rig.wire.link import DisplayLost
from signseg_rig.wording import command

PAUSE_POLL_S = 0.1
# Recording systems send every 50 ms or more often.
MAX_SILENCE_S = 0.2
# What an answer that was not waited for lacks: it is shown again, and not an attempt.
UNANSWERED = (
    InvalidReason.WINDOW_INCOMPLETE,
    InvalidReason.NO_SYNC_EDGE,
    InvalidReason.AMBIGUOUS_ALIGNMENT,
)

Meanwhile = Callable[[], None]


class Passes:
    """Takes passes, one after the other.

    Parameters
    ----------
    experiment : Experiment
    rig : Rig
        Open, and lent to this run.
    blocks : BlockMaker
    record : RunRecord
    control : RunControl
    telling : Telling

    Attributes
    ----------
    quiet : QuietCheck
    """

    def __init__(
        self,
        experiment: Experiment,
        *,
        rig: Rig,
        blocks: BlockMaker,
        record: RunRecord,
        control: RunControl,
        telling: Telling,
    ) -> None:
        self.quiet = QuietCheck(experiment.windows)
        self._experiment = experiment
        self._rig = rig
        self._blocks = blocks
        self._record = record
        self._control = control
        self._telling = telling
        self._aligner = Aligner()
        # The aligner's line on the device's own clock, for the record.
        self._line: ClockLine | None = None
        self._silence = SilenceCheck()
        self._remarked = self._remark_to_tell = ""

    def take_remark(self) -> str:
        """Return what is to be told of the sync line since the last call, in whole sentences."""
        remark, self._remark_to_tell = self._remark_to_tell, ""
        return remark

    def recall(self, block: Block, plan: PassPlan) -> PassRecord | None:
        """Return a pass from the record, where it is, and learn what was learnt from it.

        Raises
        ------
        ReplayMismatchError
            It is not the planned one.
        """
        recorded = self._record.reader.find_pass(plan.block, plan.attempt)
        if recorded is None:
            return None
        check_replay(plan, recorded.plan)
        for responses in (*recorded.parts, recorded.responses):
            if responses is not None:
                check_units(plan, responses, self._rig.unit_names)
                self._telling.tell(state="replaying", message="replaying what is recorded")
        for stretch in in_stretches(recorded.parts, recorded.responses):
            self.quiet.recall(stretch)
        if recorded.clock_line is not None:
            self._aligner.known = self._line = recorded.clock_line
        if recorded.responses is not None:
            self._restore_images(block)
        return recorded

    def take(
        self,
        block: Block,
        plan: PassPlan,
        recorded: PassRecord | None,
        told: tuple[Told, ...],
        meanwhile: Meanwhile,
    ) -> ResponseBatch:
        """Show what of a pass has no answer yet, and record it with its responses.

        Parameters
        ----------
        block : Block
        plan : PassPlan
        recorded : PassRecord or None
            What `recall` returned.
        told : tuple of Told
            To be recorded with it.
        meanwhile : callable
            Called while the display is busy.
        """
        with self._telling.timed("record"):
            self._record.planned(plan, block.codes(), told)
        self._record.save_images(self._blocks.images(block))
        parts = self._present(block, plan, recorded.parts if recorded else (), meanwhile)
        responses = in_planned_order(plan, parts)
        with self._telling.timed("record"):
            self._record.responses(plan.block, plan.attempt, responses, self._line)
        return responses

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
        meanwhile: Meanwhile,
    ) -> list[ResponseBatch]:
        """Show what of a pass has no answer yet, and read the responses: in one stretch or several.

        A pause, a stop or a lost display ends a stretch, and what was shown until then is read and
        recorded at once: recording systems do not keep their data for ever, clocks drift apart in
        a long pause, and what an animal has answered is not asked of it again.
        """
        parts = list(recorded)
        while remaining := unanswered(plan, parts):
            self._telling.tell(
                n_planned=len(plan.presentations),
                n_shown=len(plan.presentations) - len(remaining),
            )
            self._wait_until_wanted(plan)
            shown, broken_off = self._show(block, plan, remaining, meanwhile)
            reported = {one.presentation_id for one in shown}
            reported |= {one.presentation_id for one in broken_off}
            done = tuple(item for item in remaining if item.id in reported)
            if not done:
                continue
            if (part := self._respond(plan, done, shown, broken_off)).presentation_ids:
                parts.append(part)
                if len(part.presentation_ids) < len(remaining):
                    self._record_part(plan, part)
        return parts

    def _show(
        self,
        block: Block,
        plan: PassPlan,
        presentations: tuple[Presentation, ...],
        meanwhile: Meanwhile,
    ) -> tuple[tuple[Shown, ...], tuple[BrokenOff, ...]]:
        """Show presentations until a wish or the loss of the display ends it."""
        n_before = len(plan.presentations) - len(presentations)
        shown: list[Shown] = []
        broken_off: list[BrokenOff] = []
        link, buffer, frames = self._rig.link, self._rig.buffer, self._frames(plan)
        try:
            with self._telling.timed("preload"):
                link.preload(self._blocks.views(block))
            buffer.begin(plan, self._is_on)
            for report in link.show(
                orders_of(plan, presentations, code_bits=self._experiment.sync.code_bits),
                on_frames=frames.on_frames,
                off_frames=frames.off_frames,
                is_wanted=self._control.is_going,
                meanwhile=meanwhile,
            ):
                if isinstance(report, Shown):
                    shown.append(report)
                    buffer.saw(report)
                    self._record.shown(plan.block, plan.attempt, [report])
                else:
                    broken_off.append(report)
                    self._record.shown(plan.block, plan.attempt, [], [report])
                self._telling.tell(n_shown=n_before + len(shown) + len(broken_off))
                self._note_marks(plan)
        except DisplayLost as lost:
            n_again = len(presentations) - len(shown) - len(broken_off)
            self._record.note(
                "display lost", block=plan.block, reason=str(lost), n_to_be_shown_again=n_again
            )
        return tuple(shown), tuple(broken_off)

    def _respond(
        self,
        plan: PassPlan,
        presentations: tuple[Presentation, ...],
        shown: tuple[Shown, ...],
        broken_off: tuple[BrokenOff, ...],
    ) -> ResponseBatch:
        """Receive the recording of what was shown, record it, and count its spikes."""
        rules, windows = self._experiment.invalid_trials, self._experiment.windows
        answer = self._await_answer(plan, shown)
        with self._telling.timed("record"):
            self._record.recording(
                plan.block,
                plan.attempt,
                answer.recording,
                presentation_ids=[item.id for item in presentations],
                alignment=_told_of(answer.alignment),
            )
            responses = measure(
                answer.recording,
                answer.alignment,
                shown,
                broken_off,
                presentations,
                windows=windows,
                unit_names=self._rig.unit_names,
                orders=self._frames(plan),
                reject_dropped_frames=rules.reject_dropped_frames,
            )
        if not answer.is_complete and self._control.is_stopped:
            return _answered(responses)
        if answer.alignment.remark:
            self._remark(plan, answer.alignment.remark)
        # What ends the run as invalid is not recorded: once resumed, it is shown again.
        self._silence.check(answer.recording, responses, timeout_s=rules.response_timeout_s)
        responses = self.quiet.marked(responses)
        self._abort_where_invalid(plan, responses)
        return responses

    def _await_answer(self, plan: PassPlan, shown: tuple[Shown, ...]) -> Answer:
        timeout_s = self._experiment.invalid_trials.response_timeout_s
        self._telling.tell(message=f"waiting up to {timeout_s:g} s for the recording system")
        with self._telling.timed("source"):
            self._rig.buffer.end(plan, self._is_worth_waiting)
            answer = await_answer(
                self._rig.buffer,
                shown,
                self._experiment.windows,
                self._experiment.sync,
                self._aligner,
                timeout_s=timeout_s,
                is_wanted=self._is_worth_waiting,
            )
        if self._aligner.known is not None:
            self._line = _on_device_clock(self._aligner.known, answer.recording)
        return answer

    def _remark(self, plan: PassPlan, remark: str) -> None:
        """Say what is wrong on the sync line, once for each sentence."""
        if remark != self._remarked:
            self._record.note("sync line", block=plan.block, remark=remark)
        self._remarked = self._remark_to_tell = remark

    def _abort_where_invalid(self, plan: PassPlan, responses: ResponseBatch) -> None:
        if responses.is_valid.all() or self._experiment.invalid_trials.policy != "abort":
            return
        if responses.is_valid.any():
            self._record_part(plan, responses.rows(np.flatnonzero(responses.is_valid)))
        counts, sentence = abort_of(plan, responses)
        self._record.note("aborted", block=plan.block, **counts)
        raise ResponseError(sentence)

    def _record_part(self, plan: PassPlan, responses: ResponseBatch) -> None:
        with self._telling.timed("record"):
            self._record.responses_in_part(plan.block, plan.attempt, responses, self._line)

    def _wait_until_wanted(self, plan: PassPlan) -> None:
        """Wait while the run is paused or has no display; end it where the experimenter wants."""
        link = self._rig.link
        while self._control.is_paused and not self._control.is_stopped:
            self._telling.tell(state="paused", message="paused; press p to go on")
            # The wish to go on may come from the display's window.
            link.attend(PAUSE_POLL_S)
            self._note_marks(plan)
        if link.hello is None:
            self._telling.tell(state="waiting", message="waiting for a display to connect")
            link.wait_until_connected(self._is_on)
        if self._control.is_stopped:
            raise RunStopped(
                f"The run was stopped in block {plan.block}. {resume_hint(self._record)}"
            )
        # Before the first image, which may take a while: the key that went on would pause it now.
        self._telling.tell(state="running", message="")

    def _note_marks(self, plan: PassPlan) -> None:
        for at_utc in self._control.take_marks():
            self._record.note("person", text="Marked by key.", at_utc=at_utc, block=plan.block)

    def _is_on(self) -> bool:
        return not self._control.is_stopped

    def _is_worth_waiting(self) -> bool:
        """Return whether to wait for an answer: also after a stop, as long as data come."""
        return self._is_on() or self._rig.buffer.silent_s < MAX_SILENCE_S

    def _frames(self, plan: PassPlan) -> Orders:
        assert plan.durations is not None
        return Orders.of(self._experiment.monitor, plan.durations)


def resume_hint(record: RunRecord) -> str:
    """Say how the run of a record is gone on with."""
    again = command("resume", record.path)
    return f"Everything up to here is recorded; go on with: {again}"


def _on_device_clock(line: ClockLine, recording: Recording) -> ClockLine:
    """Return a line of the recording's clock as one of the device's own.

    A later process counts the runs of the device's clock from 0 again, and leaves the first as it
    is.
    """
    shifts_s = {one.number: one.shift_s for one in recording.epochs}
    return replace(line, offset_s=line.offset_s - shifts_s.get(line.epoch, 0.0), epoch=0)


def _told_of(alignment: Alignment) -> dict[str, Any]:
    table = {
        "n_missing": alignment.n_missing,
        "n_extra": alignment.n_extra,
        "residual_s": alignment.residual_s,
        "remark": alignment.remark,
    }
    return table | ({"line": asdict(alignment.line)} if alignment.line else {})


def _answered(responses: ResponseBatch) -> ResponseBatch:
    """Return the responses to what was answered before it was not waited for any longer."""
    rows = [row for row, reason in enumerate(responses.reasons) if reason not in UNANSWERED]
    return responses.rows(np.array(rows, dtype=np.intp))
