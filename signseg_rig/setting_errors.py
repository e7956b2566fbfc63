"""Explain why settings were refused: every problem with its path, through plugins' settings."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from signseg_rig.toml_lines import KeyPath

MAX_SHOWN_CHARACTERS = 80
Explained = tuple[KeyPath, str]


def explain(error: ValidationError, model: type[BaseModel]) -> list[Explained]:
    """List every problem of settings.

    Parameters
    ----------
    error : pydantic.ValidationError
    model : class
        The settings model that raised it; a misspelt key is compared with its keys.

    Returns
    -------
    problems : list of (path, message)
        The path as keys and positions from the top of `model`.
    """
    return [
        problem for item in error.errors(include_url=False) for problem in _explain_one(item, model)
    ]


def _explain_one(item: ErrorDetails, model: type[BaseModel]) -> Iterator[Explained]:
    path, tables = _resolved(model, item["loc"])
    context = item.get("ctx", {})
    match item["type"]:
        case "plugin_settings":
            for rest, message in explain(context["inner"], context["model"]):
                yield (*path, *rest), message
        case "plugin_kind":
            yield (*path, "kind"), item["msg"]
        case "union_tag_invalid" | "union_tag_not_found":
            key = context["discriminator"].strip("'")
            yield (*path, key), _wrong_tag(key, tables, context.get("tag"))
        case "extra_forbidden":
            _, tables = _resolved(model, item["loc"][:-1])
            yield path, _unknown_key(str(path[-1]), tables)
        case "missing":
            yield path, "is missing; it has no default"
        case "too_short" if len(item["input"]) >= context["min_length"]:
            pass  # pydantic does not count elements that have problems of their own
        case _:
            # Pydantic marks what it says about a key, not about what stands under it.
            is_about_key = path[-1:] == ("[key]",)
            yield path[:-1] if is_about_key else path, _unfit(item)


def _wrong_tag(key: str, branches: list[type[BaseModel]], got: str | None) -> str:
    tags = (get_args(branch.model_fields[key].annotation) for branch in branches)
    expected = ", ".join(repr(tag) for tag in itertools.chain.from_iterable(tags))
    return f"should be one of {expected}; {'it is missing' if got is None else f'got {got!r}'}"


def _unfit(item: ErrorDetails) -> str:
    message = item["msg"].removeprefix("Value error, ").removeprefix("Input ")
    got = item["input"]
    if isinstance(got, dict | BaseModel):
        return message
    shown = repr(got)
    if len(shown) > MAX_SHOWN_CHARACTERS:
        shown = f"{shown[:MAX_SHOWN_CHARACTERS]}..."
    return f"{message}; got {shown}"


def _unknown_key(key: str, tables: list[type[BaseModel]]) -> str:
    known = sorted({name for table in tables for name in table.model_fields})
    if close := difflib.get_close_matches(key, known, n=1):
        return f"unknown key; did you mean {close[0]!r}?"
    return f"unknown key; known here are: {', '.join(known) or 'none'}"


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
    """Tell whether pydantic's label of a branch, its class or discriminator, means this one."""
    if not (isinstance(branch, type) and issubclass(branch, BaseModel)):
        return False
    fields = branch.model_fields.values()
    return label == branch.__name__ or any(label in get_args(item.annotation) for item in fields)
