"""Say of an unknown name which known one was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Collection

MAX_LISTED = 20


def unknown_name(where: str, what: str, name: str, known: Collection[str], *, remedy: str) -> str:
    """Describe a name that is none of the known ones.

    Parameters
    ----------
    where : str
        What uses it, as the beginning of a sentence.
    what : str
        What it should be a name of.
    name : str
    known : collection of str
    remedy : str
        What to do, as a whole sentence.

    Returns
    -------
    problem : str

    Examples
    --------
    >>> unknown_name("Thread 'a'", "unit", "it1", ["it_1", "v4_1"], remedy="Mend it.")
    "Thread 'a' names the unit 'it1'. Did you mean 'it_1'? Known are: 'it_1', 'v4_1'. Mend it."
    """
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    listed = ", ".join(map(repr, list(known)[:MAX_LISTED])) or "none"
    more = f" and {len(known) - MAX_LISTED} more" if len(known) > MAX_LISTED else ""
    return f"{where} names the {what} {name!r}.{hint} Known are: {listed}{more}. {remedy}"


def unknown_generator(where: str, name: str, known: Collection[str]) -> str:
    """Describe the name of a generator that the experiment file does not have."""
    remedy = f"Add a table [generators.{name}], or name one of these."
    return unknown_name(where, "generator", name, known, remedy=remedy)
