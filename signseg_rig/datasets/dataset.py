"""A recorded data set: what neurons answered to which images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from signseg_rig.datasets.image_sets import ImageSet
from signseg_rig.datasets.problems import DataProblem, listed
from signseg_rig.errors import DataSetError
from signseg_rig.values import BoolArray, FloatArray, IntArray

Choice = Sequence[str] | Sequence[int] | IntArray | BoolArray


@dataclass(frozen=True, eq=False)
class RecordedData:
    """Responses of neurons to images, trial by trial.

    Parameters
    ----------
    rates_hz : (n_units, n_images, n_repeats) float array, in spikes per second
        NaN where there was no trial.
    image_ids : tuple of str
    unit_ids : tuple of str
    images : ImageSet
        In the order of `image_ids`.
    baseline_hz : array of the shape of `rates_hz`, optional
        Rates of the same trials before the response.
    response_window_s, baseline_window_s : (start, end), in seconds from the onset, optional
        Half-open windows in which spikes were counted; None where rates came as they are.
    session : mapping of str to str
        What the file tells: subject, area, date, source.
    reader_problems : tuple of DataProblem
        What the reader of the file noticed; `check_recorded` reports it with the rest.

    Raises
    ------
    DataSetError
        The rates do not have three axes, or the baseline rates not the same shape.
    """

    rates_hz: FloatArray
    image_ids: tuple[str, ...]
    unit_ids: tuple[str, ...]
    images: ImageSet
    baseline_hz: FloatArray | None = None
    response_window_s: tuple[float, float] | None = None
    baseline_window_s: tuple[float, float] | None = None
    session: Mapping[str, str] = field(default_factory=dict)
    reader_problems: tuple[DataProblem, ...] = ()

    def __post_init__(self) -> None:
        if self.rates_hz.ndim != 3:
            raise DataSetError(
                "Rates should be (n_units, n_images, n_repeats), with NaN where there was no "
                f"trial; got the shape {self.rates_hz.shape}."
            )
        if self.baseline_hz is not None and self.baseline_hz.shape != self.rates_hz.shape:
            raise DataSetError(
                f"Baseline rates should have the shape of the rates, {self.rates_hz.shape}; got "
                f"{self.baseline_hz.shape}."
            )

    @property
    def n_units(self) -> int:
        """Neurons or channels."""
        return len(self.rates_hz)

    @property
    def n_images(self) -> int:
        """Images that were shown."""
        n_images: int = self.rates_hz.shape[1]
        return n_images

    @property
    def n_repeats(self) -> int:
        """Repeats, of which an image may lack some: NaN stands in their places."""
        n_repeats: int = self.rates_hz.shape[2]
        return n_repeats

    @property
    def mean_rates_hz(self) -> FloatArray:
        """(n_units, n_images) float array: means over trials, NaN where there is none."""
        is_trial = ~np.isnan(self.rates_hz)
        n_trials = is_trial.sum(axis=2)
        total = np.where(is_trial, self.rates_hz, 0).sum(axis=2)
        mean = np.full(total.shape, np.nan)
        np.divide(total, n_trials, out=mean, where=n_trials > 0)
        return mean

    def select(self, units: Choice | None = None, images: Choice | None = None) -> RecordedData:
        """Return the part of the data that belongs to some units or images, in the given order.

        Parameters
        ----------
        units, images : sequence of ids or of positions, or bool array, optional
            All by default.

        Raises
        ------
        DataSetError
            There is no such unit or image.
        """
        rows = _positions(units, self.unit_ids, "unit")
        columns = _positions(images, self.image_ids, "image")
        image_ids = tuple(self.image_ids[column] for column in columns)
        baseline = self.baseline_hz
        return replace(
            self,
            rates_hz=self.rates_hz[rows][:, columns],
            baseline_hz=None if baseline is None else baseline[rows][:, columns],
            unit_ids=tuple(self.unit_ids[row] for row in rows),
            image_ids=image_ids,
            images=self.images.matched(image_ids),
        )


def _positions(chosen: Choice | None, ids: tuple[str, ...], what: str) -> npt.NDArray[np.intp]:
    everything = np.arange(len(ids))
    if chosen is None:
        return everything
    if len(chosen) and all(isinstance(item, str) for item in chosen):
        known = {item: index for index, item in enumerate(ids)}
        if unknown := [item for item in chosen if item not in known]:
            raise DataSetError(
                f"The data set has no {what} {listed(unknown)}; it has {listed(ids)}."
            )
        return np.array([known[str(item)] for item in chosen])
    try:
        positions: npt.NDArray[np.intp] = everything[
            np.asarray(chosen, dtype=None if len(chosen) else np.intp)
        ]
    except IndexError as error:
        raise DataSetError(
            f"The data set has {len(ids)} {what}s, at the positions 0 to {len(ids) - 1}: {error}."
        ) from error
    return positions
