from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from signseg_rig.values import ImageArray


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def random_images(rng: np.random.Generator) -> Callable[..., ImageArray]:
    def draw(n: int, size_px: int = 64) -> ImageArray:
        return rng.integers(0, 256, (n, size_px, size_px, 3), dtype=np.uint8)

    return draw


@pytest.fixture(scope="session")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Files as torchvision has them of its networks, with random weights.

    Of the classifier there is only one bias, as nobody should read it.
    """
    import torch
    import torchvision

    def save(name: str) -> Path:
        with torch.device("meta"):
            state = getattr(torchvision.models, name)(weights=None).state_dict()
        generator = torch.Generator().manual_seed(0)
        made = {"classifier.6.bias": torch.zeros(1000)}
        for key, meta in state.items():
            if key.startswith("features"):
                fan_in = meta[0].numel()
                made[key] = torch.randn(meta.shape, generator=generator) * (2 / fan_in) ** 0.5
        path = tmp_path_factory.mktemp("torchvision") / f"{name}.pth"
        torch.save(made, path)
        return path

    return save
