"""Independent random streams from one recorded seed, each named after its use."""

import hashlib

import numpy as np


def named_rng(seed: int, *names: str | int) -> np.random.Generator:
    """Return the random stream that belongs to a use.

    Streams of different names are independent, and adding one changes no other, so a run can be
    replayed part by part.

    Parameters
    ----------
    seed : int, >= 0
        The seed of the run.
    *names : str or int
        What the stream is for, such as ``"order", block``. An integer of NumPy names the stream
        that the same integer of Python names. Where a name ends counts: ``"a", "b"`` is not
        ``"ab"``, and ``1`` is not ``"1"``.

    Returns
    -------
    rng : numpy.random.Generator

    Raises
    ------
    TypeError
        A name is neither text nor a whole number. Those would not be written the same way
        everywhere: 0.7 and np.float64(0.7), None and what an option is later set to, True and 1.

    Examples
    --------
    >>> bool(named_rng(1, "order", 3).random() == named_rng(1, "order", 3).random())
    True
    """
    plain = tuple(_plain(name) for name in names)
    digest = hashlib.sha256(repr(plain).encode()).digest()
    words = np.frombuffer(digest, dtype="<u4")
    return np.random.default_rng([_whole(seed, "The seed of a random stream"), *words.tolist()])


def _plain(name: object) -> str | int:
    if isinstance(name, str):
        return str.__str__(name)  # of a subclass, such as numpy.str_, its text alone
    return _whole(name, "A name of a random stream")


def _whole(value: object, what: str) -> int:
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value)
    expected = "a whole number" if what.startswith("The seed") else "text or a whole number"
    raise TypeError(
        f"{what} should be {expected}; got {value!r}, a {type(value).__name__}. Name it as it is "
        "to be written down, such as repr(0.7) for a number with a fraction."
    )
