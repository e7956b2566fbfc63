"""Where everything goes on the screen, in whole pixels; shared by every display.

Both displays paint the same rectangles, so the window shows what the headless display composes,
pixel for pixel.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from PIL import Image

from signseg_rig.errors import DisplayError
from signseg_rig.experiment import FixationSettings, MonitorSettings, StimulusSettings
from signseg_rig.values import ImageArray, Placement

WHITE = (255, 255, 255)
BLACK = (0, 0, 0)

Rgb = tuple[int, int, int]


class Rect(NamedTuple):
    """A rectangle of whole pixels, counted from the top left of the screen.

    Parameters
    ----------
    left, top, width, height : int, in pixels
    """

    left: int
    top: int
    width: int
    height: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns of the rectangle in a (height, width, 3) frame."""
        return (
            slice(self.top, self.top + self.height),
            slice(self.left, self.left + self.width),
        )

    def fits(self, width_px: int, height_px: int) -> bool:
        """Return whether all of it lies on a screen of this size."""
        return (
            min(self.left, self.top) >= 0
            and self.left + self.width <= width_px
            and self.top + self.height <= height_px
        )

    def overlaps(self, other: Rect) -> bool:
        """Return whether it has a pixel in common with another rectangle."""
        return (
            self.left < other.left + other.width
            and other.left < self.left + self.width
            and self.top < other.top + other.height
            and other.top < self.top + self.height
        )


class Fill(NamedTuple):
    """A rectangle of one colour."""

    rect: Rect
    color_rgb: Rgb


class Placed(NamedTuple):
    """An image at the size and place at which it is shown.

    Parameters
    ----------
    pixels : (rect.height, rect.width, 3) uint8 array, C-contiguous
    rect : Rect
    """

    pixels: ImageArray
    rect: Rect


class Layout:
    """Turns degrees of visual angle into rectangles on one screen.

    From back to front: the background, the image, the fixation spot, the sync patch. The spot
    stays on during an image, so that the animal has something to fixate.

    Parameters
    ----------
    monitor : MonitorSettings
    stimulus : StimulusSettings

    Raises
    ------
    DisplayError
        The stimulus, the fixation spot or the sync patch lies off the screen.
    """

    def __init__(self, monitor: MonitorSettings, stimulus: StimulusSettings) -> None:
        self.size_px = (monitor.width_px, monitor.height_px)
        self.background_rgb: Rgb = (stimulus.background_gray,) * 3
        self._monitor = monitor
        self._stimulus = stimulus
        self.placement = Placement(stimulus.position_deg, stimulus.size_deg)
        self._to_px(stimulus.position_deg, "stimulus.position_deg")
        spot = tuple(self._fixation(stimulus.fixation))
        self._overlays = {
            has_image: spot + self._sync_patch(has_image=has_image) for has_image in (True, False)
        }

    def overlay(self, *, has_image: bool) -> tuple[Fill, ...]:
        """List what is painted over the image, or over the background alone, in this order."""
        return self._overlays[has_image]

    def place(self, pixels: ImageArray, placement: Placement | None = None) -> Placed:
        """Bring an image to the size at which it is shown, and find its place.

        Without `size_deg` the pixels stay as they are. With it the longer side of the image
        spans that angle, rounded to an even number of pixels. The image is resampled here and
        not by the graphics card, so that every screen shows the same pixels.

        Parameters
        ----------
        pixels : (height, width, 3) uint8 array
        placement : Placement, optional
            By default that of the experiment file.

        Returns
        -------
        placed : Placed

        Raises
        ------
        DisplayError
            The array is no such image, or does not fit the screen.
        """
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
            raise DisplayError(
                f"A display shows images of shape (height, width, 3) and type uint8; got shape "
                f"{pixels.shape} and type {pixels.dtype}. Convert the image before it is sent."
            )
        placement = placement or self.placement
        height, width = self._shown_shape(pixels.shape[0], pixels.shape[1], placement.size_deg)
        rect = _around(self._to_px(placement.position_deg, "position_deg"), width, height)
        if not rect.fits(*self.size_px):
            raise DisplayError(
                f"An image of {width} x {height} px at position_deg = "
                f"{placement.position_deg} does not fit the screen of {self.size_px[0]} x "
                f"{self.size_px[1]} px. Set a smaller 'size_deg' under [stimulus], or move it."
            )
        if (height, width) != pixels.shape[:2]:
            resampled = Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR)
            pixels = np.asarray(resampled)
        return Placed(np.ascontiguousarray(pixels), rect)

    def compose(self, placed: Placed | None) -> ImageArray:
        """Paint the frame in memory: the reference for what a screen shows.

        Returns
        -------
        frame : (height_px, width_px, 3) uint8 array
        """
        width_px, height_px = self.size_px
        frame = np.empty((height_px, width_px, 3), dtype=np.uint8)
        frame[:] = self.background_rgb
        if placed is not None:
            frame[placed.rect.slices] = placed.pixels
        for rect, color_rgb in self.overlay(has_image=placed is not None):
            frame[rect.slices] = color_rgb
        return frame

    def _shown_shape(self, height: int, width: int, size_deg: float | None) -> tuple[int, int]:
        if size_deg is None:
            return height, width
        scale = self._monitor.px(size_deg) / max(height, width)
        return _even(height * scale), _even(width * scale)

    def _to_px(self, position_deg: tuple[float, float], name: str) -> tuple[int, int]:
        """Find the pixel corner nearest to a position, x to the right and y upwards."""
        width_px, height_px = self.size_px
        px_per_cm = self._monitor.width_px / self._monitor.width_cm
        if max(map(abs, position_deg)) < 90:
            # A flat screen: eccentricity is the angle to the normal through its centre.
            x_px, y_px = (
                math.tan(math.radians(angle)) * self._monitor.distance_cm * px_per_cm
                for angle in position_deg
            )
            if abs(x_px) <= width_px / 2 and abs(y_px) <= height_px / 2:
                return _round(width_px / 2 + x_px), _round(height_px / 2 - y_px)
        raise DisplayError(
            f"{name} = {list(position_deg)} lies off the screen, which is {width_px} x "
            f"{height_px} px or {self._monitor.deg(width_px):.1f} x "
            f"{self._monitor.deg(height_px):.1f} degrees. Move it, or correct [monitor]."
        )

    def _fixation(self, fixation: FixationSettings) -> list[Fill]:
        if not fixation.is_shown:
            return []
        centre_px = self._to_px(fixation.position_deg, "stimulus.fixation.position_deg")
        spot = disc(centre_px, _even(self._monitor.px(fixation.diameter_deg)))
        if not all(rect.fits(*self.size_px) for rect in spot):
            raise DisplayError(
                f"A fixation spot of {fixation.diameter_deg} degrees at stimulus.fixation."
                f"position_deg = {list(fixation.position_deg)} reaches over the edge of the "
                f"screen of {self.size_px[0]} x {self.size_px[1]} px. Move it or make it smaller."
            )
        return [Fill(rect, fixation.color_rgb) for rect in spot]

    def _sync_patch(self, *, has_image: bool) -> tuple[Fill, ...]:
        patch = self._stimulus.sync_patch
        if patch.corner == "none":
            return ()
        width_px, height_px = self.size_px
        size_px = patch.size_px
        left = width_px - size_px if patch.corner.endswith("right") else 0
        top = height_px - size_px if patch.corner.startswith("bottom") else 0
        rect = Rect(left, top, size_px, size_px)
        if not rect.fits(*self.size_px):
            raise DisplayError(
                f"A sync patch of {size_px} px is larger than the screen of {width_px} x "
                f"{height_px} px. Set a smaller 'size_px' under [stimulus.sync_patch]."
            )
        return (Fill(rect, WHITE if has_image else BLACK),)


def disc(centre_px: tuple[int, int], diameter_px: int) -> list[Rect]:
    """Cover a disc with rectangles: every pixel whose centre lies inside, each exactly once.

    Parameters
    ----------
    centre_px : (x, y)
        A corner between pixels.
    diameter_px : int, even

    Returns
    -------
    rects : list of Rect
        From top to bottom.
    """
    # Centres of the pixels, relative to the centre of the disc.
    offsets = np.arange(diameter_px) + 0.5 - diameter_px / 2
    widths = (np.hypot.outer(offsets, offsets) <= diameter_px / 2).sum(axis=1)
    first_rows = np.flatnonzero(np.diff(widths, prepend=0))
    heights = np.diff(first_rows, append=diameter_px)
    x, y = centre_px
    return [
        Rect(x - int(widths[row]) // 2, y - diameter_px // 2 + int(row), int(widths[row]), int(n))
        for row, n in zip(first_rows, heights, strict=True)
    ]


def _around(centre_px: tuple[int, int], width: int, height: int) -> Rect:
    """Centre a rectangle; one of odd size lies half a pixel to the left of and above it."""
    x, y = centre_px
    return Rect(x - (width + 1) // 2, y - (height + 1) // 2, width, height)


def _round(value_px: float) -> int:
    return math.floor(value_px + 0.5)


def _even(length_px: float) -> int:
    return max(2, 2 * _round(length_px / 2))
