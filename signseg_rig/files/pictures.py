"""Decode image files: as RGB, and none of them by guess."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from signseg_rig.errors import PictureError
from signseg_rig.values import ImageArray
from signseg_rig.wording import first_few

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".bmp": "BMP", ".tif": "TIFF"} | {
    ".tiff": "TIFF"
}
# Modes whose conversion to 8-bit RGB changes no gray level; 16-bit and float images would clip.
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
MAX_SIDE_PX = 4096
MAX_LISTED = 10
MAX_NAMED = 3
# Images of formats that Pillow does not know, either.
UNREAD = (".heic", ".heif", ".svg", ".raw", ".cr2", ".nef", ".dng")


def is_picture_name(name: str) -> bool:
    """Return whether a file of this name should be read: known suffix, not hidden."""
    return PurePosixPath(name).suffix.lower() in FORMATS and not name.startswith(".")


def read_picture(source: Path | IO[bytes], name: str) -> ImageArray:
    """Decode one image.

    Parameters
    ----------
    source : Path or binary file
    name : str
        What errors call it.

    Returns
    -------
    image : (height, width, 3) uint8 array
        Turned upright where a camera noted its orientation, and converted to sRGB where a color
        profile says that its values mean other colors.

    Raises
    ------
    PictureError
        It cannot be decoded, is transparent, not 8-bit, or too large. Its size is checked before
        any pixel is decoded.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _read(source)
    except UnidentifiedImageError as error:
        known = ", ".join(sorted(set(FORMATS.values())))
        raise PictureError(f"{name}: cannot identify the image; it is none of {known}.") from error
    except (
        PictureError,
        OSError,
        SyntaxError,
        ValueError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise PictureError(f"{name}: {error}") from error


def describe_left_out(folder: Path) -> str | None:
    """Say what in a folder looks like images and is not read.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    sentence : str or None
        With numbers and reasons; None where nothing is left out. Hidden files, and files of which
        nobody would think that they are images, are not counted.
    """
    reasons: dict[str, list[str]] = {}
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if reason := _why_left_out(path):
            reasons.setdefault(reason, []).append(path.name)
    if not reasons:
        return None
    listed = "; ".join(
        f"{len(names)} {reason}: {first_few(map(repr, names), MAX_NAMED)}"
        for reason, names in reasons.items()
    )
    n_all = sum(map(len, reasons.values()))
    return (
        f"{n_all} entries of {folder} are not read ({listed}). Images are {', '.join(FORMATS)} "
        "files in the folder itself."
    )


def _why_left_out(path: Path) -> str | None:
    if path.name.startswith("."):
        return None
    if path.is_symlink() and not path.exists():
        return "links that lead nowhere"
    if path.is_dir():
        return "subfolders"
    suffix = path.suffix.lower()
    if suffix in FORMATS or (suffix not in UNREAD and suffix not in Image.registered_extensions()):
        return None
    return f"files of the format {suffix}"


def describe_unusable(problems: Sequence[str], n_images: int, where: Path | str) -> str:
    """Say which images cannot be used, and why.

    Parameters
    ----------
    problems : sequence of str
        One for each image that cannot be used; the first few are listed.
    n_images : int
        How many there are in all.
    where : Path or str
    """
    listed = first_few(problems, MAX_LISTED, separator="\n")
    return f"{len(problems)} of {n_images} images in {where} cannot be used:\n{listed}"


def _read(source: Path | IO[bytes]) -> ImageArray:
    with Image.open(source, formats=sorted(set(FORMATS.values()))) as image:
        if max(image.size) > MAX_SIDE_PX:
            raise PictureError(
                f"is {image.width} x {image.height} pixels; a side has at most {MAX_SIDE_PX}. "
                "Make it smaller."
            )
        if image.mode not in MODES:
            raise PictureError(f"has pixels of mode {image.mode!r}; save it as 8-bit RGB or gray.")
        # What lies under transparent pixels is arbitrary, and would be shown.
        if _is_transparent(image):
            raise PictureError("has transparent pixels; flatten it onto the background it needs.")
        return np.asarray(_in_srgb(ImageOps.exif_transpose(image)), dtype=np.uint8)


def _in_srgb(image: Image.Image) -> Image.Image:
    """Convert to RGB by the color profile that the image brings along, if it is not sRGB."""
    embedded = image.info.get("icc_profile")
    if not embedded:
        return image.convert("RGB")
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(embedded))
        if "sRGB" in ImageCms.getProfileDescription(profile):
            return image.convert("RGB")
        space = profile.profile.xcolor_space.strip()
        colors = image.convert({"GRAY": "L", "CMYK": "CMYK"}.get(space, "RGB"))
        srgb = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(colors, profile, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError) as error:
        raise PictureError(
            f"has a color profile that cannot be used ({error}). Convert it to sRGB."
        ) from error
    assert converted is not None  # it is only where the image is changed in place
    return converted


def _is_transparent(image: Image.Image) -> bool:
    if "A" not in image.getbands() and "transparency" not in image.info:
        return False
    lowest, _highest = image.convert("RGBA").getchannel("A").getextrema()
    return lowest != 255
