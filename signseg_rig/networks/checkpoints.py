"""ResNet50 from checkpoints of others: adversarially robust ones, and SimSiam."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import model_validator

from signseg_rig.networks.torchvision_networks import ResNet, ResNetSettings
from signseg_rig.settings import InputPath, Settings
from signseg_rig.weights import file_sha256, read_checkpoint

if TYPE_CHECKING:
    import torch

STATE_KEYS = ("model", "state_dict")


class CheckpointSettings(ResNetSettings):
    """Settings of networks from checkpoints.

    Checkpoints hold more than weights, which some can only give by running code. Set
    `trusts_pickle` for a file whose source you would also run programs of.
    """

    trusts_pickle: bool = False


class SimSiamSettings(CheckpointSettings):
    """Settings of ``kind = "simsiam_resnet50"``; `head_path` is the file of the linear readout."""

    head_path: InputPath | None = None

    @model_validator(mode="after")
    def _has_a_head(self) -> Self:
        if self.head_path is None and self.random_seed is None:
            raise ValueError("head_path is missing: SimSiam's linear readout is a file of its own")
        return self


class RobustResNet50(ResNet):
    """ResNet50 trained against adversarial images (Salman et al. 2020), of any strength.

    `weights_path` chooses the strength, as it does the file. The normalisation that the checkpoint
    does itself is that of torchvision's preprocessing, which takes its place.
    """

    Config: ClassVar[type[Settings]] = CheckpointSettings
    name = "robust_resnet50"
    architecture = "resnet50"

    def _read(self, path: Path) -> dict[str, torch.Tensor]:
        state = read_checkpoint(path, STATE_KEYS, trusts_pickle=self._settings.trusts_pickle)
        # Beside the network's own weights it holds them once more in the attacker, and the
        # normalisation. The prefix "module." comes from training on several graphics cards.
        return _below("model.", _below("module.", state) or state)


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

    def _read(self, path: Path) -> dict[str, torch.Tensor]:
        trusts = self._settings.trusts_pickle
        backbone = _below(
            "module.encoder.", read_checkpoint(path, STATE_KEYS, trusts_pickle=trusts)
        )
        head = read_checkpoint(self._settings.head_path, STATE_KEYS, trusts_pickle=trusts)
        # What the encoder has under "fc" is the projection that is left behind after training.
        state = {key: value for key, value in backbone.items() if not key.startswith("fc.")}
        return state | {f"fc.{key}": value for key, value in _below("module.fc.", head).items()}


def _below(prefix: str, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {
        key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)
    }
