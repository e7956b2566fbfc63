"""The base of every settings model, and the `kind = "name"` tables that choose a plugin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError, core_schema

from signseg_rig.errors import ConfigError, PluginLoadError, RigError
from signseg_rig.plugins import Group, find_plugin, list_plugins, load_plugin
from signseg_rig.settings.toml_lines import KeyPath

AnySettings = TypeVar("AnySettings", bound="Settings")
BASE_DIR = "base_dir"
"""Key of the validation context under which an `InputPath` finds the folder it is relative to."""
LISTS_CONFLICTS = "lists_conflicts"
"""Key of the validation context with which settings are made although they are in conflict: whoever
sets it asks them for their `conflicts` himself."""


def _with_home(path: Path) -> Path:
    if "\0" in str(path):
        raise ValueError("should be the path of a file or folder, without NUL characters")
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError(
            "begins with the home folder of somebody who is not known here; write the path in full"
        ) from None


def _absolute(path: Path, info: ValidationInfo) -> Path:
    base_dir = (info.context or {}).get(BASE_DIR, Path())
    return Path(base_dir, _with_home(path)).absolute()


InputPath = Annotated[Path, AfterValidator(_absolute)]
"""A file or folder that an experiment reads: in an experiment file relative to that file, in
Python to the working directory; absolute once it is validated."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""The hash of a file or an array, in hexadecimal digits."""

OutDir = Annotated[Path, AfterValidator(_with_home)]
"""A folder that results go to: relative to the working directory, and ``~`` is the home folder."""


class Conflict(NamedTuple):
    """Settings that are right one by one, and not together.

    Parameters
    ----------
    message : str
        What should be, and what is.
    keys : tuple of tuple
        Whose values are in conflict, as paths from the settings' own table; the problem is shown
        at the first.
    """

    message: str
    keys: tuple[KeyPath, ...]


def named_again(key: str, names: Sequence[object]) -> Iterator[Conflict]:
    """Yield a conflict for each name that stands in a list of settings for the second time."""
    for position, name in enumerate(names):
        if (first := names.index(name)) < position:
            message = f"{key} should name each once; {name!r} stands there more than once"
            yield Conflict(message, ((key, position), (key, first)))


class Settings(BaseModel):
    """Frozen settings: an unknown key is an error, a number has bounds, a name carries its unit."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True
    )

    def conflicts(self) -> Iterator[Conflict]:
        """List what is wrong between settings, all of it; nothing by default."""
        yield from ()

    @model_validator(mode="after")
    def _agree(self, info: ValidationInfo) -> Self:
        if (info.context or {}).get(LISTS_CONFLICTS):
            return self
        if found := list(self.conflicts()):
            raise PydanticCustomError(
                "conflicts",
                "{text}",
                {"text": "; ".join(one.message for one in found), "conflicts": found},
            )
        return self


def without_setting(table: object, name: str, *, default: object, why: str) -> object:
    """Return a table without a setting that there was once, for a validator of what is read.

    Parameters
    ----------
    table : object
        As it stands in a file; what is no table is returned as it is.
    name : str
    default : object
        What the setting was by default, which stands in files that a program wrote.
    why : str
        What is said of any other value.

    Raises
    ------
    ValueError
        The setting has another value.
    """
    if not isinstance(table, Mapping) or name not in table:
        return table
    if table[name] is not default:
        raise ValueError(f"{name} is no setting any more{why}")
    return {key: value for key, value in table.items() if key != name}


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
        """Return the table that chooses this plugin with every default spelled out."""
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
        raise PydanticCustomError(
            "plugin_kind",
            'needs a key "kind" that names one of: {listed}',
            {"listed": ", ".join(_names(group)), "names": _names(group)},
        )
    kind = str(value["kind"])
    try:
        model = _config_of(group, kind)
    except RigError as error:
        raise PydanticCustomError(
            "plugin_kind", "{error}", {"error": str(error), "names": _names(group)}
        ) from error
    rest = {key: item for key, item in value.items() if key != "kind"}
    try:
        settings = model.model_validate(rest, context=info.context)
    except ValidationError as error:
        # Pydantic would fold the inner errors into one text; `explain` unfolds this.
        raise PydanticCustomError(
            "plugin_settings", "settings of {kind}", {"kind": kind, "inner": error, "model": model}
        ) from error
    # With the context, which tells whether conflicts are raised: what is made already is asked too.
    return PluginChoice.model_validate(
        {"group": group, "kind": kind, "settings": settings}, context=info.context
    )


def _names(group: Group) -> list[str]:
    return sorted({info.name for info in list_plugins(group)})


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


def plugin_choices(value: object) -> Iterator[tuple[KeyPath, PluginChoice]]:
    """Find every plugin that settings choose, through the settings of other plugins.

    Parameters
    ----------
    value : Settings, or what a field of settings holds

    Yields
    ------
    path : tuple
        Where the plugin is chosen, as keys and positions from the top of the file.
    choice : PluginChoice
    """
    for path, item in _walk(value, ()):
        if isinstance(item, PluginChoice):
            yield path, item


def all_settings(value: object) -> Iterator[tuple[KeyPath, Settings]]:
    """Find settings and all that are inside them, through the settings of plugins too.

    Yields
    ------
    path : tuple
        Of their table.
    settings : Settings
    """
    for path, item in _walk(value, ()):
        if isinstance(item, Settings):
            yield path, item


def all_conflicts(settings: Settings) -> Iterator[tuple[KeyPath, Conflict]]:
    """List the conflicts of settings and of all that are inside them, through plugins' too.

    Yields
    ------
    path : tuple
        Of the table whose settings are in conflict.
    conflict : Conflict
    """
    for path, item in all_settings(settings):
        for conflict in item.conflicts():
            yield path, conflict


def _walk(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, object]]:
    items: Any = ()
    if isinstance(value, PluginChoice):
        yield path, value
        yield from _walk(value.settings, path)
    elif isinstance(value, Settings):
        yield path, value
        items = value
    elif isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    for key, item in items:
        yield from _walk(item, (*path, key))
