"""Tell a recording without spikes from neurons that are silent by chance."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np

from signseg_rig.experiment import WindowSettings
from signseg_rig.values import BoolArray, FloatArray, InvalidReason, ResponseBatch

# Before any spike has been recorded: fewer than one in two seconds is rare among units that
# somebody chose to record, and all of them together are not so slow.
UNKNOWN_RATE_HZ = 0.5
# Rates wander with attention, depth of anaesthesia and drift of the electrode: from block to block
# they are taken to have a coefficient of variation of one half.
RATE_VARIATION = 0.5
MAX_PROBABILITY = 1e-6
# A burst suppression lasts some seconds; so much less than a block is no dead headstage.
MIN_PRESENTATIONS = 10
N_STRETCHES_KEPT = 10


class QuietCheck:
    """Finds stretches in which no unit fires, and in which that cannot be chance.

    Their responses are no 0 Hz: they are invalid. One silent unit among others that fire is normal,
    and so are few slow units in a short stretch: then the stretches add up.

    Parameters
    ----------
    windows : WindowSettings
        In which spikes are counted; what comes between them is not seen.

    Notes
    -----
    The mean rate of the latest ten stretches with spikes (0.5 Hz per unit before there are any)
    makes an expected count m of the silent presentations in a row. With a rate that varies from
    block to block as a gamma distribution with coefficient of variation 1/2, hence shape 4, none of
    them has probability (1 + m / 4) ** -4: below 1e-6 from 123 expected spikes on. So the silence
    of 96 units of 5 Hz is found in a block of ten presentations, that of two of 10 Hz in one of 40,
    and that of one of 1 Hz only after 16 blocks of 40: until then it is taken for what it looks
    like, and `doubt` says so.

    Measured in 2,000 simulated runs of 300 blocks of 40 presentations: 0 to 0.05 % of them gave an
    alarm by chance where the rates varied as assumed, whether 1 to 96 units fired at 0.05 to 10 Hz
    each. Where all units rise and fall together with a coefficient of variation of 0.7, up to 3 %
    did (two units of 10 Hz), and with one of 1, when whole blocks are silent, up to 74 %: there the
    default, which pauses, costs a block that is shown again.
    """

    def __init__(self, windows: WindowSettings) -> None:
        self._window_s = np.array(
            [end - start for start, end in (windows.evoked_s, windows.baseline_s)]
        )
        self._n_silent = 0
        self._rates_hz: deque[float] = deque(maxlen=N_STRETCHES_KEPT)

    def doubt(self, n_units: int) -> str:
        """Return a sentence where silence may be chance or not, and else an empty text."""
        if self._n_silent < MIN_PRESENTATIONS or self._is_silence(n_units):
            return ""
        return (
            f"No spike on any of {n_units} units during the latest {self._n_silent} presentations; "
            f"about {self._expected_count(n_units):.0f} were expected. Whether this is chance "
            "cannot be told yet, and it counts as 0 Hz: look whether the channels are alive."
        )

    def _expected_count(self, n_units: int) -> float:
        """Return how many spikes the silent presentations in a row would have at usual rates."""
        rate_hz = float(np.mean(self._rates_hz)) if self._rates_hz else UNKNOWN_RATE_HZ
        return rate_hz * n_units * self._n_silent * float(self._window_s.sum())

    def marked(self, responses: ResponseBatch) -> ResponseBatch:
        """Return responses as they are, or invalid where no spike in them cannot be chance.

        Parameters
        ----------
        responses : ResponseBatch
            To a stretch of presentations, in the order of showing.
        """
        is_counted = responses.is_valid
        self._remember(responses, is_counted)
        if not self._is_silence(len(responses.unit_names)) or not is_counted.any():
            return responses
        reasons = [reason or InvalidReason.RECORDING_SILENT for reason in responses.reasons]
        nothing = np.full_like(responses.evoked_hz, np.nan)
        return replace(responses, evoked_hz=nothing, baseline_hz=nothing, reasons=tuple(reasons))

    def recall(self, responses: ResponseBatch) -> None:
        """Learn from recorded responses what was learnt when they were measured."""
        silent = InvalidReason.RECORDING_SILENT
        is_silent = np.array([reason is silent for reason in responses.reasons], dtype=bool)
        self._remember(responses, responses.is_valid | is_silent)

    def _remember(self, responses: ResponseBatch, is_counted: BoolArray) -> None:
        if not is_counted.any():
            return
        rate_hz = _mean_rate_hz(responses, is_counted, self._window_s)
        if rate_hz > 0:
            self._n_silent = 0
            self._rates_hz.append(rate_hz)
        else:
            self._n_silent += int(is_counted.sum())

    def _is_silence(self, n_units: int) -> bool:
        if self._n_silent < MIN_PRESENTATIONS:
            return False
        shape = RATE_VARIATION**-2
        probability = (1 + self._expected_count(n_units) / shape) ** -shape
        return bool(probability < MAX_PROBABILITY)


def _mean_rate_hz(responses: ResponseBatch, is_counted: BoolArray, window_s: FloatArray) -> float:
    """Average over units, presentations and both windows; what is silent has rates of NaN."""
    rates_hz = np.stack([responses.evoked_hz[is_counted], responses.baseline_hz[is_counted]])
    by_window_hz = np.nan_to_num(rates_hz).mean(axis=(1, 2))
    return float(by_window_hz @ window_s / window_s.sum())
