"""What differs between two tables, such as a manifest and the one of a later session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

# What is not there, as opposed to what is there and empty.
ABSENT = "absent"


def differences(before: object, now: object) -> dict[str, tuple[object, object]]:
    """Compare what JSON or TOML can hold, value by value.

    Parameters
    ----------
    before, now : mapping, list or plain value

    Returns
    -------
    differences : dict of dotted key to (before, now)
        In the order of the keys; `ABSENT` stands for a value that one side does not have.

    Examples
    --------
    >>> differences({"a": {"b": 1, "c": [2, 3]}}, {"a": {"b": 1, "c": [2, 4]}, "d": 5})
    {'a.c[1]': (3, 4), 'd': ('absent', 5)}
    """
    one, other = dict(_leaves(before)), dict(_leaves(now))
    pairs = {key: (one.get(key, ABSENT), other.get(key, ABSENT)) for key in {**one, **other}}
    return {key: pair for key, pair in sorted(pairs.items()) if pair[0] != pair[1]}


def _leaves(value: object, key: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _leaves(item, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{key}[{index}]")
    else:
        yield key, value
