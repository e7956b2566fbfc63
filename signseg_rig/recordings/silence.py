"""Tell a recording system that is silent from neurons that are."""

from __future__ import annotations

from signseg_rig.errors import ResponseError
from signseg_rig.values import InvalidReason, Recording, ResponseBatch

# One edge may be lost by chance, and two; ten in a row are a cable.
N_WITHOUT_EDGES = 10


class SilenceCheck:
    """Makes a silent recording system an error: it must not pass for neurons that do not fire.

    Remembers the device's clock from one recording to the next.
    """

    def __init__(self) -> None:
        self._complete_until_s: float | None = None

    def check(self, recording: Recording, responses: ResponseBatch, *, timeout_s: float) -> None:
        """Make sure that a recording answers what was shown.

        Parameters
        ----------
        recording : Recording
        responses : ResponseBatch
            What was measured in it.
        timeout_s : float, in seconds
            How long the recording system was waited for.

        Raises
        ------
        ResponseError
            Its clock stands still, it ends before any response does, or it has no sync edges.
        """
        before_s, self._complete_until_s = self._complete_until_s, recording.complete_until_s
        n_shown = len(responses.reasons)
        if recording.complete_until_s == before_s:
            raise ResponseError(
                f"The recording system is silent: its clock stands still at {before_s:.3f} s, and "
                f"{timeout_s:g} s after {n_shown} presentations nothing new has come. Is it still "
                "acquiring, and is the connection up?"
            )
        if responses.is_valid.any():
            return
        if InvalidReason.WINDOW_INCOMPLETE in responses.reasons:
            raise ResponseError(
                f"The recording system has fallen silent or behind: {timeout_s:g} s after "
                f"{n_shown} presentations its data end before the first response window does. Is "
                "it still acquiring? If it is only slow, raise response_timeout_s under "
                "[invalid_trials]."
            )
        if n_shown >= N_WITHOUT_EDGES and len(recording.sync) == 0:
            raise ResponseError(
                f"The sync line gave no edge during {n_shown} presentations. Are photodiode and "
                "cable in place, and is the sync patch under the photodiode?"
            )
