"""Check whether everything that is shown lies on the screen, can be seen, and hides nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from signseg_rig.display.layout import Layout, Rect
from signseg_rig.errors import DisplayError
from signseg_rig.experiment import (
    FixationSettings,
    MonitorSettings,
    StimulusSettings,
    SyncPatchSettings,
)
from signseg_rig.settings import Problem
from signseg_rig.settings.toml_lines import KeyPath
from signseg_rig.values import ImageArray

# Nothing of an image is left in fewer pixels.
MIN_IMAGE_PX = 8
ANY_IMAGE: ImageArray = np.zeros((1, 1, 3), dtype=np.uint8)
NO_PATCH = SyncPatchSettings(corner="none")
NO_SPOT = FixationSettings(is_shown=False)


def position_problems(monitor: MonitorSettings, stimulus: StimulusSettings) -> Iterator[Problem]:
    """Check that the centre of the images lies on the screen."""
    yield from _misplaced(monitor, _only(stimulus, "position_deg"), ("position_deg",))


def fixation_problems(monitor: MonitorSettings, stimulus: StimulusSettings) -> Iterator[Problem]:
    """Check that the fixation spot lies on the screen."""
    yield from _misplaced(monitor, _only(stimulus, "fixation"), ("fixation", "position_deg"))


def patch_problems(monitor: MonitorSettings, stimulus: StimulusSettings) -> Iterator[Problem]:
    """Check that the sync patch is no larger than the screen."""
    yield from _misplaced(monitor, _only(stimulus, "sync_patch"), ("sync_patch", "size_px"))


def image_problems(monitor: MonitorSettings, stimulus: StimulusSettings) -> Iterator[Problem]:
    """Check that images of a size in degrees fit the screen, and have pixels enough to be seen."""
    if stimulus.size_deg is None or any(position_problems(monitor, stimulus)):
        return
    key: KeyPath = ("stimulus", "size_deg")
    try:
        width = Layout(monitor, _only(stimulus, "position_deg")).place(ANY_IMAGE).rect.width
    except DisplayError as error:
        yield Problem(str(error), key)
        return
    if width < MIN_IMAGE_PX:
        yield Problem(
            f"An image of {stimulus.size_deg:g} degrees is {width} px wide on this screen, and "
            f"nothing of it can be seen. Raise size_deg: {MIN_IMAGE_PX} px are "
            f"{monitor.deg(MIN_IMAGE_PX):.2g} degrees.",
            key,
            "warning",
        )


def overlap_problems(monitor: MonitorSettings, stimulus: StimulusSettings) -> Iterator[Problem]:
    """Check that the sync patch, which is painted last, covers neither image nor fixation spot."""
    try:
        patch = _overlay(monitor, stimulus, "sync_patch")
        spot = _overlay(monitor, stimulus, "fixation")
        image = Layout(monitor, _only(stimulus, "position_deg")).place(ANY_IMAGE).rect
    except DisplayError:
        return  # something is off the screen, as the other checks tell
    name = f"sync patch ({stimulus.sync_patch.corner}, {stimulus.sync_patch.size_px} px)"
    if any(one.overlaps(other) for one in spot for other in patch):
        yield Problem(
            f"The fixation spot lies under the {name}, which is painted over it, so that the "
            "animal does not see it. Move the spot, or choose another corner.",
            ("stimulus", "fixation", "position_deg"),
        )
    if stimulus.size_deg is not None and any(image.overlaps(other) for other in patch):
        yield Problem(
            f"The {name} is painted over a part of every image. Choose another corner, make it "
            "smaller, or move the images.",
            ("stimulus", "sync_patch"),
            "warning",
        )


def _only(stimulus: StimulusSettings, part: str) -> StimulusSettings:
    """Show one part of a stimulus, so that no other can be off the screen."""
    hidden = {"position_deg": (0.0, 0.0), "fixation": NO_SPOT, "sync_patch": NO_PATCH}
    del hidden[part]
    return stimulus.model_copy(update=hidden)


def _misplaced(
    monitor: MonitorSettings, stimulus: StimulusSettings, key: KeyPath
) -> Iterator[Problem]:
    try:
        Layout(monitor, stimulus)
    except DisplayError as error:
        yield Problem(str(error), ("stimulus", *key))


def _overlay(monitor: MonitorSettings, stimulus: StimulusSettings, part: str) -> list[Rect]:
    layout = Layout(monitor, _only(stimulus, part))
    return [fill.rect for fill in layout.overlay(has_image=True)]
