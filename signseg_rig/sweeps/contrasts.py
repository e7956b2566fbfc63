"""What is asked of a sweep: which condition is compared with which, and where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from signseg_rig.signs import Condition, Sign
from signseg_rig.sweeps.measurement import INTACT_RESPONSE, REACHED

At = Literal["", "magnitude", "number"]
Question = Literal["intact", "control", "signs"]
INTACT_UNIT: Final = Condition()
EQUAL: Final[tuple[At, ...]] = ("magnitude", "number")
QUESTIONS: Final[dict[Question, str]] = {
    "intact": "against intact",
    "control": "against matched random weights",
    "signs": "positive against negative",
}
BY_ARITHMETIC: Final = (
    "not tested: with features that are never negative, removing positive weights can only lower "
    "the score of an image, and removing negative ones only raise it"
)
BY_SEARCH: Final = (
    "not tested: another score was searched for, whose highest value says nothing of the unit as "
    "it was"
)
BY_SELECTION: Final = (
    "not tested: the intact unit's own image was chosen by this score, so that any other falls "
    "short of it"
)


@dataclass(frozen=True, slots=True)
class Contrast:
    """A condition and what it is compared with.

    Parameters
    ----------
    condition, against : Condition
    at : {"", "magnitude", "number"}
        ``""``: as they were evolved. Otherwise positive against negative removed, where as much was
        removed of both: the strengths of an ablation are shares of the weights of its own sign, and
        no two units have as much of both. The place is what that sign of the two has removed at the
        strength of `condition` which has removed less then; the other's measure is taken from its
        curve, linear between evolved strengths.
    is_mean : bool
        Whether it is the mean over all places that the curves of both reach.
    """

    condition: Condition
    against: Condition = INTACT_UNIT
    at: At = ""
    is_mean: bool = False

    @property
    def question(self) -> Question:
        """What it asks: the tests of one question about a measure are corrected together."""
        if self.at:
            return "signs"
        return "control" if self.against.is_random else "intact"

    @property
    def words(self) -> str:
        """Where it is compared."""
        if not self.at:
            return ""
        return f"{'mean over' if self.is_mean else 'at'} equal {self.at} removed"


def list_contrasts(conditions: Sequence[Condition]) -> Iterator[Contrast]:
    """List what conditions are compared with, as far as there are such among them.

    Each with the intact unit; each ablation with the random weights that are matched to it; and
    positive with negative, of the strengths that both have.
    """
    for condition in conditions:
        if not condition.is_intact:
            yield Contrast(condition)
    for control in conditions:
        if control.is_random and control.ablation in conditions:
            yield Contrast(control.ablation, control)
    positive = strengths_of(conditions, "positive")[1:]
    common = [one for one in positive if Condition("negative", one) in conditions]
    for at in EQUAL:
        for strength in common:
            yield Contrast(Condition("positive", strength), Condition("negative", strength), at)
        if common:
            last = common[-1]
            yield Contrast(Condition("positive", last), Condition("negative", last), at, True)


def strengths_of(conditions: Sequence[Condition], sign: Sign) -> list[float]:
    """Return the strengths of a sign from 0, the intact unit, upwards."""
    own = (one.strength for one in conditions if one.sign == sign and not one.control)
    return [0.0, *sorted(own)]


def why_untested(measure: str, contrast: Contrast) -> str:
    """Say why a p would mean nothing; empty where it means something.

    Of the two activations the direction of some changes is known before anything is evolved. What
    can be asked of them is whether they differ from what matched random weights make of them, and
    of the intact unit's response whether it differs between the signs.
    """
    if measure == REACHED:
        return {"intact": BY_SEARCH, "signs": BY_ARITHMETIC}.get(contrast.question, "")
    if measure == INTACT_RESPONSE and contrast.question == "intact":
        return BY_SELECTION
    return ""
