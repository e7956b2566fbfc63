"""Read the images of a folder: in one order everywhere, and not more than memory holds."""

from __future__ import annotations

from pathlib import Path

from signseg_rig.errors import ConfigError, PictureError
from signseg_rig.files.pictures import FORMATS, describe_unusable, is_picture_name, read_picture
from signseg_rig.values import ImageArray

MAX_TOTAL_BYTES = 2**30


def read_images(folder: Path, n_images: int | None = None) -> list[tuple[str, ImageArray]]:
    """Read the image files of a folder, sorted by name.

    Parameters
    ----------
    folder : Path
        Its PNG, JPEG, BMP and TIFF files are read; other files, hidden files and subfolders are
        left out; `describe_left_out` of `signseg_rig.files.pictures` says which look like images.
    n_images : int, optional
        How many to read, the first by name; all by default.

    Returns
    -------
    images : list of (name, (height, width, 3) uint8 array)

    Raises
    ------
    ConfigError
        The folder is missing or holds fewer images; or images cannot be read, are transparent,
        not 8-bit, or too large. The message lists all of them.
    """
    paths = _image_paths(folder)
    if not paths or (n_images is not None and len(paths) < n_images):
        raise ConfigError(
            f"The folder {folder} holds {len(paths)} images ({', '.join(FORMATS)}); "
            f"{n_images or 'at least one'} should be there. Add images, or name another folder."
        )
    return _read_all(folder, paths[:n_images])


def count_images(folder: Path) -> int:
    """Count the image files of a folder, whether they can be used or not."""
    return len(_image_paths(folder))


def _image_paths(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ConfigError(
            f"There is no folder {folder} (seen from {Path.cwd()}). Name a folder of images."
        )
    found = [path for path in folder.iterdir() if is_picture_name(path.name) and path.is_file()]
    # By name as text: paths themselves compare without regard to case on Windows.
    return sorted(found, key=lambda path: path.name)


def _read_all(folder: Path, paths: list[Path]) -> list[tuple[str, ImageArray]]:
    images, problems, n_bytes = [], [], 0
    for path in paths:
        try:
            image = read_picture(path, path.name)
        except PictureError as error:
            problems.append(str(error))
            continue
        images.append((path.name, image))
        n_bytes += image.nbytes
        if n_bytes > MAX_TOTAL_BYTES:
            raise ConfigError(
                f"The images in {folder} take more than {MAX_TOTAL_BYTES >> 20} MiB once they are "
                "read. Name fewer with n_images, or make them smaller."
            )
    if problems:
        raise ConfigError(describe_unusable(problems, len(paths), folder))
    return images
