"""What of a run cannot be trusted, pass by pass, and what its experimenter wants then."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass

from signseg_rig.experiment import SafeguardAction, SafeguardSettings
from signseg_rig.values import InvalidReason, PassPlan, ResponseBatch

# Fewer invalid ones in a row may be one inattentive moment.
MIN_PRESENTATIONS = 10
MIN_PRESENTATIONS_FOR_SHARE = 20
ACTIONS: tuple[SafeguardAction, ...] = ("stop", "pause", "warn")
OF_INVALID_ONES = ("no_valid_presentation", "many_invalid")
WRONG_DURATIONS = (InvalidReason.SHOWN_TOO_SHORT, InvalidReason.SHOWN_TOO_LONG)


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that the data of a pass say is wrong at the rig.

    Parameters
    ----------
    safeguard : str
        The key under ``[safeguards]`` that says what is done about it.
    action : {"stop", "pause", "warn"}
    reason : str
        What is wrong, and where to look, in whole sentences.
    """

    safeguard: str
    action: SafeguardAction
    reason: str


class Safeguards:
    """Judges every pass by its recorded responses, so that a resumed run judges as before.

    Parameters
    ----------
    settings : SafeguardSettings
    """

    def __init__(self, settings: SafeguardSettings) -> None:
        self._settings = settings
        self._n_invalid_in_a_row = 0
        self._latest: deque[tuple[int, int]] = deque()

    def judge(self, plan: PassPlan, responses: ResponseBatch) -> tuple[Alarm, ...]:
        """Return what is wrong with a pass, the worst first.

        Parameters
        ----------
        plan : PassPlan
        responses : ResponseBatch
            To all its presentations.
        """
        settings = self._settings
        counts = Counter(reason for reason in responses.reasons if reason is not None)
        # Silence has a safeguard of its own; but for it these would be valid.
        n_silent = counts.pop(InvalidReason.RECORDING_SILENT, 0)
        found = {
            "silent_recording": _silence(plan, responses, n_silent),
            "no_valid_presentation": self._nothing_valid(plan, responses, counts),
            "many_invalid": self._many_invalid(plan, responses, counts),
            "wrong_duration": _wrong_duration(plan, responses, counts),
        }
        alarms = [
            Alarm(name, getattr(settings, name), sentence)
            for name, sentence in found.items()
            if sentence
        ]
        alarms.sort(key=lambda alarm: ACTIONS.index(alarm.action))
        # They say the same in other words: the strictest is told, or else the most particular.
        repeated = [alarm for alarm in alarms if alarm.safeguard in OF_INVALID_ONES][1:]
        return tuple(alarm for alarm in alarms if alarm not in repeated)

    def _nothing_valid(
        self, plan: PassPlan, responses: ResponseBatch, counts: Counter[InvalidReason]
    ) -> str:
        if counts.total() < len(responses.reasons):
            self._n_invalid_in_a_row = 0
            return ""
        self._n_invalid_in_a_row += len(responses.reasons)
        if self._n_invalid_in_a_row < MIN_PRESENTATIONS:
            return ""
        return (
            f"None of the {len(responses.reasons)} presentations of block {plan.block} is valid: "
            f"{_listed(counts)}."
        )

    def _many_invalid(
        self, plan: PassPlan, responses: ResponseBatch, counts: Counter[InvalidReason]
    ) -> str:
        """Compare the share of what is invalid when it is first shown with its limit."""
        if plan.attempt > 0:
            return ""
        latest, limit = self._latest, self._settings.max_invalid_share
        latest.append((counts.total(), len(responses.reasons)))
        while sum(n for _, n in latest) - latest[0][1] >= MIN_PRESENTATIONS_FOR_SHARE:
            latest.popleft()
        n_invalid, n = (sum(numbers) for numbers in zip(*latest, strict=True))
        if n < MIN_PRESENTATIONS_FOR_SHARE or n_invalid <= limit * n:
            return ""
        return (
            f"{n_invalid} of the latest {n} presentations are invalid, more than a share of "
            f"{limit:g}; in block {plan.block}: {_listed(counts) or 'none'}."
        )


def abort_of(plan: PassPlan, responses: ResponseBatch) -> tuple[dict[str, int], str]:
    """Return why the policy "abort" ends a run: invalid presentations by reason, and in words."""
    counts = Counter(reason for reason in responses.reasons if reason is not None)
    sentence = (
        f"{counts.total()} of {len(responses.reasons)} presentations of block {plan.block} are "
        f"invalid: {_listed(counts)}; and [invalid_trials] policy is 'abort'. Mend the cause, then "
        "resume the run: what was invalid is shown again."
    )
    return {reason.value: n for reason, n in counts.items()}, sentence


def reason_to_end(alarms: Sequence[Alarm], *, is_attended: bool) -> str:
    """Return why a run has to end now, in whole sentences; an empty text where it need not.

    Parameters
    ----------
    alarms : sequence of Alarm
        The worst first.
    is_attended : bool
        Whether there is somebody to let a paused run go on.
    """
    worst = alarms[0] if alarms else None
    if worst is None or worst.action == "warn" or (worst.action == "pause" and is_attended):
        return ""
    alone = " Nobody is at a terminal to let it go on after a pause, so the run ends."
    return (
        f"{worst.reason}{alone if worst.action == 'pause' else ''} This is as [safeguards] "
        f"{worst.safeguard} = {worst.action!r} says. Mend the cause, then resume the run."
    )


def _silence(plan: PassPlan, responses: ResponseBatch, n: int) -> str:
    if not n:
        return ""
    return (
        f"No spike on any of {len(responses.unit_names)} units during {n} presentations of block "
        f"{plan.block}, which is no chance: is the headstage connected, and are the channels still "
        "sorted or thresholded? These presentations are invalid, and no score is made of them."
    )


def _wrong_duration(
    plan: PassPlan, responses: ResponseBatch, counts: Counter[InvalidReason]
) -> str:
    n = sum(counts[reason] for reason in WRONG_DURATIONS)
    if not n:
        return ""
    wrong = Counter({reason: counts[reason] for reason in WRONG_DURATIONS if counts[reason]})
    return (
        f"{n} of {len(responses.reasons)} presentations of block {plan.block} were on the screen "
        f"for another number of frames than ordered ({_listed(wrong)}). Does the display wait for "
        "the vertical blank, and is refresh_rate_hz under [monitor] right?"
    )


def _listed(counts: Counter[InvalidReason]) -> str:
    return ", ".join(f"{reason.value} ({n})" for reason, n in counts.most_common())
