"""Phrases that errors have in common."""

from __future__ import annotations

import difflib
import shlex
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


def close_match_hint(name: str, known: Collection[str], n: int = 1) -> str:
    """Ask whether a known name was meant by an unknown one.

    Parameters
    ----------
    name : str
    known : collection of str
    n : int
        How many to name at most.

    Returns
    -------
    hint : str
        A sentence after a space, or nothing where no known name is alike.

    Examples
    --------
    >>> close_match_hint("alxnet", ["alexnet", "vgg11"])
    " Did you mean 'alexnet'?"
    """
    close = difflib.get_close_matches(name, known, n=n)
    return f" Did you mean {' or '.join(map(repr, close))}?" if close else ""


def first_few(items: Iterable[str], n: int, separator: str = ", ") -> str:
    """List the first of many items, and count the others.

    Examples
    --------
    >>> first_few("abcdefg", 5)
    'a, b, c, d, e, and 2 more'
    """
    listed = list(items)
    rest = [f"and {len(listed) - n} more"] if listed[n:] else []
    return separator.join([*listed[:n], *rest])


def counted(n: int, noun: str) -> str:
    """Return a number of things.

    Examples
    --------
    >>> counted(1, "error"), counted(2, "error")
    ('1 error', '2 errors')
    """
    return f"{n} {noun}{'' if n == 1 else 's'}"


def command(verb: str, *arguments: object) -> str:
    """Return a call of the command line that can be pasted as it is, whatever a path is called.

    Examples
    --------
    >>> command("resume", "a run")
    "signseg-rig resume 'a run'"
    """
    return shell_line("signseg-rig", verb, *arguments)


def shell_line(*words: object) -> str:
    """Return a line for the shell of this machine, with quotes where it needs them."""
    join = subprocess.list2cmdline if sys.platform == "win32" else shlex.join
    return join([str(word) for word in words])


@contextmanager
def explained_writing(path: Path, error: type[Exception], remedy: str) -> Iterator[None]:
    """Turn what the disk says while a file or folder is written into an error with a remedy.

    Parameters
    ----------
    path : Path
    error : class
        Raised with one message.
    remedy : str
        What to do, as one or more sentences.
    """
    try:
        yield
    except OSError as said:
        raise error(f"{path} cannot be written: {said.strerror or said}. {remedy}") from said
