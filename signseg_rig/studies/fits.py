"""Fit models of recorded neurons from end to end: from a data set to models and their quality."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from signseg_rig.datasets import RecordedData
from signseg_rig.errors import ConfigError
from signseg_rig.neurons import (
    ONE_SIGN_FITS,
    CrossValidation,
    FeatureCache,
    FeatureReader,
    FeatureSigns,
    Gate,
    NeuronModels,
    NoiseCeiling,
    PermutationNull,
    allow_sign_ablation,
    block_groups,
    comparison_fits,
    cross_validate_fit,
    cross_validate_pls,
    fit_pls_chosen,
    gate_channels,
    noise_ceiling,
    permutation_null,
)
from signseg_rig.studies.fit_notes import fit_notes
from signseg_rig.values import FloatArray

OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class NeuronFit:
    """Fitted models, and everything that tells how good they are.

    Parameters
    ----------
    models : NeuronModels
    features : (n_images, n_features) float array
    measured_hz : (n_images, n_units) float array, in spikes per second
        Mean rates over the repeats.
    n_trials : (n_units,) int array
    validation : CrossValidation
        Its predictions are of images that the respective fit had not seen.
    gate : Gate or None
        None where there are no repeats to test.
    null : PermutationNull or None
        None where no shuffles were asked for.
    comparisons : mapping of str to CrossValidation
        Of other models, by name, with the same folds.
    notes : tuple of str
        What has to be known to read the numbers, and why some are missing.
    """

    models: NeuronModels
    features: FloatArray
    measured_hz: FloatArray
    n_trials: np.ndarray[tuple[int], np.dtype[np.int64]]
    validation: CrossValidation
    gate: Gate | None
    null: PermutationNull | None
    comparisons: Mapping[str, CrossValidation]
    notes: tuple[str, ...] = ()

    def columns(self) -> dict[str, list[object]]:
        """Return the table of neurons: a list per column, in the order of the units."""
        n_images, n_units = self.measured_hz.shape
        quality = self.models.quality
        gates: list[object] = ["-"] * n_units
        if self.gate is not None:
            gates = ["passed" if passes else "failed" for passes in self.gate.passes]
        return {
            "unit": list(self.models.unit_ids),
            "features_below_0": [self._negative_share] * n_units,
            "n_images": [n_images] * n_units,
            "n_trials": self.n_trials.tolist(),
            "gate": gates,
            "n_components": self.models.n_components.tolist(),
            **{name: values.tolist() for name, values in quality.items()},
        }

    @property
    def _negative_share(self) -> float:
        return np.nan if self.models.signs is None else self.models.signs.negative_share

    def comparison_rows(self) -> list[tuple[str, str, float, float, float, float]]:
        """Return model, unit, and train and test accuracy, of this fit and of those compared."""
        return [
            (model, unit, *accuracy)
            for model, one in {"pls": self.validation, **self.comparisons}.items()
            for unit, *accuracy in zip(
                self.models.unit_ids,
                one.train_r.tolist(),
                one.train_r2.tolist(),
                one.r.tolist(),
                one.r2.tolist(),
                strict=True,
            )
        ]


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How neurons are fitted and tested.

    Parameters
    ----------
    n_components : sequence of int
        To choose from, for each neuron.
    n_folds : int
        Of the outer cross-validation.
    n_shuffles : int
        Of the permutation null; 0 leaves it out.
    compare : sequence of str
        Other models to test likewise, of `signseg_rig.neurons.comparison_fits`.
    shuffle_blocks : int
        For images whose order matters, see `permutation_null`; 0 where it means nothing.
    seed : int
        Of folds, shuffles and splits.
    n_workers : int
        Processes that compute the permutation null.
    signed_features_anyway : bool
        Compare with models of one sign even where features take both, see `allow_sign_ablation`.

    Raises
    ------
    ConfigError
        There is no such model to compare with.
    """

    n_components: Sequence[int] = range(1, 26)
    n_folds: int = 10
    n_shuffles: int = 0
    compare: Sequence[str] = ()
    shuffle_blocks: int = 0
    seed: int = 0
    n_workers: int = 1
    signed_features_anyway: bool = False

    def __post_init__(self) -> None:
        known = comparison_fits()
        if unknown := sorted(set(self.compare) - set(known)):
            raise ConfigError(
                f"There is no model {', '.join(unknown)} to compare with; there are "
                f"{', '.join(known)}."
            )


def fit_recorded(
    data: RecordedData,
    reader: FeatureReader,
    *,
    cache_dir: Path,
    settings: FitSettings = FitSettings(),
    on_progress: OnProgress = lambda _stage, _n_done, _n_all: None,
) -> NeuronFit:
    """Fit a PLS model to every neuron of a data set.

    Parameters
    ----------
    data : RecordedData
        Without errors; see `signseg_rig.datasets.prepare_for_fit`.
    reader : FeatureReader
    cache_dir : Path
        Where features are kept, so that a second fit need not compute them.
    settings : FitSettings
    on_progress : callable
        ``on_progress(stage, n_done, n_all)``.

    Returns
    -------
    fit : NeuronFit

    Raises
    ------
    ConfigError
        There are too few images for the folds, or the network gave values that are not finite.
    NeuronModelError
        Models of one sign are to be compared, and features take both.
    """
    features = FeatureCache(cache_dir, reader).features(
        data.images.read(), on_progress=partial(_pass_on, on_progress, "features", data.n_images)
    )
    signs = _checked_signs(features, reader, settings)
    measured_hz = data.mean_rates_hz.T
    # The same picture under two names is one image: it must not be on both sides of a split.
    groups = data.images.sha256
    folded: Sequence[object] = groups
    if settings.shuffle_blocks:
        folded = block_groups(data.n_images, settings.shuffle_blocks, groups)
    rules: dict[str, Any] = {"seed": settings.seed, "groups": folded}
    choice: dict[str, Any] = {"n_components": settings.n_components, **rules}
    on_progress("cross-validation", 0, 1)
    validation = cross_validate_pls(features, measured_hz, n_folds=settings.n_folds, **choice)
    on_progress("cross-validation", 1, 1)
    null = _shuffled(features, measured_hz, settings, choice, on_progress)
    comparisons = _compared(features, measured_hz, settings, rules, on_progress)
    gate, ceiling = None, None
    if data.n_repeats > 1:
        gate = gate_channels(data.rates_hz, data.baseline_hz, seed=settings.seed)
        ceiling = noise_ceiling(data.rates_hz, seed=settings.seed)
    model = fit_pls_chosen(features, measured_hz, **choice)
    models = NeuronModels(
        unit_ids=data.unit_ids,
        coef=model.coef,
        intercept=model.intercept,
        feature_mean=model.feature_mean,
        n_components=model.n_components,
        features=reader.spec,
        signs=signs,
        image_sha256=groups,
        quality=_quality(validation, ceiling, null),
        session=dict(data.session),
        fit=_rules(settings),
    )
    n_trials = np.isfinite(data.rates_hz).sum(axis=(1, 2))
    notes = fit_notes(data, features, ceiling, null, settings.shuffle_blocks)
    return NeuronFit(
        models, features, measured_hz, n_trials, validation, gate, null, comparisons, notes
    )


def _checked_signs(
    features: FloatArray, reader: FeatureReader, settings: FitSettings
) -> FeatureSigns:
    """Measure the signs of features; refuse to compare models of one sign where they take both."""
    signs = FeatureSigns.measure(features, is_rectified=reader.is_rectified)
    if of_one_sign := sorted(set(settings.compare) & set(ONE_SIGN_FITS)):
        allow_sign_ablation(
            signs,
            f"{', '.join(of_one_sign)}, which read {reader.spec},",
            signed_features_anyway=settings.signed_features_anyway,
        )
    return signs


def _compared(
    features: FloatArray,
    measured_hz: FloatArray,
    settings: FitSettings,
    rules: dict[str, Any],
    on_progress: OnProgress,
) -> dict[str, CrossValidation]:
    """Test the other models that are asked for, by name."""
    fits = comparison_fits(n_components=settings.n_components, seed=settings.seed)
    return {
        name: cross_validate_fit(
            fits[name],
            features,
            measured_hz,
            n_folds=settings.n_folds,
            on_progress=partial(_pass_on, on_progress, name, settings.n_folds),
            **rules,
        )
        for name in settings.compare
    }


def _shuffled(
    features: FloatArray,
    measured_hz: FloatArray,
    settings: FitSettings,
    choice: dict[str, Any],
    on_progress: OnProgress,
) -> PermutationNull | None:
    if not settings.n_shuffles:
        return None
    return permutation_null(
        features,
        measured_hz,
        n_folds=settings.n_folds,
        n_shuffles=settings.n_shuffles,
        n_blocks=settings.shuffle_blocks,
        n_workers=settings.n_workers,
        on_progress=partial(_pass_on, on_progress, "shuffled images", settings.n_shuffles),
        **choice,
    )


def _pass_on(on_progress: OnProgress, stage: str, n_all: int, n_done: int) -> None:
    on_progress(stage, n_done, n_all)


def _rules(settings: FitSettings) -> dict[str, Any]:
    return {
        "seed": settings.seed,
        "n_folds": settings.n_folds,
        "n_components": list(settings.n_components),
        "n_shuffles": settings.n_shuffles,
        "shuffle_blocks": settings.shuffle_blocks,
    }


def _quality(
    validation: CrossValidation, ceiling: NoiseCeiling | None, null: PermutationNull | None
) -> dict[str, FloatArray]:
    unknown = np.full(len(validation.r), np.nan)
    return {
        "reliability": unknown if ceiling is None else ceiling.reliability,
        "reliability_se": unknown if ceiling is None else ceiling.standard_error,
        "ceiling_r": unknown if ceiling is None else ceiling.ceiling_r,
        "train_r": validation.train_r,
        "train_r2": validation.train_r2,
        "test_r": validation.r,
        "test_r2": validation.r2,
        "normalized_ev": unknown if ceiling is None else ceiling.normalized_ev(validation.r),
        "p_value": unknown if null is None else null.p_values,
        "q_value": unknown if null is None else null.q_values,
    }
