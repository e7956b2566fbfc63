"""Check that a response source keeps the rules of `ResponseSource`; a plugin's test is one call."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from signseg_rig.interfaces import ResponseSource, SourceContext
from signseg_rig.values import ImageArray, Recording, Shown, array_sha256

WINDOW_S = (0.0, 0.2)


def check_response_source(make: Callable[[SourceContext], ResponseSource]) -> None:
    """Run all checks against a source that answers a display without a screen.

    Parameters
    ----------
    make : callable
        Makes the source with the context that it is given. A source of a real system must be
        connected to one that records a sync edge for each presentation.

    Raises
    ------
    AssertionError
        A sentence says which rule is broken.
    """
    images = synthetic_images(6)
    context = SourceContext(seed=0, pixels=images.__getitem__)
    shown = synthetic_shown(list(images))
    _check_stop_without_start(make(context))
    with make(context) as source:
        recording = source.read(shown, block=0, window_s=WINDOW_S, timeout_s=10.0)
        _check_recording(source, recording)
        assert len(recording.edges_s) == len(shown), (
            f"{len(shown)} presentations gave {len(recording.edges_s)} sync edges."
        )
        last_s = recording.edges_s[-1] + WINDOW_S[1]
        assert recording.complete_until_s >= last_s, (
            f"It returned at {recording.complete_until_s:.3f} s, before the last window ended at "
            f"{last_s:.3f} s, and did not time out."
        )
        _check_recording(source, source.read([], block=1, window_s=WINDOW_S, timeout_s=0.1))
        source.stop()
        source.stop()


def _check_stop_without_start(source: ResponseSource) -> None:
    try:
        source.stop()
    except Exception as error:
        raise AssertionError(
            f"It cannot be stopped where its start failed at once: {error!r}."
        ) from error


def synthetic_images(n: int) -> dict[str, ImageArray]:
    """Make images by their hashes."""
    rng = np.random.default_rng(0)
    made = [rng.integers(0, 256, (16, 16, 3), dtype=np.uint8) for _ in range(n)]
    return {array_sha256(image): image for image in made}


def synthetic_shown(
    keys: list[str], *, start_s: float = 50.0, every_s: float = 0.25
) -> list[Shown]:
    """Make the reports of presentations at a regular rhythm."""
    return [
        Shown(f"b00000-s{index:03d}-r0-a0", key, onset_s, onset_s + 0.1, 6, 0)
        for index, key in enumerate(keys)
        for onset_s in [start_s + index * every_s]
    ]


def _check_recording(source: ResponseSource, recording: Recording) -> None:
    assert len(recording.spikes_s) == len(source.unit_names), (
        f"{len(source.unit_names)} units gave {len(recording.spikes_s)} spike trains."
    )
    for name, times_s in zip(
        ("edges", *source.unit_names), (recording.edges_s, *recording.spikes_s), strict=True
    ):
        assert times_s.ndim == 1, f"The times of {name} have {times_s.ndim} dimensions, not 1."
        assert np.isfinite(times_s).all(), f"A time of {name} is not finite."
        assert (np.diff(times_s) >= 0).all(), f"The times of {name} are not sorted."
