"""ResNet50 from checkpoints of others: adversarially robust ones, and SimSiam."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from signseg_rig.errors import WeightsError
from signseg_rig.networks.torchvision_networks import ResNet, ResNetSettings
from signseg_rig.settings import Conflict, InputPath, Settings
from signseg_rig.torch_models import first_names, read_checkpoint
from signseg_rig.weights import file_sha256

if TYPE_CHECKING:
    import torch


class SimSiamSettings(ResNetSettings):
    """Settings of ``kind = "simsiam_resnet50"``; `head_path` is the file of the linear readout."""

    head_path: InputPath | None = None

    def conflicts(self) -> Iterator[Conflict]:
        """Yield trained weights without the readout's."""
        yield from super().conflicts()
        if self.head_path is None and self.random_seed is None:
            yield Conflict(
                "head_path is missing: SimSiam's linear readout is a file of its own. Fetch it "
                "with 'signseg-rig weights fetch simsiam_resnet50_linear', which says where it is",
                (("head_path",), ("random_seed",)),
            )


class RobustResNet50(ResNet):
    """ResNet50 trained against adversarial images (Salman et al. 2020), of any strength.

    `weights_path` chooses the strength, as it does the file; by default it is 3 in L2. The
    normalisation that the checkpoint does itself has to be that of torchvision's preprocessing,
    which takes its place.
    """

    name = "robust_resnet50"
    architecture = "resnet50"

    def _renamed(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        # Beside the network's own weights it holds them once more in the attacker, and the
        # normalisation.
        for name, levels in (("new_mean", self.level_mean), ("new_std", self.level_deviation)):
            values = state.get(f"normalizer.{name}")
            expected = [level / 255 for level in levels]
            if values is not None and not np.allclose(values.flatten(), expected, atol=1e-4):
                raise WeightsError(
                    f"The checkpoint of {self.name} normalises images with {name} "
                    f"{values.flatten().tolist()}, expected is {expected}, as of ImageNet. It was "
                    "trained on something else, and would see images otherwise here."
                )
        return _below("model.", state) or state


class SimSiamResNet50(ResNet):
    """ResNet50 trained without labels (Chen & He 2021), with a readout trained on top of it."""

    Config: ClassVar[type[Settings]] = SimSiamSettings
    name = "simsiam_resnet50"
    architecture = "resnet50"

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        if settings.random_seed is None:
            self.identity = {**self.identity, "head_sha256": file_sha256(settings.head_path)}

    @classmethod
    def problems(cls, settings: Any) -> list[str]:
        """List what is missing, for `signseg-rig check`."""
        head = settings.head_path
        missing = [f"There is no head_path {head}."] if head and not head.is_file() else []
        return [*super().problems(settings), *missing]

    def _renamed(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        backbone = _below("encoder.", state)
        # What the encoder has under "fc" is the projection that is left behind after training.
        kept = {key: value for key, value in backbone.items() if not key.startswith("fc.")}
        return kept | {f"fc.{key}": value for key, value in self._head().items()}

    def _head(self) -> dict[str, torch.Tensor]:
        path = self._settings.head_path
        state = read_checkpoint(path)
        head = _below("fc.", state)
        if head.keys() != {"weight", "bias"}:
            raise WeightsError(
                f"{path} should hold a linear readout as fc.weight and fc.bias; it "
                f"has {first_names(state)}. Point 'head_path' to SimSiam's linear classifier."
            )
        return head


def _below(prefix: str, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {
        key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)
    }
