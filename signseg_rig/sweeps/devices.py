"""Settings that name devices of another machine: what computes in their place on this one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from signseg_rig.settings import PluginChoice, Settings
from signseg_rig.torch_models import device_here

AnySettings = TypeVar("AnySettings", bound=Settings)
DEVICE = "device"


def on_devices_here(settings: AnySettings) -> tuple[AnySettings, dict[str, str]]:
    """Have the plugins that settings choose compute on devices that this machine has.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    settings : Settings
        With other devices, through the settings of all plugins, where those named are not here.
    replaced : dict of str to str
        What computes in the place of each device that is not here.
    """
    replaced: dict[str, str] = {}
    return _on_devices_here(settings, replaced), replaced


def _on_devices_here(value: Any, replaced: dict[str, str]) -> Any:
    if isinstance(value, PluginChoice):
        return value.model_copy(update={"settings": _on_devices_here(value.settings, replaced)})
    if isinstance(value, Settings):
        changed = {name: _on_devices_here(item, replaced) for name, item in value}
        if isinstance(device := changed.get(DEVICE), str) and device_here(device) != device:
            replaced[device] = changed[DEVICE] = device_here(device)
        return value.model_copy(update=changed)
    if isinstance(value, Mapping):
        return {key: _on_devices_here(item, replaced) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_on_devices_here(item, replaced) for item in value)
    return value
