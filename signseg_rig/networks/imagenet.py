"""The names of the 1,000 ImageNet classes."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def class_names() -> tuple[str, ...]:
    """Return the names of the ImageNet (ILSVRC 2012) classes.

    Returns
    -------
    names : tuple of 1,000 str
        In the order of the class index, each once, as torchvision spells them.
    """
    text = files("signseg_rig.networks").joinpath("imagenet_classes.txt").read_text("utf-8")
    return tuple(text.splitlines())
