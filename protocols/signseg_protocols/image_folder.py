"""Read the images of a folder: in one order everywhere, as RGB, and none of them by guess."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from signseg_rig.errors import ConfigError
from signseg_rig.types import ImageArray

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".bmp": "BMP", ".tif": "TIFF"} | {
    ".tiff": "TIFF"
}
# Modes whose conversion to 8-bit RGB changes no gray level; 16-bit and float images would clip.
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
MAX_SIDE_PX = 4096
MAX_TOTAL_BYTES = 2**30


def read_images(folder: Path, n_images: int | None = None) -> list[tuple[str, ImageArray]]:
    """Read the image files of a folder, sorted by name.

    Parameters
    ----------
    folder : Path
        Its PNG, JPEG, BMP and TIFF files are read; other files, hidden files and subfolders are
        left out.
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


def _image_paths(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ConfigError(
            f"There is no folder {folder} (seen from {Path.cwd()}). Name a folder of images."
        )
    found = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in FORMATS and not path.name.startswith(".") and path.is_file()
    ]
    # By name as text: paths themselves compare without regard to case on Windows.
    return sorted(found, key=lambda path: path.name)


def _read_all(folder: Path, paths: list[Path]) -> list[tuple[str, ImageArray]]:
    images, problems, n_bytes = [], [], 0
    for path in paths:
        try:
            image = _read(path)
        except (ConfigError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as err:
            problems.append(f"{path.name}: {err}")
            continue
        images.append((path.name, image))
        n_bytes += image.nbytes
        if n_bytes > MAX_TOTAL_BYTES:
            raise ConfigError(
                f"The images in {folder} take more than {MAX_TOTAL_BYTES >> 20} MiB once they are "
                "read. Name fewer with n_images, or make them smaller."
            )
    if problems:
        listed = "\n".join(itertools.chain(problems[:10], ["..."] if problems[10:] else []))
        raise ConfigError(
            f"{len(problems)} of {len(paths)} images in {folder} cannot be used:\n{listed}"
        )
    return images


def _read(path: Path) -> ImageArray:
    with Image.open(path, formats=sorted(set(FORMATS.values()))) as image:
        if max(image.size) > MAX_SIDE_PX:
            raise ConfigError(
                f"is {image.width} x {image.height} pixels; a side has at most {MAX_SIDE_PX}. "
                "Make it smaller."
            )
        if image.mode not in MODES:
            raise ConfigError(f"has pixels of mode {image.mode!r}; save it as 8-bit RGB or gray.")
        # What lies under transparent pixels is arbitrary, and would be shown.
        if _is_transparent(image):
            raise ConfigError("has transparent pixels; flatten it onto the background it needs.")
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"), dtype=np.uint8)


def _is_transparent(image: Image.Image) -> bool:
    if "A" not in image.getbands() and "transparency" not in image.info:
        return False
    lowest, _highest = image.convert("RGBA").getchannel("A").getextrema()
    return lowest != 255
