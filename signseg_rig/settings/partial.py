"""Make settings of a table although some of it is wrong, so that the rest can be checked too."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic

from pydantic import ValidationError

from signseg_rig.settings.base import (
    LISTS_CONFLICTS,
    AnySettings,
    PluginChoice,
    Settings,
    all_conflicts,
)
from signseg_rig.settings.explained import ABOUT_KEY, Fault, explain, shown
from signseg_rig.settings.toml_lines import KeyPath

# Each round of mending shows what stood behind the faults of the one before.
MAX_ROUNDS = 40
# Tried in this order in place of a value that is needed, until its model takes one.
STAND_INS: tuple[Any, ...] = (1, "unnamed", {}, [1, 2], ["unnamed"], [{}], [0, 1, 2])
LEFT_OUT = object()
CHOICES = ("plugin_kind", "union_tag_invalid", "union_tag_not_found")


@dataclass(frozen=True, slots=True)
class Partial(Generic[AnySettings]):
    """Settings that were made as far as they could be.

    Parameters
    ----------
    settings : instance of the model, or None
        None where nothing could be made of the table. Wrong values are replaced by others.
    faults : list of Fault
        All of them; with none, `settings` are what the table says.
    doubtful : tuple of tuple
        Paths of what `settings` hold in place of something that is wrong or missing.
    renamed : dict of tuple to tuple
        Paths of the keys that were meant, and of those that are written.
    """

    settings: AnySettings | None
    faults: list[Fault]
    doubtful: tuple[KeyPath, ...]
    renamed: dict[KeyPath, KeyPath]


def touches(path: KeyPath, others: Iterable[KeyPath]) -> bool:
    """Check whether a path lies in, or holds, one of others."""
    return any(all(a == b for a, b in zip(path, other, strict=False)) for other in others)


def is_within(path: KeyPath, others: Iterable[KeyPath]) -> bool:
    """Check whether a path is one of others, or lies in one of them."""
    return any(path[: len(other)] == other for other in others)


def make_partially(
    model: type[AnySettings],
    table: Mapping[str, Any],
    *,
    context: Mapping[str, Any],
    incomplete: Collection[KeyPath] = (),
) -> Partial[AnySettings]:
    """Make settings, and list everything that is wrong with them.

    Parameters
    ----------
    model : class
    table : mapping of str to object
    context : mapping
        Of the validation.
    incomplete : collection of tuple
        Paths of tables whose keys are not all known, so that none is said to be missing.

    Returns
    -------
    partial : Partial

    Notes
    -----
    A misspelt key or name with a close match counts as what was meant. Any other wrong value is
    taken out, or replaced by one that its model takes; what then is said about it, or needs it,
    is left out, as it would be about the replacement.
    """
    mender = _Mender(table, frozenset(incomplete))
    settings = mender.make(model, {**context, LISTS_CONFLICTS: True})
    if settings is not None:
        mender.faults += mender.wrong_types(settings)
        mender.faults += mender.conflicts(settings)
    return Partial(settings, mender.faults, mender.doubtful, mender.renamed)


class _Mender:
    """Replaces what is wrong in a table until settings can be made of it."""

    def __init__(self, table: Mapping[str, Any], incomplete: frozenset[KeyPath]) -> None:
        self.table: Any = copy.deepcopy(dict(table))
        self.faults: list[Fault] = []
        self.renamed: dict[KeyPath, KeyPath] = {}
        self._incomplete = incomplete
        # What may still be tried in place of each value that was wrong.
        self._stand_ins: dict[KeyPath, Iterator[Any]] = {}
        self._chosen: set[KeyPath] = set()

    @property
    def doubtful(self) -> tuple[KeyPath, ...]:
        return (*self._stand_ins, *self._incomplete)

    def make(self, model: type[AnySettings], context: Mapping[str, Any]) -> AnySettings | None:
        for _ in range(MAX_ROUNDS):
            try:
                return model.model_validate(self.table, context=dict(context))
            except ValidationError as error:
                found = explain(error, model)
            # A key that was meant is not missing.
            found.sort(key=lambda fault: fault.kind != "extra_forbidden")
            replaced = tuple(self._stand_ins)
            for fault in found:
                is_mended = self._mend(fault)
                if not (is_mended and fault.kind == "missing") and self._is_news(fault, replaced):
                    self.faults.append(fault)
            if found[-1].kind == "more":
                break
        return None

    def wrong_types(self, settings: Settings) -> Iterator[Fault]:
        for fault in _quoted(self.table, settings, ()):
            if not is_within(fault.path, self._stand_ins):
                yield fault

    def conflicts(self, settings: Settings) -> Iterator[Fault]:
        for path, conflict in all_conflicts(settings):
            keys = [(*path, *key) for key in conflict.keys]
            if not any(touches(key, self.doubtful) for key in keys):
                yield Fault(keys[0], conflict.message, "conflicts")

    def _is_news(self, fault: Fault, replaced: Collection[KeyPath]) -> bool:
        if is_within(fault.path, replaced) or fault in self.faults:
            return False
        if fault.kind in ("missing", "union_tag_not_found"):
            return not is_within(fault.path[:-1], self._incomplete)
        # What a validator of a whole table says may stem from what was put into it.
        return fault.kind != "value_error" or not touches(fault.path, replaced)

    def _mend(self, fault: Fault) -> bool:
        """Put something in the place of a wrong value; tell whether it is what was meant."""
        if not fault.path:
            return False
        if fault.kind == "extra_forbidden":
            return self._mend_key(fault)
        if fault.kind == "missing" and fault.path in self.renamed:
            return True
        container, key = self._container(fault.path[:-1]), fault.path[-1]
        value = _item(container, key)
        if fault.path not in self._stand_ins and (meant := _meant(value, fault.known)):
            _put(container, key, meant)
            return True
        if fault.kind == ABOUT_KEY:
            if isinstance(container, dict):
                container.pop(key, None)
            self._stand_ins[fault.path] = iter(())
        elif fault.kind in CHOICES:
            self._replace(fault.path[:-1], self._choices(fault))
        else:
            is_needed = fault.kind == "missing" or isinstance(container, list)
            left_out = () if is_needed else (LEFT_OUT,)
            self._replace(fault.path, iter([*left_out, *_like(value), *fault.known, *STAND_INS]))
        return False

    def _choices(self, fault: Fault) -> Iterator[Any]:
        path, key = fault.path[:-1], fault.path[-1]
        if path not in self._chosen:
            # Now that it shows to be a choice, nothing else is worth a try.
            self._chosen.add(path)
            self._stand_ins[path] = iter([{key: name} for name in fault.known])
        return self._stand_ins[path]

    def _mend_key(self, fault: Fault) -> bool:
        table, key = self._container(fault.path[:-1]), str(fault.path[-1])
        if not isinstance(table, dict):
            return False
        value = table.pop(key, None)
        meant = _meant(key, fault.known)
        if meant is None or meant in table:
            return False
        table[meant] = value
        self.renamed[(*fault.path[:-1], meant)] = fault.path
        return True

    def _replace(self, path: KeyPath, stand_ins: Iterator[Any]) -> None:
        """Try the next of what may stand in for a value; or else, for the table that it is in."""
        tried = self._stand_ins.setdefault(path, stand_ins)
        container = self._container(path[:-1])
        for one in tried:
            if one is not LEFT_OUT:
                _put(container, path[-1], copy.deepcopy(one))
            elif isinstance(container, dict):
                container.pop(path[-1], None)
            return
        if len(path) > 1:
            for inner in [one for one in self._stand_ins if one[: len(path) - 1] == path[:-1]]:
                if len(inner) >= len(path):
                    del self._stand_ins[inner]
            self._replace(path[:-1], iter([LEFT_OUT, *STAND_INS]))

    def _container(self, path: KeyPath) -> Any:
        """Find the table or array at a path; what stands in a default is not in the table yet."""
        found: Any = self.table
        for key in path:
            inner = _item(found, key)
            if not isinstance(inner, dict | list):
                inner = {}
                if isinstance(found, dict):
                    found[key] = inner
            found = inner
        return found


def _item(container: Any, key: str | int) -> Any:
    if isinstance(container, dict):
        return container.get(key)
    is_there = isinstance(container, list) and isinstance(key, int) and key < len(container)
    return container[key] if is_there else None


def _put(container: Any, key: str | int, value: Any) -> None:
    if isinstance(container, dict) or (isinstance(key, int) and key < len(container)):
        container[key] = value
    else:
        container.append(value)  # what an array lacks


def _meant(written: object, known: Collection[str]) -> str | None:
    if not isinstance(written, str):
        return None
    return next(iter(difflib.get_close_matches(written, known, n=1)), None)


def _like(value: object) -> list[str]:
    """Make a name of a text that is none, so that messages can still name it."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", value).strip("-")[:80] if isinstance(value, str) else ""
    return [name] if name else []


def _quoted(raw: Any, made: object, path: KeyPath) -> Iterator[Fault]:
    """List numbers and truths that are written as something else; pydantic takes them as meant."""
    if isinstance(made, bool):
        if not isinstance(raw, bool):
            yield Fault(path, f"should be true or false without quotes; got {shown(raw)}", "type")
    elif isinstance(made, int | float) and isinstance(raw, str | bool):
        yield Fault(path, f"should be a number without quotes; got {shown(raw)}", "type")
    for key, item in _items(made):
        if (written := _item(raw, key)) is not None:
            yield from _quoted(written, item, (*path, key))


def _items(made: object) -> Iterable[tuple[str | int, object]]:
    match made:
        case PluginChoice():
            return made.settings
        case Settings():
            return made
        case Mapping():
            return made.items()
        case list() | tuple():
            return enumerate(made)
    return ()
