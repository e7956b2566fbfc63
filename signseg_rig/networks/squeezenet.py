"""SqueezeNet: a small ImageNet network whose features are all behind a ReLU."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from signseg_rig.errors import WeightsError
from signseg_rig.networks.torch_network import PENULTIMATE, TorchNetwork
from signseg_rig.settings import Settings
from signseg_rig.torch_models import ModelSettings, read_array_lists

if TYPE_CHECKING:
    import torch

# Where torchvision's model of version 1.1 has what the authors call by these names.
FIRES = {f"fire{2 + number}": place for number, place in enumerate((3, 4, 6, 7, 9, 10, 11, 12))}
POOLS = {"maxpool1": 2, "maxpool3": 5, "maxpool5": 8}
HEAD = "classifier.2"


class SqueezeNetSettings(ModelSettings):
    """Settings of ``kind = "squeezenet1_1"``; images are scaled to `input_size_px`."""

    input_size_px: int = Field(default=227, ge=64, le=1024)


class SqueezeNet11(TorchNetwork):
    """SqueezeNet 1.1 (Iandola et al. 2016) with a linear readout from 512 features.

    Layers are ``"conv1"``, ``"maxpool1"``, ``"fire2"`` and so on to ``"fire9"``, all of them behind
    a ReLU, and ``"penultimate"``, which is averaged over the image.

    Notes
    -----
    The published network applies the readout at each place of the image and averages afterwards,
    which is the same as averaging first, for both are linear. Some have a ReLU between the two;
    the package that carries these weights has none, and a readout without one is linear.

    Trained on blue, green and red less their means, not divided by anything: with the mean and
    deviation of torchvision's networks it recognises nothing. Of 334 photographs, one of each third
    class, it names 0.66 at 227 px and 0.64 at 224 px. 54.8 % of the readout's weights are positive.
    """

    Config: ClassVar[type[Settings]] = SqueezeNetSettings
    required_packages = ("torch", "torchvision")
    name = "squeezenet1_1"
    head_name = HEAD
    level_mean = (123.68, 116.779, 103.939)
    level_deviation = (1.0, 1.0, 1.0)

    def _build(self) -> torch.nn.Module:
        from torch import nn
        from torchvision import models

        model: torch.nn.Module = models.squeezenet1_1(weights=None)
        model.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.Linear(512, 1000)
        )
        return model

    def _staged(self, model: torch.nn.Module) -> dict[str, torch.nn.Module]:
        from torch import nn

        part = dict(model.named_children())
        features = list(part["features"].children())
        places = sorted({**POOLS, **FIRES}.items(), key=lambda item: item[1])
        return {
            "conv1": nn.Sequential(*features[:2]),
            **{name: features[place] for name, place in places},
            PENULTIMATE: nn.Sequential(*list(part["classifier"].children())[:2]),
        }

    def _read(self, path: Path) -> dict[str, torch.Tensor]:
        import torch

        state = {}
        for name, arrays in read_array_lists(path).items():
            if [array.ndim for array in arrays] != [4, 1]:
                raise WeightsError(
                    f"{path} should hold a kernel of four axes and a bias for each layer; "
                    f"{name!r} has {[array.shape for array in arrays]}. It is the weight file of "
                    "another model."
                )
            kernel, bias = map(torch.from_numpy, arrays)
            state[f"{name}.weight"] = kernel.permute(3, 2, 0, 1).contiguous()
            state[f"{name}.bias"] = bias
        return state

    def _renamed(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        renamed = {_own_name(name): value for name, value in state.items()}
        for name, change in (("features.0.weight", _rgb), (f"{HEAD}.weight", _as_matrix)):
            if name in renamed:
                renamed[name] = change(renamed[name])
        return renamed


def _own_name(name: str) -> str:
    """Translate a name such as ``"fire2/squeeze1x1.weight"``; an unknown one stays as it is."""
    layer, _, kind = name.rpartition(".")
    block, _, part = layer.partition("/")
    if block in FIRES:
        return f"features.{FIRES[block]}.{part.replace('squeeze1x1', 'squeeze')}.{kind}"
    return {"conv1": "features.0", "conv10": HEAD}.get(layer, layer) + f".{kind}"


def _rgb(kernel: torch.Tensor) -> torch.Tensor:
    return kernel.flip(1)  # it reads blue first


def _as_matrix(kernel: torch.Tensor) -> torch.Tensor:
    return kernel.flatten(1)
