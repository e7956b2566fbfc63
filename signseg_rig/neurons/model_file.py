"""Neuron-model files: arrays as safetensors, and what they mean as JSON in its metadata.

The format runs nothing when it is read, and other programs can read it.
"""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from signseg_rig.errors import NeuronModelError
from signseg_rig.files.whole import write_whole
from signseg_rig.settings import Sha256
from signseg_rig.weights import file_sha256

FORMAT = 2
KEY = "signseg_rig.neurons"
PACKAGES = ("signseg-rig", "numpy", "scipy", "scikit-learn", "torch")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FeatureDescription(_Strict):
    """A `FeatureSpec`."""

    network: dict[str, str | int | float]
    layer: str
    pool_px: int | None
    rectify: Literal["as_is", "split"] = "as_is"


class SignsDescription(_Strict):
    """`FeatureSigns`."""

    is_rectified: bool
    negative_share: float = Field(ge=0, le=1)


class AblationDescription(_Strict):
    """An `Ablation`."""

    sign: str
    strength: float
    convention: Literal["raw", "centered"]
    signed_features_anyway: bool = False


class ModelDescription(_Strict):
    """What the arrays of a neuron-model file mean.

    Parameters
    ----------
    format : int
        Version of the file format. Files of format 1 do not know the signs of their features.
    unit_ids, features, signs, image_sha256, session, fit, ablation
        As of `NeuronModels`.
    versions : dict of str to str
        Of what wrote the file.
    """

    format: Literal[1, 2]
    unit_ids: tuple[str, ...]
    features: FeatureDescription
    signs: SignsDescription | None = None
    image_sha256: tuple[Sha256, ...]
    session: dict[str, str]
    fit: dict[str, int | list[int]]
    ablation: AblationDescription | None
    versions: dict[str, str]


def versions() -> dict[str, str]:
    """Return the versions of what computes here, of those packages that are installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def write_model_file(
    path: Path, arrays: Mapping[str, np.ndarray[Any, Any]], description: ModelDescription
) -> None:
    """Write a file; a crash leaves the old one, or none.

    Parameters
    ----------
    path : Path
    arrays : mapping of str to array
    description : ModelDescription

    Raises
    ------
    NeuronModelError
        The file cannot be written.
    """
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Through a file of our own, which others of the lab may read: safetensors' is private.
        write_whole(path, save(contiguous, {KEY: description.model_dump_json()}))
    except (OSError, SafetensorError) as error:
        raise NeuronModelError(
            f"{path} cannot be written: {error}. Make room, or name another place."
        ) from error


def model_file_sha256(path: Path) -> str:
    """Hash a neuron-model file.

    Raises
    ------
    NeuronModelError
        The file is missing, or cannot be read.
    """
    _require_file(path)
    try:
        return file_sha256(path)
    except OSError as error:
        raise _unreadable(path, error) from error


def read_model_file(path: Path) -> tuple[dict[str, np.ndarray[Any, Any]], ModelDescription]:
    """Read a file strictly: what its description does not say, or says besides, is an error.

    Parameters
    ----------
    path : Path

    Returns
    -------
    arrays : dict of str to array
    description : ModelDescription

    Raises
    ------
    NeuronModelError
        The file is missing, damaged, of another format version, or no neuron-model file.
    """
    _require_file(path)
    try:
        with safe_open(path, framework="numpy") as file:
            description = _description(path, file.metadata() or {})
            return {name: file.get_tensor(name) for name in file.keys()}, description  # noqa: SIM118
    # safetensors has types that numpy lacks, and lets numpy say so.
    except (SafetensorError, OSError, TypeError, AttributeError, KeyError) as error:
        raise _unreadable(path, error) from error


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise NeuronModelError(
            f"There is no neuron-model file {path}. 'signseg-rig fit' makes one."
        )


def _unreadable(path: Path, error: Exception) -> NeuronModelError:
    return NeuronModelError(
        f"{path} cannot be read as a neuron-model file: {error}. Copy it again, or fit again."
    )


def _description(path: Path, metadata: dict[str, str]) -> ModelDescription:
    if KEY not in metadata:
        raise NeuronModelError(
            f"{path} is no neuron-model file: its metadata lacks {KEY!r}. It is the safetensors "
            "file of something else."
        )
    try:
        return ModelDescription.model_validate_json(metadata[KEY])
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:3]
        )
        raise NeuronModelError(
            f"{path} is no neuron-model file of format {FORMAT}: {problems}. It was written by "
            "another version, or changed by hand: fit again with 'signseg-rig fit', or use the "
            "version that wrote it."
        ) from error
