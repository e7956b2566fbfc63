"""Explain why settings were refused: every problem with its path, through plugins' settings."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from signseg_rig.settings.toml_lines import KeyPath
from signseg_rig.wording import close_match_hint

MAX_SHOWN_CHARACTERS = 80
# Nobody reads on after so many.
MAX_EXPLAINED = 200
ABOUT_KEY = "key"


class Fault(NamedTuple):
    """Why a setting was refused.

    Parameters
    ----------
    path : tuple
        Keys and positions from the top of the model.
    message : str
    kind : str
        What pydantic calls it; ``"key"`` where the name of a table's entry is wrong.
    known : tuple of str
        Names of which its key, or its value, should be one.
    """

    path: KeyPath
    message: str
    kind: str
    known: tuple[str, ...] = ()


def explain(error: ValidationError, model: type[BaseModel]) -> list[Fault]:
    """List every problem of settings.

    Parameters
    ----------
    error : pydantic.ValidationError
    model : class
        The settings model that raised it; a misspelt key is compared with its keys.

    Returns
    -------
    faults : list of Fault
        One for each setting, whatever number of its kinds of value it is none of.
    """
    faults: dict[KeyPath, Fault] = {}
    items = error.errors(include_url=False)
    for item in items[:MAX_EXPLAINED]:
        for fault in _explain_one(item, model):
            other = faults.setdefault(fault.path, fault)
            if other.message != fault.message:
                message = f"{other.message}; or {fault.message}"
                faults[fault.path] = other._replace(message=message)
    found = list(faults.values())
    if n_more := len(items[MAX_EXPLAINED:]):
        found.append(Fault((), f"has {n_more} more problems, which are not listed", "more"))
    return found


def shown(value: object) -> str:
    """Write a value as its author did in TOML, if it is short enough."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    text = repr(value)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else f"{text[:MAX_SHOWN_CHARACTERS]}..."


def _explain_one(item: ErrorDetails, model: type[BaseModel]) -> Iterator[Fault]:
    path, tables = _resolved(model, item["loc"])
    context = item.get("ctx", {})
    match item["type"]:
        case "plugin_settings":
            for fault in explain(context["inner"], context["model"]):
                yield fault._replace(path=(*path, *fault.path))
        case "conflicts":
            for conflict in context["conflicts"]:
                yield Fault((*path, *conflict.keys[0]), conflict.message, item["type"])
        case "too_short" if len(item["input"]) >= context["min_length"]:
            pass  # pydantic does not count elements that have problems of their own
        case "extra_forbidden":
            _, tables = _resolved(model, item["loc"][:-1])
            yield _unknown_key(path, tables)
        case "plugin_kind" | "union_tag_invalid" | "union_tag_not_found":
            yield _wrong_choice(item, path, tables)
        case _:
            yield _wrong_value(item, path)


def _unknown_key(path: KeyPath, tables: list[type[BaseModel]]) -> Fault:
    known = tuple(sorted({name for table in tables for name in table.model_fields}))
    hint = close_match_hint(str(path[-1]), known)
    rest = hint or f" Known here are: {', '.join(known) or 'none'}"
    return Fault(path, f"unknown key.{rest}", "extra_forbidden", known)


def _wrong_choice(item: ErrorDetails, path: KeyPath, branches: list[type[BaseModel]]) -> Fault:
    kind, context = item["type"], item["ctx"]
    if kind == "plugin_kind":
        return Fault((*path, "kind"), item["msg"], kind, tuple(context["names"]))
    key, got = context["discriminator"].strip("'"), context.get("tag")
    tags = tuple(tag for one in branches for tag in get_args(one.model_fields[key].annotation))
    message = f"should be one of {', '.join(map(repr, tags))}"
    if got is None:
        message = f"{message}; it is missing"
    else:
        message = _hinted(f"{message}; got {got!r}", close_match_hint(got, tags))
    return Fault((*path, key), message, kind, tags)


def _wrong_value(item: ErrorDetails, path: KeyPath) -> Fault:
    kind = item["type"]
    if kind == "missing":
        return Fault(path, "is missing; it has no default", kind)
    if path[-1:] == ("[key]",):
        # Pydantic marks what it says about a key, not about what stands under it.
        return Fault(path[:-1], _unfit(item, ()), ABOUT_KEY)
    known = re.findall(r"'([^']*)'", item["ctx"]["expected"]) if kind == "literal_error" else ()
    return Fault(path, _unfit(item, known), kind, tuple(known))


def _unfit(item: ErrorDetails, known: Collection[str]) -> str:
    message = item["msg"].removeprefix("Value error, ").removeprefix("Input ")
    got = item["input"]
    if item["type"] == "string_type":
        message = "should be text in quotes"
    if isinstance(got, dict | BaseModel):
        return message
    hint = close_match_hint(got, known) if isinstance(got, str) else ""
    return _hinted(f"{message}; got {shown(got)}", hint)


def _hinted(message: str, hint: str) -> str:
    return f"{message}.{hint}" if hint else message


def _resolved(annotation: Any, path: KeyPath) -> tuple[KeyPath, list[type[BaseModel]]]:
    """Take out of a path the union branches that pydantic adds; find the models at its end."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _resolved_in_model(annotation, path)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _resolved(arguments[0], path)
    if origin in (Union, UnionType):
        return _resolved_in_union([item for item in arguments if item is not NoneType], path)
    if not path or not arguments:
        return path, []
    item = arguments[1] if origin is dict else arguments[0]
    if origin is tuple and Ellipsis not in arguments and path[0] in range(len(arguments)):
        item = arguments[int(path[0])]
    rest, models = _resolved(item, path[1:])
    return (path[0], *rest), models


def _resolved_in_model(
    model: type[BaseModel], path: KeyPath
) -> tuple[KeyPath, list[type[BaseModel]]]:
    if not path:
        return (), [model]
    if path[0] not in model.model_fields:
        return path, []
    rest, models = _resolved(model.model_fields[str(path[0])].annotation, path[1:])
    return (path[0], *rest), models


def _resolved_in_union(branches: list[Any], path: KeyPath) -> tuple[KeyPath, list[type[BaseModel]]]:
    if len(branches) == 1:
        return _resolved(branches[0], path)
    if not path:
        return (), [model for branch in branches for model in _resolved(branch, ())[1]]
    for branch in branches:
        if _is_branch(branch, path[0]):
            return _resolved(branch, path[1:])
    return path[1:], []


def _is_branch(branch: Any, label: str | int) -> bool:
    """Return whether pydantic's label of a branch, its class or discriminator, means this one."""
    if not (isinstance(branch, type) and issubclass(branch, BaseModel)):
        return False
    fields = branch.model_fields.values()
    return label == branch.__name__ or any(label in get_args(item.annotation) for item in fields)
