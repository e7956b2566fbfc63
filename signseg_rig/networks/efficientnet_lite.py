"""EfficientNet-Lite: ImageNet networks that are quick on a laptop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from signseg_rig.networks.torch_network import PENULTIMATE, TorchNetwork
from signseg_rig.settings import Settings
from signseg_rig.torch_models import ModelSettings

if TYPE_CHECKING:
    import torch
    from torch import nn


class EfficientNetLite0Settings(ModelSettings):
    """Settings of ``kind = "efficientnet_lite0"``.

    `input_size_px` is what images are scaled to: 224 as in training; 112 is three times as fast
    and leaves features that are still selective, though not for quite the same images.
    """

    input_size_px: int = Field(default=224, ge=32, le=1024)


class EfficientNetLite1Settings(ModelSettings):
    """Settings of ``kind = "efficientnet_lite1"``, trained at 240 px."""

    input_size_px: int = Field(default=240, ge=32, le=1024)


class EfficientNetLite2Settings(ModelSettings):
    """Settings of ``kind = "efficientnet_lite2"``, trained at 260 px."""

    input_size_px: int = Field(default=260, ge=32, le=1024)


class EfficientNetLite(TorchNetwork):
    """ReLU6 network with a readout from 1,280 features.

    Layers are ``"stem"``, ``"blocks.0"`` and so on, and ``"penultimate"``: what the readout reads,
    averaged over the image. A block ends in a linear convolution, so that half of what it puts out
    is negative. Inside it are the rectified layers ``"blocks.8.expansion"``, behind the convolution
    that widens it (the first block has none), and ``"blocks.8.depthwise"``, behind the depthwise
    one.

    Notes
    -----
    At 112 px batches of 20 are twice as fast on a CPU as one image at a time.
    """

    required_packages = ("torch", "efficientnet_lite_pytorch")
    head_name = "_fc"
    activation = "relu6"
    # It was trained on (x - 127) / 128; the ImageNet mean and deviation cost 9 points.
    level_mean = (127.0, 127.0, 127.0)
    level_deviation = (128.0, 128.0, 128.0)

    def _build(self) -> torch.nn.Module:
        from efficientnet_lite_pytorch import EfficientNet

        # from_name builds the layers and loads nothing. Their padding is fixed for one input size:
        # without image_size a network for 112 px would pad its last blocks as for 224 px.
        model: torch.nn.Module = EfficientNet.from_name(
            self.name.replace("_", "-"), image_size=self._settings.input_size_px
        )
        return model

    def _staged(self, model: torch.nn.Module) -> dict[str, torch.nn.Module]:
        from torch import nn

        part = dict(model.named_children())
        head = (part["_conv_head"], part["_bn1"], part["_swish"])
        return {
            "stem": nn.Sequential(part["_conv_stem"], part["_bn0"], part["_swish"]),
            **{f"blocks.{name}": block for name, block in part["_blocks"].named_children()},
            PENULTIMATE: nn.Sequential(*head, nn.AdaptiveAvgPool2d(1), nn.Flatten(1)),
        }

    def _inner_layers(self, model: torch.nn.Module) -> dict[str, dict[str, torch.nn.Module]]:
        blocks = dict(model.named_children())["_blocks"]
        return {
            f"blocks.{name}": dict(_rectified_layers(f"blocks.{name}", block))
            for name, block in blocks.named_children()
        }


def _rectified_layers(name: str, block: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    from torch import nn

    part = dict(block.named_children())
    expansion = []
    if "_expand_conv" in part:
        expansion = [part["_expand_conv"], part["_bn0"], part["_swish"]]
        yield f"{name}.expansion", nn.Sequential(*expansion)
    depthwise = (part["_depthwise_conv"], part["_bn1"], part["_swish"])
    yield f"{name}.depthwise", nn.Sequential(*expansion, *depthwise)


class EfficientNetLite0(EfficientNetLite):
    """Of 16 blocks."""

    Config: ClassVar[type[Settings]] = EfficientNetLite0Settings
    name = "efficientnet_lite0"


class EfficientNetLite1(EfficientNetLite):
    """Of 21 blocks."""

    Config: ClassVar[type[Settings]] = EfficientNetLite1Settings
    name = "efficientnet_lite1"


class EfficientNetLite2(EfficientNetLite):
    """Of 21 blocks, a tenth wider."""

    Config: ClassVar[type[Settings]] = EfficientNetLite2Settings
    name = "efficientnet_lite2"
