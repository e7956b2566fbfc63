"""AlexNet, VGG and ResNet as torchvision builds them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from signseg_rig.networks.torch_network import PENULTIMATE, TorchNetwork
from signseg_rig.settings import Conflict, Settings
from signseg_rig.torch_models import ModelSettings

if TYPE_CHECKING:
    import torch
    from torch import nn


class TorchvisionSettings(ModelSettings):
    """Settings of torchvision's networks; images are scaled to `input_size_px`."""

    input_size_px: int = Field(default=224, ge=64, le=1024)


class ResNetSettings(TorchvisionSettings):
    """Settings of the ResNets.

    With ``activation = "tanh"`` every ReLU is a Tanh instead: a network without the sign constraint
    on activity. Weights that were trained so are needed for it, in `weights_path`.
    """

    activation: Literal["relu", "tanh"] = "relu"

    def conflicts(self) -> Iterator[Conflict]:
        """Yield another activation than that of the published weights, with these."""
        yield from super().conflicts()
        if self.activation != "relu" and self.weights_path is None and self.random_seed is None:
            yield Conflict(
                f"activation {self.activation!r} needs weights of its own, for the published ones "
                "were trained with ReLUs and mean nothing without them; name a file in "
                "weights_path, or draw untrained weights with random_seed",
                (("activation",), ("weights_path",), ("random_seed",)),
            )


class TorchvisionNetwork(TorchNetwork):
    """A network of torchvision's with the preprocessing of its ImageNet weights."""

    Config: ClassVar[type[Settings]] = TorchvisionSettings
    required_packages = ("torch", "torchvision")
    architecture: ClassVar[str]
    level_mean = (255 * 0.485, 255 * 0.456, 255 * 0.406)
    level_deviation = (255 * 0.229, 255 * 0.224, 255 * 0.225)

    def _build(self) -> torch.nn.Module:
        from torchvision import models

        model: torch.nn.Module = models.get_model(self.architecture, weights=None)
        return model


class StackedNetwork(TorchvisionNetwork):
    """Convolutions, then fully connected layers; of AlexNet's and VGG's kind.

    Layers have the names of torchvision's modules: ``"features.0"`` and so on, ``"avgpool"``, and
    ``"classifier.0"`` to ``"classifier.5"``, which the readout reads.
    """

    head_name = "classifier.6"

    def _staged(self, model: torch.nn.Module) -> dict[str, torch.nn.Module]:
        from torch import nn

        part = dict(model.named_children())
        features = dict(part["features"].named_children())
        classifier = dict(part["classifier"].named_children())
        del classifier["6"]
        classifier["0"] = nn.Sequential(nn.Flatten(1), classifier["0"])
        return {
            **{f"features.{name}": module for name, module in features.items()},
            "avgpool": part["avgpool"],
            **{f"classifier.{name}": module for name, module in classifier.items()},
        }


class AlexNet(StackedNetwork):
    """AlexNet as of Krizhevsky 2014; ``"classifier.5"``, the second ReLU, is its fc7."""

    name = architecture = "alexnet"


class Vgg11(StackedNetwork):
    """VGG of 11 layers of weights (Simonyan & Zisserman 2015)."""

    name = architecture = "vgg11"


class Vgg11Bn(StackedNetwork):
    """VGG of 11 layers, with batch normalisation."""

    name = architecture = "vgg11_bn"


class Vgg16(StackedNetwork):
    """VGG of 16 layers."""

    name = architecture = "vgg16"


class Vgg16Bn(StackedNetwork):
    """VGG of 16 layers, with batch normalisation."""

    name = architecture = "vgg16_bn"


class Vgg19(StackedNetwork):
    """VGG of 19 layers."""

    name = architecture = "vgg19"


class Vgg19Bn(StackedNetwork):
    """VGG of 19 layers, with batch normalisation."""

    name = architecture = "vgg19_bn"


class ResNet(TorchvisionNetwork):
    """Residual network (He et al. 2016).

    Layers are ``"stem"``, ``"maxpool"``, ``"layer1.0"`` and so on to those of layer 4, and
    ``"penultimate"``, averaged over the image.
    """

    Config: ClassVar[type[Settings]] = ResNetSettings
    head_name = "fc"

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.activation = settings.activation
        if settings.activation != "relu":
            self.identity = {**self.identity, "activation": settings.activation}

    def _build(self) -> torch.nn.Module:
        model = super()._build()
        if self._settings.activation == "tanh":
            _replace_relu(model)
        return model

    def _staged(self, model: torch.nn.Module) -> dict[str, torch.nn.Module]:
        from torch import nn

        part = dict(model.named_children())
        return {
            "stem": nn.Sequential(part["conv1"], part["bn1"], part["relu"]),
            "maxpool": part["maxpool"],
            **dict(_blocks(part)),
            PENULTIMATE: nn.Sequential(part["avgpool"], nn.Flatten(1)),
        }


class ResNet18(ResNet):
    """Of 18 layers of weights."""

    name = architecture = "resnet18"


class ResNet50(ResNet):
    """Of 50 layers of weights, with torchvision's first set of them."""

    name = architecture = "resnet50"


def _blocks(part: dict[str, nn.Module]) -> Iterator[tuple[str, nn.Module]]:
    for number in (1, 2, 3, 4):
        for name, block in part[f"layer{number}"].named_children():
            yield f"layer{number}.{name}", block


def _replace_relu(model: nn.Module) -> None:
    from torch import nn

    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.ReLU):
                setattr(module, name, nn.Tanh())
