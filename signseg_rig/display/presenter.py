"""Present images frame by frame, and report when they were on the screen."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from signseg_rig.display.markers import Marker
from signseg_rig.errors import DisplayError
from signseg_rig.interfaces import Display
from signseg_rig.values import Shown

# A frame that comes later than this many periods after the one before was dropped.
LATE_PERIODS = 1.5


class Presenter:
    """Shows one image after the other on an open display.

    Parameters
    ----------
    display : Display
        Open.
    marker : Marker
        Raised at the flip that brings an image, lowered at the one that takes it away.
    """

    def __init__(self, display: Display, marker: Marker) -> None:
        self._display = display
        self._marker = marker

    def present(
        self,
        presentation_id: str,
        key: str,
        *,
        on_frames: int,
        off_frames: int,
        between_frames: Callable[[], None],
    ) -> Shown:
        """Show an image for some frames, then the background for some.

        The flip after the last background frame belongs to the next presentation, so onsets
        follow each other every ``on_frames + off_frames`` frames.

        Parameters
        ----------
        presentation_id : str
        key : str
            The sha256 of the pixels, under which they were loaded.
        on_frames, off_frames : int, >= 1
            At least one frame of background, or neither photodiode nor marker would fall
            between two images.
        between_frames : callable
            Called after every flip. What it takes longer than a frame delays the next flip,
            which is then counted as dropped.

        Returns
        -------
        shown : Shown

        Raises
        ------
        DisplayError
            The image was not loaded, the screen or the marker fails, or a count is below 1.
        """
        if on_frames < 1 or off_frames < 1:
            raise DisplayError(
                f"Presentation {presentation_id} is to show its image for {on_frames} frames and "
                f"the background for {off_frames}; both need at least one, or no edge of the "
                f"sync line would mark it. Lengthen 'on_ms' or 'off_ms' under [stimulus]."
            )
        flips_s = [self._frame(key, self._marker.rise, between_frames)]
        flips_s += [self._frame(key, None, between_frames) for _ in range(on_frames - 1)]
        flips_s += [self._frame(None, self._marker.fall, between_frames)]
        for _ in range(off_frames - 1):
            self._frame(None, None, between_frames)
        return Shown(
            presentation_id=presentation_id,
            pixels_sha256=key,
            onset_s=flips_s[0],
            offset_s=flips_s[-1],
            n_frames=on_frames,
            n_dropped_frames=self._n_late(flips_s),
        )

    def idle_frame(self) -> None:
        """Show the background for a frame."""
        self._display.draw(None)
        self._display.flip()

    def _frame(
        self,
        key: str | None,
        mark: Callable[[], None] | None,
        between_frames: Callable[[], None],
    ) -> float:
        self._display.draw(key)
        time_s = self._display.flip()
        if mark is not None:
            mark()
        between_frames()
        return time_s

    def _n_late(self, flips_s: list[float]) -> int:
        late_s = LATE_PERIODS / self._display.refresh_rate_hz
        return sum(after - before > late_s for before, after in pairwise(flips_s))
