"""The files that the results of a sweep depend on: what lies there, and whether it is the same."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass

from signseg_rig.datasets import open_images
from signseg_rig.errors import SweepError
from signseg_rig.neurons import model_file_sha256
from signseg_rig.sweeps.settings import SweepSettings
from signseg_rig.weights import used_weights

N_DIGITS_SHOWN = 12
# Where something lies, and its sha256.
Stamps = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SweepFiles:
    """What lies where the results of a sweep come from.

    Parameters
    ----------
    weights : mapping of str to str
        sha256 of each weight file, by path.
    network_weights : tuple of str
        sha256 of those of the network, sorted.
    neurons : str or None
        sha256 of the neuron-model file.
    images : tuple of str or None
        sha256 of the pixels of each image by which a hidden layer is judged, sorted.
    stamps : tuple of (str, str)
        All of it in short, as it goes to workers with every task: the images are one item.
    """

    weights: Mapping[str, str]
    network_weights: tuple[str, ...]
    neurons: str | None
    images: tuple[str, ...] | None
    stamps: Stamps


def hash_files(settings: SweepSettings) -> SweepFiles:
    """Hash the files that the results of a sweep depend on.

    Raises
    ------
    WeightsMissingError, WeightsError
        A weight file is missing, or is another.
    NeuronModelError
        The neuron-model file is missing, or cannot be read.
    DataSetError, PictureError
        The images by which a hidden layer is judged cannot be read.
    """
    of_network = used_weights(settings.network)
    weights = of_network | used_weights(settings.generator) | used_weights(settings.optimizer)
    stamps = sorted(weights.items(), key=lambda item: item[1])
    neurons, images = None, None
    if settings.neurons is not None:
        neurons = model_file_sha256(settings.neurons)
        stamps.append((str(settings.neurons), neurons))
    if settings.hidden is not None:
        images = tuple(sorted(open_images(settings.hidden.images).sha256))
        together = hashlib.sha256("".join(images).encode()).hexdigest()
        stamps.append((str(settings.hidden.images), together))
    return SweepFiles(weights, tuple(sorted(of_network.values())), neurons, images, tuple(stamps))


def require_same_files(here: Stamps, listed: Stamps) -> None:
    """Make sure that a worker has the files from which its tasks were listed.

    Parameters
    ----------
    here, listed : tuple of (str, str)
        Of the files of the worker and of those where the sweep was started. They may lie elsewhere.

    Raises
    ------
    SweepError
        They are others; results would be kept under the names of results that they are not.
    """
    if [sha256 for _, sha256 in here] == [sha256 for _, sha256 in listed]:
        return
    raise SweepError(
        f"The sweep was started with {_others(listed, here)}, and its worker on {platform.node()} "
        f"has {_others(here, listed)}. Have the same files on all machines. If one was changed on "
        "purpose, start the sweep again: it begins anew with what depends on it."
    )


def _others(files: Stamps, known: Stamps) -> str:
    """Name the files that the other side does not have."""
    hashes = {sha256 for _, sha256 in known}
    found = [
        f"{where} (sha256 {sha256[:N_DIGITS_SHOWN]}...)"
        for where, sha256 in files
        if sha256 not in hashes
    ]
    return ", ".join(found) or "no other file"
