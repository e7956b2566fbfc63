"""Networks with named feature layers and a linear readout."""

from __future__ import annotations

from typing import Any

from signseg_rig.interfaces import Network
from signseg_rig.networks.hidden import HiddenLayer, ablate_hidden
from signseg_rig.torch_models import load_model

__all__ = ["HiddenLayer", "ablate_hidden", "load_network"]


def load_network(
    kind: str, weights_path: str | None = None, device: str = "cpu", **settings: Any
) -> Network:
    """Load a network by the name of its plugin.

    Parameters
    ----------
    kind : str
        ``"efficientnet_lite0"``, ``"alexnet"``, ``"resnet50"``, or another that
        `signseg-rig plugins` lists.
    weights_path : str, optional
        A weight file of one's own; by default the one that `signseg-rig weights` knows.
    device : str
        ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"``.
    **settings
        Further keys of the network's `Config`.

    Returns
    -------
    network : Network

    Raises
    ------
    PluginNotFoundError
        There is no network of this name.
    ConfigError
        A setting is unknown or out of bounds, or this machine has no such device.
    WeightsMissingError
        Its weights are not on this machine; the message says how to get them.
    WeightsError
        The weight file is that of something else.

    Examples
    --------
    >>> network = load_network("efficientnet_lite0", input_size_px=112)
    >>> images = np.zeros((2, 64, 64, 3), dtype=np.uint8)
    >>> features = network.features(images)
    >>> (features @ network.readout.weights.T + network.readout.bias).shape
    (2, 1000)
    """
    network: Network = load_model(
        "networks", kind, weights_path=weights_path, device=device, **settings
    )
    return network
