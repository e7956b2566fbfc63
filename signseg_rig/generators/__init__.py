"""Image generators: codes in, images out."""

from __future__ import annotations

from typing import Any

from signseg_rig.interfaces import Generator
from signseg_rig.torch_models import load_model

__all__ = ["load_generator"]


def load_generator(
    kind: str, weights_path: str | None = None, device: str = "cpu", **settings: Any
) -> Generator:
    """Load a generator by the name of its plugin.

    Parameters
    ----------
    kind : str
        ``"dcgan_faces"``, ``"deepsim_fc6"``, ``"biggan_deep_256"``, or another that
        `signseg-rig plugins` lists.
    weights_path : str, optional
        A weight file of one's own; by default the one that `signseg-rig weights` knows.
    device : str
        ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"``.
    **settings
        Further keys of the generator's `Config`.

    Returns
    -------
    generator : Generator

    Raises
    ------
    PluginNotFoundError
        There is no generator of this name.
    ConfigError
        A setting is unknown or out of bounds, or this machine has no such device.
    WeightsMissingError
        Its weights are not on this machine; the message says how to get them.
    WeightsError
        The weight file is that of something else.

    Examples
    --------
    >>> generator = load_generator("dcgan_faces")
    >>> codes = generator.sample_codes(2, np.random.default_rng(0))
    >>> generator.render(codes).shape
    (2, 64, 64, 3)
    """
    generator: Generator = load_model(
        "generators", kind, weights_path=weights_path, device=device, **settings
    )
    return generator
