"""When an evolution has reached its plateau."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from signseg_rig.settings import Settings
from signseg_rig.values import FloatArray


class PlateauSettings(Settings):
    """Ends an evolution that no longer improves.

    The mean score of the generations is smoothed with a moving average over
    `smoothing_generations`. A plateau is reached where none of the last `patience_generations`
    smoothed values lies above the best one before them, not before `min_generations`.
    """

    min_generations: int = Field(default=20, ge=1, le=100_000)
    patience_generations: int = Field(default=10, ge=1, le=10_000)
    smoothing_generations: int = Field(default=5, ge=1, le=1_000)


def has_plateaued(means: FloatArray, settings: PlateauSettings) -> bool:
    """Return whether an evolution has stopped improving.

    Parameters
    ----------
    means : (n_generations,) float array
        Mean score of each generation so far, less drift; NaN where nothing was valid.
    settings : PlateauSettings

    Returns
    -------
    is_at_plateau : bool
        False as long as there are too few generations to tell.
    """
    valid = means[np.isfinite(means)]
    n_needed = settings.smoothing_generations + settings.patience_generations
    if means.size < settings.min_generations or valid.size < n_needed:
        return False
    window = np.full(settings.smoothing_generations, 1 / settings.smoothing_generations)
    smoothed = np.convolve(valid, window, mode="valid")
    before = smoothed[: -settings.patience_generations]
    return bool(smoothed[-settings.patience_generations :].max() <= before.max())
