"""Everything that does not fit together in a recorded data set, found before anything is fitted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from signseg_rig.datasets.dataset import RecordedData
from signseg_rig.datasets.problems import DataProblem, listed
from signseg_rig.errors import DataSetError
from signseg_rig.files.pictures import describe_unusable
from signseg_rig.limits import MIN_PAIRS, MIN_REPEATED_IMAGES
from signseg_rig.values import BoolArray
from signseg_rig.wording import counted

MIN_IMAGES = 2


def check_recorded(data: RecordedData) -> list[DataProblem]:
    """List everything that is wrong with a data set; all images are decoded for it.

    Parameters
    ----------
    data : RecordedData

    Returns
    -------
    problems : list of DataProblem
        Errors first.
    """
    problems = [
        *data.reader_problems,
        *_wrong_ids(data),
        *_wrong_counts(data),
        *_wrong_rates(data),
        *_missing_baselines(data),
        *_few_repeats(data),
        *_constant_units(data),
    ]
    if unreadable := data.images.problems:
        text = describe_unusable(unreadable, len(data.images), data.images.source)
        problems.append(DataProblem(text))
    if data.images.left_out is not None:
        problems.append(DataProblem(data.images.left_out, is_error=False))
    return sorted(problems, key=lambda problem: not problem.is_error)


def prepare_for_fit(data: RecordedData) -> tuple[RecordedData, tuple[DataProblem, ...]]:
    """Leave out what no model can be fitted to, or refuse with one report of all errors.

    Parameters
    ----------
    data : RecordedData

    Returns
    -------
    data : RecordedData
        Without the units that never change their rate.
    warnings : tuple of DataProblem
        What was left out, and what else should be known.

    Raises
    ------
    DataSetError
        Something does not fit together; the message lists every problem.
    """
    problems = require_no_errors(data)
    left_out = {unit_id for problem in problems for unit_id in problem.unit_ids}
    if left_out:
        kept = [unit_id for unit_id in data.unit_ids if unit_id not in left_out]
        if not kept:
            raise DataSetError(
                f"None of the {data.n_units} units of the data set can be fitted: "
                + " ".join(problem.message for problem in problems if problem.unit_ids)
            )
        data = data.select(units=kept)
    return data, problems


def require_no_errors(data: RecordedData) -> tuple[DataProblem, ...]:
    """Raise one report of all errors, or give the warnings.

    Raises
    ------
    DataSetError
        There are errors; the message lists every problem.
    """
    problems = check_recorded(data)
    n_errors = sum(problem.is_error for problem in problems)
    if n_errors:
        found = f"{counted(n_errors, 'error')}, {counted(len(problems) - n_errors, 'warning')}"
        lines = "\n".join(f"- {problem.message}" for problem in problems)
        raise DataSetError(
            f"The recorded data set {data.session.get('source', '')} does not fit together "
            f"({found}):\n{lines}"
        )
    return tuple(problems)


def _wrong_ids(data: RecordedData) -> Iterator[DataProblem]:
    for what, ids in (("image", data.image_ids), ("unit", data.unit_ids)):
        if repeated := [item for item, count in Counter(ids).items() if count > 1]:
            yield DataProblem(
                f"{len(repeated)} {what} ids occur more than once: {listed(repeated)}; each should "
                f"name one {what}."
            )
    known, offered = set(data.images.ids), data.images.offered or data.images.ids
    if unknown := [item for item in data.image_ids if item not in known]:
        yield DataProblem(
            f"{len(unknown)} of {len(data.image_ids)} image ids have no image in "
            f"{data.images.source}: {listed(unknown)}; it has {listed(offered) or 'none'}."
        )
    elif len(data.images) != len(data.image_ids):
        yield DataProblem(
            f"There are {len(data.images)} images in {data.images.source}, but {data.n_images} "
            "images with responses; they should be the same ones."
        )
    elif data.images.ids != data.image_ids and len(set(data.image_ids)) == len(data.image_ids):
        yield DataProblem("The images are in another order than their ids; select them by id.")


def _wrong_counts(data: RecordedData) -> Iterator[DataProblem]:
    for what, n_ids, n_responses in (
        ("image", len(data.image_ids), data.n_images),
        ("unit", len(data.unit_ids), data.n_units),
    ):
        if n_ids != n_responses:
            yield DataProblem(
                f"There are {n_ids} {what} ids, but responses of shape {data.rates_hz.shape} "
                f"(units, images, repeats) hold {n_responses} {what}s; both should be the same."
            )
    if data.n_images < MIN_IMAGES:
        yield DataProblem(
            f"There are responses to {data.n_images} images; a fit needs at least {MIN_IMAGES}."
        )
    if not data.n_units:
        yield DataProblem("There are responses of no units; a fit needs at least one.")


def _wrong_rates(data: RecordedData) -> Iterator[DataProblem]:
    for what, rates in (("rates", data.rates_hz), ("baseline rates", data.baseline_hz)):
        if rates is not None and (is_infinite := np.isinf(rates)).any():
            yield DataProblem(
                f"{is_infinite.sum()} {what} are infinite, of units {_units(data, is_infinite)}; "
                "they should be finite, or NaN where there was no trial."
            )
    is_missing = np.asarray(np.isnan(data.rates_hz).all(axis=2))
    never_shown = np.asarray(is_missing.all(axis=0))
    if data.n_units and never_shown.any():
        ids = _named(data.image_ids, never_shown)
        yield DataProblem(
            f"{len(ids)} of {data.n_images} images have no trial at all: {listed(ids)}; leave "
            "them out (drop_incomplete)."
        )
    elif is_missing.any():
        yield DataProblem(
            f"{is_missing.sum()} of {is_missing.size} pairs of unit and image have no trial, of "
            f"units {_units(data, is_missing)}; leave out these units, or the images "
            "(drop_incomplete), or choose units that have all."
        )
    if (is_negative := data.rates_hz < 0).any():
        yield DataProblem(
            f"{is_negative.sum()} rates are negative, of units {_units(data, is_negative)}: as it "
            "should be if a baseline was subtracted, and wrong otherwise.",
            is_error=False,
        )


def _missing_baselines(data: RecordedData) -> Iterator[DataProblem]:
    """Find units whose baseline cannot be tested, for which the gate says no more than 'failed'."""
    if data.baseline_hz is None or data.n_repeats < 2:  # without repeats there is no gate
        return
    is_trial = np.isfinite(data.rates_hz)
    n_trials = is_trial.sum(axis=(1, 2))
    n_pairs = (is_trial & np.isfinite(data.baseline_hz)).sum(axis=(1, 2))
    is_lacking = np.asarray((n_pairs < MIN_PAIRS) & (n_trials >= MIN_PAIRS))
    if is_lacking.any():
        ids = _named(data.unit_ids, is_lacking)
        yield DataProblem(
            f"{len(ids)} of {data.n_units} units have fewer than {MIN_PAIRS} trials with a "
            f"baseline rate: {listed(ids)}. The gate compares responses with the baseline, and "
            "counts these units as failed whatever they respond to. Give their baseline rates, "
            "choose a baseline window that was recorded, or leave the baseline out of the file.",
            is_error=False,
        )


def _few_repeats(data: RecordedData) -> Iterator[DataProblem]:
    """Find units whose repeats are too few to tell what of their responses is noise."""
    if data.n_images < MIN_REPEATED_IMAGES:
        return
    n_repeated = (np.isfinite(data.rates_hz).sum(axis=2) > 1).sum(axis=1)
    is_short = np.asarray((n_repeated > 0) & (n_repeated < MIN_REPEATED_IMAGES))
    if is_short.any():
        ids = _named(data.unit_ids, is_short)
        yield DataProblem(
            f"{len(ids)} of {data.n_units} units have repeats of fewer than {MIN_REPEATED_IMAGES} "
            f"images: {listed(ids)}. Their reliability cannot be told, so there is no ceiling and "
            "the gate counts them as failed.",
            is_error=False,
        )


def _constant_units(data: RecordedData) -> Iterator[DataProblem]:
    """Find units whose mean rate is the same for all images; it is no error if they are silent."""
    mean = data.mean_rates_hz
    is_known = np.isfinite(mean)
    highest = np.where(is_known, mean, -np.inf).max(axis=1, initial=-np.inf)
    lowest = np.where(is_known, mean, np.inf).min(axis=1, initial=np.inf)
    # Means of equal numbers differ in their last digits where the numbers of trials differ.
    is_equal = highest - lowest <= 1e-9 * np.maximum(np.abs(highest), np.abs(lowest))
    is_constant = is_equal & (is_known.sum(axis=1) >= MIN_IMAGES)
    if is_constant.any():
        ids = tuple(_named(data.unit_ids, is_constant))
        yield DataProblem(
            f"{len(ids)} of {data.n_units} units have the same mean rate for all images: "
            f"{listed(ids)}; they are left out.",
            is_error=False,
            unit_ids=ids,
        )


def _units(data: RecordedData, mask: BoolArray) -> str:
    """Name the units that have a True anywhere in a mask of which they are the first axis."""
    return listed(_named(data.unit_ids, np.asarray(mask.reshape(len(mask), -1).any(axis=1))))


def _named(ids: tuple[str, ...], mask: BoolArray) -> list[str]:
    """Name what a mask marks; by position where there are not as many ids."""
    return [ids[index] if len(ids) == len(mask) else f"#{index}" for index in np.flatnonzero(mask)]
