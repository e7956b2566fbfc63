"""What has to be known to read the numbers of a fit, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from signseg_rig.datasets import RecordedData
from signseg_rig.neurons import NoiseCeiling, PermutationNull, order_autocorrelation
from signseg_rig.values import FloatArray

# Where both are as rare by chance, a warning is one in 10,000.
ORDER_ALPHA = 0.01
ALPHA = 0.05


def fit_notes(
    data: RecordedData,
    features: FloatArray,
    ceiling: NoiseCeiling | None,
    null: PermutationNull | None,
    shuffle_blocks: int,
) -> tuple[str, ...]:
    """Return what limits a fit's numbers, and why some are missing.

    Parameters
    ----------
    data : RecordedData
    features : (n_images, n_features) float array
    ceiling : NoiseCeiling or None
        None where there are no repeats.
    null : PermutationNull or None
        None where there were no shuffles.
    shuffle_blocks : int
        Of the shuffles; 0 where the order of images was taken to mean nothing.

    Returns
    -------
    notes : tuple of str
        Sentences.
    """
    notes = [*_on_ceilings(data, ceiling)]
    if null is not None:
        notes += [*_on_p_values(null), _on_order(data, features, shuffle_blocks)]
    return tuple(notes)


def _on_ceilings(data: RecordedData, ceiling: NoiseCeiling | None) -> Iterator[str]:
    if ceiling is None:
        return
    reasons = Counter(filter(None, ceiling.reasons))
    if reasons:
        listed = "; ".join(f"{reason}: {count}" for reason, count in reasons.most_common())
        yield (
            f"{reasons.total()} of {data.n_units} neurons have no ceiling and no normalized_ev "
            f"({listed})."
        )
    n_trials = np.isfinite(data.rates_hz).sum(axis=2)
    if (n_trials.max(axis=1, initial=0) > n_trials.min(axis=1, initial=data.n_repeats)).any():
        n_single = int((n_trials == 1).any(axis=0).sum())
        yield (
            f"Images have unequal numbers of repeats, {n_single} of {data.n_images} a single one. "
            "The ceiling takes their noise to be like that of the images with several: in "
            "proportion to the mean rate where no rate is below 0, else the same for all."
        )


def _on_p_values(null: PermutationNull) -> Iterator[str]:
    n_shuffles, n_units = null.null_r.shape
    smallest = 1 / (1 + n_shuffles)
    if smallest > ALPHA:
        yield (
            f"With {n_shuffles} shuffles the smallest p_value is {smallest:.2g}: too few for any "
            f"significance at {ALPHA}. It takes {round(1 / ALPHA) - 1} at least."
        )
        return
    n_together = int(np.ceil(n_units * smallest / ALPHA - 1e-9))
    alone = (
        f" A q_value of {ALPHA} takes {n_together} of {n_units} neurons with this p_value; for one "
        f"alone to reach it, {int(np.ceil(n_units / ALPHA - 1e-9)) - 1} shuffles are needed."
    )
    yield (
        f"The smallest p_value that {n_shuffles} shuffles can give is {smallest:.2g}."
        + alone * (n_together > 1)
    )


def _on_order(data: RecordedData, features: FloatArray, shuffle_blocks: int) -> str:
    rates = data.mean_rates_hz.T
    deviation = rates.std(axis=0)
    responses = order_autocorrelation(
        (rates - rates.mean(axis=0)) / np.where(deviation, deviation, 1)
    )
    slow = order_autocorrelation(features)
    measured = (
        f"Autocorrelation over the order of the images: features {slow.value:.3f} (p "
        f"{slow.p_value:.2g}), responses {responses.value:.3f} (p {responses.p_value:.2g})."
    )
    if shuffle_blocks:
        return (
            f"{measured} Folds hold whole stretches of the order, {shuffle_blocks} in all, and "
            "p_value is from responses shifted over it: right if stretches are several times as "
            "long as what varies slowly."
        )
    if max(slow.p_value, responses.p_value) <= ORDER_ALPHA:
        return (
            f"{measured} Both vary slowly over the order of the images, and p_value is from "
            "shuffles which take it that this order means nothing. If it is the order of showing, "
            "p_value is too small and test_r too large: fit again with --shuffle-blocks 10. If "
            "alike images stand together, such as by their names, both are right."
        )
    return (
        f"{measured} p_value is from shuffles, which take it that any order of the images is as "
        "likely, and nothing speaks against that here."
    )
