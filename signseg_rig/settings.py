"""The base of every settings model, and the `kind = "name"` tables that choose a plugin."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError
from pydantic_core import PydanticCustomError, core_schema

from signseg_rig.errors import RigError
from signseg_rig.plugins import Group, list_plugins, load_plugin


class Settings(BaseModel):
    """Frozen settings: an unknown key is an error, a number has bounds, a name carries its unit."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True
    )


class PluginChoice(BaseModel):
    """A plugin chosen by name, with settings that its own model has checked.

    Parameters
    ----------
    group, kind : str
    settings : Settings
        An instance of the plugin's `Config`.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    group: Group
    kind: str
    settings: Settings

    def load(self) -> Any:
        """Import the plugin's class."""
        return load_plugin(self.group, self.kind)

    def to_table(self) -> dict[str, Any]:
        """Give the table that chooses this plugin with every default spelled out."""
        return {"kind": self.kind, **self.settings.model_dump(mode="json", exclude_none=True)}


@dataclass(frozen=True, slots=True)
class PluginGroup:
    """Annotates a field whose table chooses a plugin of a group.

    Examples
    --------
    >>> class ThreadSettings(Settings):
    ...     optimizer: Annotated[PluginChoice, PluginGroup("optimizers")]
    """

    group: Group

    def __get_pydantic_core_schema__(
        self, _source: Any, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Validate a table, or pass a choice that was made in Python."""
        return core_schema.no_info_plain_validator_function(
            partial(_choose, self.group),
            serialization=core_schema.plain_serializer_function_ser_schema(PluginChoice.to_table),
        )


def _choose(group: Group, value: object) -> PluginChoice:
    if isinstance(value, PluginChoice):
        return value
    if not isinstance(value, Mapping) or not isinstance(value.get("kind"), str):
        names = ", ".join(sorted({info.name for info in list_plugins(group)}))
        raise PydanticCustomError(
            "plugin_kind",
            'needs a key "kind" that names one of: {names}',
            {"names": names},
        )
    kind = str(value["kind"])
    try:
        model: type[Settings] = load_plugin(group, kind).Config
    except RigError as error:
        raise PydanticCustomError("plugin_kind", "{error}", {"error": str(error)}) from error
    rest = {key: item for key, item in value.items() if key != "kind"}
    try:
        return PluginChoice(group=group, kind=kind, settings=model.model_validate(rest))
    except ValidationError as error:
        # Pydantic would fold the inner errors into one text; `flatten_errors` unfolds this.
        raise PydanticCustomError(
            "plugin_settings", "settings of {kind}", {"kind": kind, "inner": error}
        ) from error


def flatten_errors(error: ValidationError) -> list[tuple[tuple[str | int, ...], str]]:
    """List every problem with its full path, through the settings of plugins.

    Parameters
    ----------
    error : pydantic.ValidationError

    Returns
    -------
    problems : list of (path, message)
        The path as keys and positions from the top of the file.
    """
    problems: list[tuple[tuple[str | int, ...], str]] = []
    for item in error.errors(include_url=False):
        inner = item.get("ctx", {}).get("inner")
        if isinstance(inner, ValidationError):
            problems += [((*item["loc"], *loc), text) for loc, text in flatten_errors(inner)]
        elif item["type"] == "extra_forbidden":
            problems.append((item["loc"], "unknown key"))
        elif item["type"] == "missing":
            problems.append((item["loc"], "is missing; it has no default"))
        else:
            got = "" if item["type"] == "plugin_kind" else f"; got {item['input']!r}"
            problems.append((item["loc"], f"{item['msg']}{got}"))
    return problems


def nearest_key(unknown: str, model: type[BaseModel]) -> str | None:
    """Find the known key that a misspelt one most resembles."""
    close = difflib.get_close_matches(unknown, list(model.model_fields), n=1)
    return close[0] if close else None
