"""What was done to a unit's weights: the words for it, their names, and their order in a sweep."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from signseg_rig.errors import ConfigError

Sign = Literal["positive", "negative"]
Match = Literal["number", "magnitude"]
Control = Match | Literal["both_signs"]
INTACT: Final = "intact"
BOTH: Final = "both"
BOTH_SIGNS: Final = "both_signs"
SIGNS: Final = (*get_args(Sign), BOTH, INTACT)
CONTROLS: Final = ("", *get_args(Match), BOTH_SIGNS)
STRENGTHS: Final = tuple(step / 10 for step in range(1, 11))


@dataclass(frozen=True, slots=True)
class Condition:
    """What was done to a unit's weights.

    Which unit or matrix is taken on its own (`Scope`) and what a model keeps besides (`Convention`)
    are not part of it: all conditions that are compared have them in common.

    Parameters
    ----------
    sign : {"positive", "negative", "both", "intact"}
        What was removed, or what random weights are matched to; ``"intact"`` where nothing was
        removed.
    strength : float, from 0 to 1
        The share of the summed magnitude of these weights that was to be removed.
    control : {"", "number", "magnitude", "both_signs"}
        ``""`` for an ablation, else the kind of control: random weights matched to an ablation in
        number or in magnitude, or weights of both signs.

    Raises
    ------
    ConfigError
        A word is unknown, the strength is not from 0 to 1, or they do not go together.

    Examples
    --------
    >>> Condition("positive", 0.5, "number").name
    'random, number of positive'
    >>> Condition("positive", 0.5, "number").ablation
    Condition(sign='positive', strength=0.5, control='')
    """

    sign: Sign | Literal["both", "intact"] = INTACT
    strength: float = 0.0
    control: Control | Literal[""] = ""

    def __post_init__(self) -> None:
        require_word("sign", self.sign, SIGNS)
        require_word("control", self.control, CONTROLS)
        require_strength(self.strength)
        if self.sign == INTACT and (self.strength or self.control):
            raise ConfigError(
                f"Of an intact unit nothing is removed; got strength {self.strength} and control "
                f"{self.control!r}. Name the sign of what is removed, or leave both out."
            )
        if (self.sign == BOTH) != (self.control == BOTH_SIGNS):
            raise ConfigError(
                f"Weights of both signs are removed as a control, sign {BOTH!r} with control "
                f"{BOTH_SIGNS!r}; got sign {self.sign!r} with control {self.control!r}. Give both "
                "words, or neither."
            )

    @property
    def is_intact(self) -> bool:
        """Whether this is the unit as it was, which everything else is compared with."""
        return self.sign == INTACT

    @property
    def match(self) -> Match | Literal[""]:
        """In what random weights are matched to an ablation; empty where none are random."""
        return "" if self.control == BOTH_SIGNS else self.control

    @property
    def is_random(self) -> bool:
        """Whether what is removed is drawn anew for each repeat."""
        return bool(self.match)

    @property
    def ablation(self) -> Condition:
        """The ablation that random weights are matched to; where none are random, this itself."""
        return replace(self, control="") if self.is_random else self

    @property
    def name(self) -> str:
        """Name what was removed, without the strength; `parse` knows it again."""
        if self.is_random:
            return f"random, {self.match} of {self.sign}"
        return "both signs" if self.sign == BOTH else self.sign

    @property
    def words(self) -> tuple[str, str, str]:
        """What names the condition among the sources of chance: other words, other draws."""
        return self.sign, repr(float(self.strength)), self.control

    @classmethod
    def parse(cls, name: str, strength: float) -> Condition:
        """Return the condition of a name.

        Parameters
        ----------
        name : str
            As `name` gives it, or ``"both"``.
        strength : float, from 0 to 1

        Raises
        ------
        ConfigError
            There is no such name, or the strength cannot be.

        Examples
        --------
        >>> Condition.parse("both", 0.7)
        Condition(sign='both', strength=0.7, control='both_signs')
        """
        every = list_conditions(get_args(Sign), (1.0,), (1.0,), get_args(Match))
        both = cls(BOTH, 1.0, BOTH_SIGNS)
        named = {one.name: one for one in every} | {both.name: both, BOTH: both}
        require_word("What was removed", name, tuple(named))
        return replace(named[name], strength=strength)


def list_conditions(
    signs: Sequence[Sign],
    strengths: Sequence[float],
    control_strengths: Sequence[float] = (),
    controls: Sequence[Control] = (),
) -> Iterator[Condition]:
    """List conditions in the order of a sweep: intact, ablations, random controls, both signs.

    Parameters
    ----------
    signs : sequence of {"positive", "negative"}
    strengths : sequence of float, from 0 to 1
        Of the ablations of each sign.
    control_strengths : sequence of float, from 0 to 1
    controls : sequence of {"number", "magnitude", "both_signs"}
        At each of these strengths; random ones of each sign.

    Yields
    ------
    condition : Condition

    Examples
    --------
    >>> [one.name for one in list_conditions(["negative"], [0.5], [0.5], ["both_signs", "number"])]
    ['intact', 'negative', 'random, number of negative', 'both signs']
    """
    yield Condition()
    yield from itertools.starmap(Condition, itertools.product(signs, strengths))
    matches = [control for control in controls if control != BOTH_SIGNS]
    yield from itertools.starmap(Condition, itertools.product(signs, control_strengths, matches))
    if BOTH_SIGNS in controls:
        for strength in control_strengths:
            yield Condition(BOTH, strength, BOTH_SIGNS)


def require_word(what: str, word: str, words: tuple[str, ...]) -> None:
    """Check that a word is one of those there are.

    Raises
    ------
    ConfigError
        It is another; the message lists them.
    """
    if word not in words:
        raise ConfigError(f"{what} should be one of {words}; got {word!r}.")


def require_strength(strength: float) -> None:
    """Check that a strength is a share, from 0 to 1.

    Raises
    ------
    ConfigError
        It is not.
    """
    if not 0 <= strength <= 1:
        raise ConfigError(f"strength should be from 0 to 1; got {strength}.")
