"""Say of an unknown name which known one was probably meant."""

from __future__ import annotations

from collections.abc import Collection

from signseg_rig.wording import close_match_hint, first_few

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
    hint = close_match_hint(name, known)
    listed = first_few(map(repr, known), MAX_LISTED) or "none"
    return f"{where} names the {what} {name!r}.{hint} Known are: {listed}. {remedy}"


def unknown_generator(where: str, name: str, known: Collection[str]) -> str:
    """Describe the name of a generator that the experiment file does not have."""
    remedy = f"Add a table [generators.{name}], or name one of these."
    return unknown_name(where, "generator", name, known, remedy=remedy)
