"""YOLOv3-tiny (Redmon & Farhadi 2018) from Darknet's weight file, with COCO's 80 classes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from signseg_rig.errors import WeightsError

if TYPE_CHECKING:
    import torch
    from torch import nn

SUFFIX = ".weights"
INPUT_SIZE_PX = 416
N_CLASSES, N_ANCHORS = 80, 3
N_OUT = N_ANCHORS * (5 + N_CLASSES)
SLOPE = 0.1
# Darknet divides by the standard deviation plus this.
EPS = 1e-6
# Major, minor and revision of the format as int32, the number of training images as int64.
HEADER_BYTES, VERSION = 20, (0, 2)
# Name, channels in and out, and kernel, in the order of the file; those of `LINEAR` have a bias in
# the place of a normalisation.
CONVOLUTIONS = (
    ("0", 3, 16, 3),
    ("2", 16, 32, 3),
    ("4", 32, 64, 3),
    ("6", 64, 128, 3),
    ("8", 128, 256, 3),
    ("10", 256, 512, 3),
    ("12", 512, 1024, 3),
    ("13", 1024, 256, 1),
    ("14", 256, 512, 3),
    ("15", 512, N_OUT, 1),
    ("18", 256, 128, 1),
    ("21", 384, 256, 3),
    ("22", 256, N_OUT, 1),
)
LINEAR = frozenset({"15", "22"})


class DarknetDetector:
    """YOLOv3-tiny, whose boxes have an objectness and a probability of each class.

    Its score is the product of the two for the best class: as Darknet thresholds boxes, and less
    fooled by textures than the objectness alone.
    """

    score_name = "objectness times class probability"

    def __init__(self, path: Path, device: torch.device) -> None:
        model = _network()
        _load(model, path)
        self._model = model.requires_grad_(requires_grad=False).to(device).eval()

    def best_scores(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the largest score; see `Detector.best_scores`."""
        import torch

        best = [_best(values) for values in self.outputs(pixels)]
        return torch.stack(best).amax(dim=0)

    def outputs(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute what the two detecting layers put out, of large boxes and of small ones.

        Returns
        -------
        outputs : two (n, 255, rows, columns) tensors
            Of each place, and of three boxes there: x, y, width, height, objectness and classes.
        """
        import torch
        from torch.nn import functional

        layer: Any = self._model
        values = pixels
        for name in ("0", "2", "4", "6", "8"):
            fine = layer[f"conv{name}"](values)
            values = functional.max_pool2d(fine, 2)
        # A pool of stride 1 keeps the size: what lies outside is less than everything.
        values = functional.pad(layer["conv10"](values), (0, 1, 0, 1), value=-float("inf"))
        values = functional.max_pool2d(values, 2, stride=1)
        values = layer["conv13"](layer["conv12"](values))
        coarse = layer["conv15"](layer["conv14"](values))
        wide = functional.interpolate(layer["conv18"](values), scale_factor=2.0, mode="nearest")
        return coarse, layer["conv22"](layer["conv21"](torch.cat([wide, fine], dim=1)))


def _best(values: torch.Tensor) -> torch.Tensor:
    n, _, *places = values.shape
    boxes = values.reshape(n, N_ANCHORS, 5 + N_CLASSES, *places).sigmoid()
    return (boxes[:, :, 4] * boxes[:, :, 5:].amax(dim=2)).amax(dim=(1, 2, 3))


def _network() -> nn.ModuleDict:
    from torch import nn

    layers = nn.ModuleDict()
    for name, n_in, n_out, size in CONVOLUTIONS:
        is_linear = name in LINEAR
        convolution = nn.Conv2d(n_in, n_out, size, padding=size // 2, bias=is_linear)
        layers[f"conv{name}"] = (
            convolution
            if is_linear
            else nn.Sequential(convolution, nn.BatchNorm2d(n_out, eps=0.0), nn.LeakyReLU(SLOPE))
        )
    return layers


def _load(model: nn.ModuleDict, path: Path) -> None:
    values = _values(path)
    n_used = 0
    for tensor in _tensors(model):
        part = values[n_used : n_used + tensor.numel()]
        n_used += tensor.numel()
        _fill(tensor, part)
    for name, buffer in model.named_buffers():
        if name.endswith("running_var"):
            buffer.copy_((buffer.sqrt() + EPS) ** 2)


def _values(path: Path) -> np.ndarray[Any, np.dtype[np.float32]]:
    n_expected = HEADER_BYTES + 4 * sum(tensor.numel() for tensor in _tensors(_network()))
    n_bytes = path.stat().st_size
    if n_bytes != n_expected:
        raise WeightsError(
            f"{path} is no weight file of YOLOv3-tiny with COCO's classes: it has {n_bytes} bytes, "
            f"expected are {n_expected}. Of Darknet's detectors only this one is read."
        )
    content = path.read_bytes()
    version = tuple(int(number) for number in np.frombuffer(content, "<i4", count=2))
    values = np.frombuffer(content, "<f4", offset=HEADER_BYTES)
    if version != VERSION or not np.isfinite(values).all():
        raise WeightsError(
            f"{path} is damaged: it should be of Darknet's format {VERSION} and hold finite values "
            f"only; it is of {version}, and {np.count_nonzero(~np.isfinite(values))} are not "
            "finite. Fetch or copy it again."
        )
    return values


def _tensors(model: nn.ModuleDict) -> list[torch.Tensor]:
    """List tensors in the order of the file: of each layer all that is per channel comes first."""
    found: list[torch.Tensor] = []
    layer: Any
    for name, layer in model.items():
        if name.removeprefix("conv") in LINEAR:
            found += [layer.bias, layer.weight]
        else:
            norm = layer[1]
            found += [norm.bias, norm.weight, norm.running_mean, norm.running_var, layer[0].weight]
    return found


def _fill(tensor: torch.Tensor, values: np.ndarray[Any, np.dtype[np.float32]]) -> None:
    import torch

    tensor.data.copy_(torch.from_numpy(values.copy()).reshape(tensor.shape))
