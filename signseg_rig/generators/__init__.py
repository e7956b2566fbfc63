"""Image generators: codes in, images out."""

from __future__ import annotations

from typing import Any

from signseg_rig.interfaces import Generator
from signseg_rig.plugins import load_plugin

__all__ = ["load_generator"]


def load_generator(
    kind: str, weights_path: str | None = None, device: str = "cpu", **settings: Any
) -> Generator:
    """Load a generator by the name of its plugin.

    Parameters
    ----------
    kind : str
        ``"dcgan_faces"``, or that of an installed plugin.
    weights_path : str, optional
        A weight file of one's own; by default the one that `signseg-rig weights` knows.
    device : str
        ``"cpu"``, ``"cuda"``, ``"mps"``, as torch names it.
    **settings
        Further keys of the generator's `Config`.

    Returns
    -------
    generator : Generator

    Raises
    ------
    PluginNotFoundError
        There is no generator of this name.
    WeightsMissingError
        Its weights are not on this machine; the message says how to get them.
    """
    plugin = load_plugin("generators", kind)
    chosen = plugin.Config(weights_path=weights_path, device=device, **settings)
    generator: Generator = plugin(chosen)
    return generator
