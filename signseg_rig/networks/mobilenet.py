"""MobileNetV2 without its readout: features for neuron models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from signseg_rig.networks.torch_network import PENULTIMATE
from signseg_rig.networks.torchvision_networks import TorchvisionNetwork
from signseg_rig.settings import Settings
from signseg_rig.torch_models import ModelSettings

if TYPE_CHECKING:
    import torch
    from torch import nn


# Of torchvision's names inside a block, such as "features.2.conv.0.1.weight".
N_DOTS = 5


class MobileNetV2Settings(ModelSettings):
    """Settings of ``kind = "mobilenet_v2"``; images are scaled to `input_size_px`."""

    input_size_px: int = Field(default=224, ge=32, le=1024)


class MobileNetV2(TorchvisionNetwork):
    """MobileNetV2 (Sandler et al. 2018) up to the 1,280 features that its readout would read.

    Layers are ``"stem"``, ``"blocks.1"`` and so on to ``"blocks.17"``, and ``"penultimate"``, which
    is behind a ReLU6 and averaged over the image. A block ends in a linear convolution, so that
    half of what it puts out is negative. Inside it are rectified layers: ``"blocks.8.expansion"``,
    behind the convolution that widens it (the first block has none), and ``"blocks.8.depthwise"``,
    behind the depthwise one.

    Notes
    -----
    The weights are those of ImageNet without the classes: it offers features, and no readout.
    """

    Config: ClassVar[type[Settings]] = MobileNetV2Settings
    name = architecture = "mobilenet_v2"
    activation = "relu6"
    has_readout = False

    def _build(self) -> torch.nn.Module:
        from torch import nn

        model = super()._build()
        model.classifier = nn.Identity()
        return model

    def _staged(self, model: torch.nn.Module) -> dict[str, torch.nn.Module]:
        from torch import nn

        first, *blocks, last = dict(model.named_children())["features"].children()
        return {
            "stem": first,
            **{f"blocks.{number}": block for number, block in enumerate(blocks, start=1)},
            PENULTIMATE: nn.Sequential(last, nn.AdaptiveAvgPool2d(1), nn.Flatten(1)),
        }

    def _inner_layers(self, model: torch.nn.Module) -> dict[str, dict[str, torch.nn.Module]]:
        _first, *blocks, _last = dict(model.named_children())["features"].children()
        names = [f"blocks.{number}" for number in range(1, len(blocks) + 1)]
        return {
            name: dict(_rectified_layers(name, block))
            for name, block in zip(names, blocks, strict=True)
        }

    def _renamed(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Translate the names that the authors of the packaged weights gave to the same layers.

        They number a block's layers in one sequence; torchvision puts a convolution, what
        normalises it and its ReLU into one of their own. Its own files have a classifier as well.
        """
        kept = {key: value for key, value in state.items() if not key.startswith("classifier.")}
        if any(key.count(".") == N_DOTS for key in kept):
            return kept
        return {_own_name(key): value for key, value in kept.items()}


def _rectified_layers(name: str, block: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    from torch import nn

    *widening, depthwise, _linear, _norm = dict(block.named_children())["conv"].children()
    if widening:
        yield f"{name}.expansion", nn.Sequential(*widening)
    yield f"{name}.depthwise", nn.Sequential(*widening, depthwise)


def _own_name(key: str) -> str:
    """Translate ``"features.2.conv.4.weight"``, the second normalisation, to torchvision's name."""
    parts = key.split(".")
    if parts[2:3] != ["conv"] or len(parts) != 5:
        return key
    _, block, _, place, kind = parts
    # Convolution, normalisation and ReLU of the first layers; then those of the last, without one.
    n_rectified = 1 if block == "1" else 2
    layer, step = divmod(int(place), 3)
    if layer < n_rectified:
        return f"features.{block}.conv.{layer}.{step}.{kind}"
    return f"features.{block}.conv.{n_rectified + step}.{kind}"
