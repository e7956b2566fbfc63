"""The base of every settings model, and the `kind = "name"` tables that choose a plugin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError, core_schema

from signseg_rig.errors import ConfigError, PluginLoadError, RigError
from signseg_rig.plugins import Group, find_plugin, list_plugins, load_plugin
from signseg_rig.toml_lines import KeyPath

AnySettings = TypeVar("AnySettings", bound="Settings")
BASE_DIR = "base_dir"
"""Key of the validation context under which an `InputPath` finds the folder it is relative to."""


def _absolute(path: Path, info: ValidationInfo) -> Path:
    base_dir = (info.context or {}).get(BASE_DIR, Path())
    return Path(base_dir, path.expanduser()).absolute()


InputPath = Annotated[Path, AfterValidator(_absolute)]
"""A file or folder that an experiment reads: in an experiment file relative to that file, in
Python to the working directory; absolute once it is validated."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""The hash of a file or an array, in hexadecimal digits."""

OutDir = Annotated[Path, AfterValidator(Path.expanduser)]
"""A folder that results go to: relative to the working directory, and ``~`` is the home folder."""


class Settings(BaseModel):
    """Frozen settings: an unknown key is an error, a number has bounds, a name carries its unit."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True
    )


def settings_of(model: type[AnySettings], table: Mapping[str, Any], what: str) -> AnySettings:
    """Make settings of keywords that a caller in Python gave.

    Parameters
    ----------
    model : class
    table : mapping of str to object
    what : str
        Whose settings they are, for the message.

    Raises
    ------
    ConfigError
        A setting is unknown or out of bounds; the message lists all of them.
    """
    try:
        return model.model_validate(table)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()
        )
        raise ConfigError(
            f"{what} cannot be made with these settings: {problems}. It knows "
            f"{', '.join(model.model_fields)}."
        ) from None


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
        return core_schema.with_info_plain_validator_function(
            partial(_choose, self.group),
            serialization=core_schema.plain_serializer_function_ser_schema(PluginChoice.to_table),
        )


def _choose(group: Group, value: object, info: ValidationInfo) -> PluginChoice:
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
        model = _config_of(group, kind)
    except RigError as error:
        raise PydanticCustomError("plugin_kind", "{error}", {"error": str(error)}) from error
    rest = {key: item for key, item in value.items() if key != "kind"}
    try:
        settings = model.model_validate(rest, context=info.context)
    except ValidationError as error:
        # Pydantic would fold the inner errors into one text; `explain` unfolds this.
        raise PydanticCustomError(
            "plugin_settings", "settings of {kind}", {"kind": kind, "inner": error, "model": model}
        ) from error
    return PluginChoice(group=group, kind=kind, settings=settings)


def _config_of(group: Group, kind: str) -> type[Settings]:
    config = getattr(load_plugin(group, kind), "Config", None)
    if isinstance(config, type) and issubclass(config, Settings):
        return config
    info = find_plugin(group, kind)
    raise PluginLoadError(
        f"The plugin {kind!r} ({group}, from {info.distribution} {info.version}) has no settings: "
        f"{info.target} needs an attribute Config, a class derived from "
        f"signseg_rig.settings.Settings; got {config!r}."
    )


def plugin_choices(value: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, PluginChoice]]:
    """Find every plugin that settings choose, through the settings of other plugins.

    Parameters
    ----------
    value : Settings, or what a field of settings holds
    path : tuple
        Where `value` stands in the experiment file.

    Yields
    ------
    path : tuple
        Where the plugin is chosen, as keys and positions from the top of the file.
    choice : PluginChoice
    """
    if isinstance(value, PluginChoice):
        yield path, value
        yield from plugin_choices(value.settings, path)
        return
    items: Any = ()
    if isinstance(value, Settings):
        items = value
    elif isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    for key, item in items:
        yield from plugin_choices(item, (*path, key))
