"""Explain why settings were refused: every problem with its path, through plugins' settings."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from signseg_rig.toml_lines import KeyPath

MAX_SHOWN_CHARACTERS = 80


def explain(error: ValidationError, model: type[BaseModel]) -> list[tuple[KeyPath, str]]:
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
    problems: list[tuple[KeyPath, str]] = []
    for item in error.errors(include_url=False):
        context = item.get("ctx", {})
        path = item["loc"]
        if item["type"] == "plugin_settings":
            inner = explain(context["inner"], context["model"])
            problems += [((*path, *rest), message) for rest, message in inner]
        elif item["type"] == "plugin_kind":
            problems.append(((*path, "kind"), item["msg"]))
        elif item["type"] == "extra_forbidden":
            problems.append((path, _unknown_key(path, model)))
        elif item["type"] == "missing":
            problems.append((path, "is missing; it has no default"))
        elif path[-1:] == ("[key]",):
            problems.append((path[:-1], f"as a name {_unfit(item)}"))
        else:
            problems.append((path, _unfit(item)))
    return problems


def nearest(word: str, known: list[str]) -> str | None:
    """Find the known word that a misspelt one most resembles."""
    close = difflib.get_close_matches(word, known, n=1)
    return close[0] if close else None


def _unfit(item: ErrorDetails) -> str:
    message = item["msg"].removeprefix("Value error, ").removeprefix("Input ")
    got = item["input"]
    if isinstance(got, dict | BaseModel):
        return message
    shown = repr(got)
    if len(shown) > MAX_SHOWN_CHARACTERS:
        shown = f"{shown[:MAX_SHOWN_CHARACTERS]}..."
    return f"{message}; got {shown}"


def _unknown_key(path: KeyPath, model: type[BaseModel]) -> str:
    known = sorted({key for table in _models_at(model, path[:-1]) for key in table.model_fields})
    near = nearest(str(path[-1]), known)
    if near is not None:
        return f"unknown key; did you mean {near!r}?"
    return f"unknown key; this table takes {', '.join(known) or 'none'}"


def _models_at(annotation: Any, path: KeyPath) -> Iterator[type[BaseModel]]:
    """Find the models that the table at a path may be read into."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not path:
            yield annotation
        elif path[0] in annotation.model_fields:
            yield from _models_at(annotation.model_fields[str(path[0])].annotation, path[1:])
        return
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        inner = [(arguments[0], path)]
    elif origin in (Union, UnionType):
        # Pydantic puts the branch of a union into the path; an optional table has none.
        inner = [(branch, rest) for branch in arguments for rest in (path, path[1:])]
    else:
        inner = [(item, path[1:]) for item in arguments] if path else []
    for item, rest in inner:
        yield from _models_at(item, rest)
