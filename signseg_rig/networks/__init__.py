"""Networks with named feature layers and a linear readout."""

from __future__ import annotations

from typing import Any

from signseg_rig.interfaces import Network
from signseg_rig.plugins import load_plugin

__all__ = ["load_network"]


def load_network(
    kind: str, weights_path: str | None = None, device: str = "cpu", **settings: Any
) -> Network:
    """Load a network by the name of its plugin.

    Parameters
    ----------
    kind : str
        ``"efficientnet_lite0"``, or that of an installed plugin.
    weights_path : str, optional
        A weight file of one's own; by default the one that `signseg-rig weights` knows.
    device : str
        ``"cpu"``, ``"cuda"``, ``"mps"``, as torch names it.
    **settings
        Further keys of the network's `Config`.

    Returns
    -------
    network : Network

    Raises
    ------
    PluginNotFoundError
        There is no network of this name.
    WeightsMissingError
        Its weights are not on this machine; the message says how to get them.
    """
    plugin = load_plugin("networks", kind)
    chosen = plugin.Config(weights_path=weights_path, device=device, **settings)
    network: Network = plugin(chosen)
    return network
