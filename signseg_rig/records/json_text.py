"""JSON that gives back every float as it was, also those that JSON does not know."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

# A number that is none: {"$float": "nan"}.
_FLOAT = "$float"


def to_json(value: object) -> str:
    """Write a value as one line of strict JSON.

    Parameters
    ----------
    value : what JSON can hold
        NaN, infinities and numpy scalars are allowed too; tuples become lists.
    """
    try:
        return _dumps(value)
    except ValueError:
        return _dumps(_marked(value))


def from_json(text: str) -> Any:
    """Read what `to_json` wrote."""
    return json.loads(text, object_hook=_unmarked)


def _dumps(value: object) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":"), default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"A run record keeps no {type(value).__name__}; it keeps what JSON can hold.")


def _marked(value: object) -> object:
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, Mapping):
        return {key: _marked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_marked(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {_FLOAT: str(value)}
    return value


def _unmarked(table: dict[str, Any]) -> object:
    return float(table[_FLOAT]) if table.keys() == {_FLOAT} else table
