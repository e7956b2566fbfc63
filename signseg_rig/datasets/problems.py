"""What is wrong with a recorded data set, in sentences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from signseg_rig.wording import first_few

MAX_LISTED = 5


@dataclass(frozen=True, slots=True)
class DataProblem:
    """One thing that is wrong.

    Parameters
    ----------
    message : str
        A sentence, with the numbers and ids that it is about.
    is_error : bool
        Whether no model should be fitted before it is put right.
    unit_ids : tuple of str
        Units that a fit should leave out because of it.
    """

    message: str
    is_error: bool = True
    unit_ids: tuple[str, ...] = ()


def listed(items: Iterable[object]) -> str:
    """Name the first few items and count the others.

    Examples
    --------
    >>> listed("abcdefg")
    "'a', 'b', 'c', 'd', 'e', and 2 more"
    """
    return first_few(map(repr, items), MAX_LISTED)
