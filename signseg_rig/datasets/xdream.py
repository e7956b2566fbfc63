"""The folder in which XDream exchanges images and responses with a rig."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

import numpy as np

from signseg_rig.datasets.dataset import RecordedData
from signseg_rig.datasets.image_files import FolderImages
from signseg_rig.datasets.matlab import read_mat
from signseg_rig.datasets.names import composed
from signseg_rig.datasets.problems import DataProblem, listed
from signseg_rig.errors import DataSetError
from signseg_rig.files.pictures import is_picture_name
from signseg_rig.values import FloatArray

RESPONSE_FILE = re.compile(r"block(\d+)\.mat")
IMAGE_FILE = re.compile(r"block\d+_\d+_(?P<id>.+)\.\w+")


def is_xdream_folder(folder: Path) -> bool:
    """Return whether a folder holds responses as a rig writes them for XDream."""
    return folder.is_dir() and any(RESPONSE_FILE.fullmatch(path.name) for path in folder.iterdir())


def read_xdream(folder: Path, image_folder: Path | None = None) -> RecordedData:
    """Read the blocks of an XDream experiment.

    Parameters
    ----------
    folder : Path
        Holds ``block000.mat``, ``block001.mat``, ... with `stimulusID`, a cell of image file names,
        and `tEvokedResp`, their responses, (n_channels, n_images) in MATLAB.
    image_folder : Path, optional
        Holds images called ``block000_003_ID.png`` or ``.bmp``; `folder` by default. XDream deletes
        them from there when a block is over, and leaves copies in its log folder.

    Returns
    -------
    data : RecordedData
        Units are channels. A repeat of an image is one that has the same id. Responses are taken
        for rates in Hz: XDream leaves it to the rig what they are.

    Raises
    ------
    DataSetError
        Files cannot be read, or differ in their channels.

    Notes
    -----
    The names stand in `EPhysScorer` and `BlockWriter` of the program, github.com/willwx/XDream.
    """
    trials: defaultdict[str, list[FloatArray]] = defaultdict(list)
    n_channels: dict[str, int] = {}
    for path in _response_files(folder):
        names, responses = _read_block(path)
        n_channels[path.name] = responses.shape[1]
        for name, response in zip(names, responses, strict=True):
            trials[_image_id(name)].append(response)
    if len(set(n_channels.values())) != 1:
        raise DataSetError(
            f"The response files in {folder} should have the same number of channels; they have "
            f"{n_channels}."
        )
    rates = _arranged(list(trials.values()), next(iter(n_channels.values())))
    images, problems = _images(image_folder or folder, tuple(trials))
    return RecordedData(
        rates_hz=rates,
        image_ids=tuple(trials),
        unit_ids=tuple(str(channel) for channel in range(len(rates))),
        images=images,
        session={"source": str(folder), "format": "XDream"},
        reader_problems=tuple(problems),
    )


def _response_files(folder: Path) -> list[Path]:
    found = {
        int(match[1]): path
        for path in folder.iterdir()
        if (match := RESPONSE_FILE.fullmatch(path.name))
    }
    if not found:
        raise DataSetError(f"{folder} holds no response files of XDream (block000.mat, ...).")
    return [found[number] for number in sorted(found)]


def _read_block(path: Path) -> tuple[list[str], FloatArray]:
    """Read image file names and (n_images, n_channels) responses."""
    names, responses = read_mat(path, "stimulusID"), read_mat(path, "tEvokedResp")
    if not isinstance(names, list) or isinstance(responses, list) or responses.ndim != 2:
        raise DataSetError(
            f"{path} should hold a cell of file names as stimulusID and a matrix of numbers as "
            "tEvokedResp."
        )
    if responses.shape[1] != len(names):
        raise DataSetError(
            f"{path} has {len(names)} file names in stimulusID, and tEvokedResp has the shape "
            f"{responses.shape}; in MATLAB it should be (channels, images)."
        )
    return names, responses.T.astype(np.float64)


def _image_id(file_name: str) -> str:
    """Take the image's id out of a path as Windows or others write it."""
    file_name = composed(file_name)
    base_name = PureWindowsPath(file_name).name
    match = IMAGE_FILE.fullmatch(base_name)
    return match["id"] if match else PureWindowsPath(file_name).stem


def _arranged(trials: Sequence[Sequence[FloatArray]], n_channels: int) -> FloatArray:
    n_repeats = max(map(len, trials), default=0)
    rates = np.full((n_channels, len(trials), n_repeats), np.nan)
    for column, responses in enumerate(trials):
        rates[:, column, : len(responses)] = np.transpose(responses)
    return rates


def _images(folder: Path, image_ids: tuple[str, ...]) -> tuple[FolderImages, list[DataProblem]]:
    """Find the files of the images that have responses; of several of one id the first."""
    files: defaultdict[str, list[str]] = defaultdict(list)
    pictures = (path for path in folder.iterdir() if is_picture_name(path.name) and path.is_file())
    for name in sorted(path.name for path in pictures):
        files[_image_id(name)].append(name)
    found = tuple(image_id for image_id in image_ids if image_id in files)
    keys = tuple(files[image_id][0] for image_id in found)
    differing = [image_id for image_id in found if _differ(folder, files[image_id])]
    problems = []
    if differing:
        problems.append(
            DataProblem(
                f"{len(differing)} image ids stand for several different images in {folder}: "
                f"{listed(differing)}. Keep the files of one experiment in one folder."
            )
        )
    return FolderImages(found, keys, folder, offered=tuple(files)), problems


def _differ(folder: Path, names: Sequence[str]) -> bool:
    if len(names) == 1:
        return False  # an experiment has thousands of images, each of an id of its own
    try:
        return len({(folder / name).read_bytes() for name in names}) > 1
    except OSError as error:
        raise DataSetError(
            f"An image in {folder} cannot be read: {error}. Copy it again, or take it away: "
            f"{listed(names)} have one id, and are compared."
        ) from error
