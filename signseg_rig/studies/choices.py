"""Ask recorded neurons whether signs of weights mean anything: what ablated models choose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from signseg_rig.datasets import RecordedData, prepare_for_fit, read_recorded
from signseg_rig.errors import ConfigError
from signseg_rig.experiment import Name
from signseg_rig.interfaces import Network
from signseg_rig.neurons import (
    Choices,
    ChoiceTest,
    FeatureCache,
    FeatureReader,
    FeatureSigns,
    Rectify,
    ablated_choices,
    allow_sign_ablation,
    compare_choices,
    cross_validate_pls,
)
from signseg_rig.settings import (
    InputPath,
    OutDir,
    PluginChoice,
    PluginGroup,
    Settings,
    read_settings,
)
from signseg_rig.values import BoolArray, FloatArray

OnProgress = Callable[[str, int, int], None]
Window = tuple[float, float]
Strength = Annotated[float, Field(gt=0, le=1)]


class SessionSettings(Settings):
    """A recorded data set, with what `read_recorded` is to know of it."""

    responses: InputPath
    images: InputPath | None = None
    stimuli: InputPath | None = None
    window_s: Window | None = None
    baseline_window_s: Window | None = None
    table: str | None = None
    image_column: str | None = None
    onset_column: str | None = None
    key: str | None = None
    count_window_s: float | None = Field(default=None, gt=0)
    units: tuple[str, ...] | None = None

    def read(self) -> RecordedData:
        """Read the data set.

        Raises
        ------
        DataSetError
            It cannot be read, or its parts do not fit together.
        """
        return read_recorded(
            self.responses,
            self.images,
            stimulus_table=self.stimuli,
            response_window_s=self.window_s,
            baseline_window_s=self.baseline_window_s,
            table=self.table,
            image_column=self.image_column,
            onset_column=self.onset_column,
            key=self.key,
            count_window_s=self.count_window_s,
            units=self.units,
        )


class ChoiceSettings(Settings):
    """A test, on recorded responses alone, of what ablated models choose.

    Features are those of `layer` of the `network`, by default what its readout reads. Neurons
    count whose cross-validated correlation is at least `min_test_r`. Each ablated model chooses
    `share` of the left-out images of every fold. See `signseg_rig.neurons.ablated_choices`.
    """

    name: Name
    seed: int = Field(default=0, ge=0)
    out_dir: OutDir = Path("choices")
    network: Annotated[PluginChoice, PluginGroup("networks")] = Field(
        default={"kind": "efficientnet_lite0"}, validate_default=True
    )
    layer: str | None = None
    pool_px: int | None = Field(default=None, ge=1)
    rectify: Rectify = "as_is"
    signed_features_anyway: bool = False
    strengths: tuple[Strength, ...] = Field(default=(0.7,), min_length=1)
    share: float = Field(default=0.05, gt=0, le=0.5)
    min_test_r: float = Field(default=0.5, ge=-1, le=1)
    n_folds: int = Field(default=10, ge=2)
    max_components: int = Field(default=25, ge=1)
    n_draws: int = Field(default=10, ge=1, le=1000)
    sessions: dict[Name, SessionSettings] = Field(min_length=1)

    @property
    def folder(self) -> Path:
        """Where its report is."""
        return self.out_dir / self.name


@dataclass(frozen=True, slots=True, eq=False)
class SessionChoices:
    """What the models of one session chose.

    Parameters
    ----------
    unit_ids : tuple of str
        Of all neurons that were fitted.
    n_images : int
    test_r : (n_units,) float array
    counts : (n_units,) bool array
        Which neurons are predicted well enough to count.
    signs : FeatureSigns
        Of the features.
    choices : Choices
        Of the neurons that count.
    """

    unit_ids: tuple[str, ...]
    n_images: int
    test_r: FloatArray
    counts: BoolArray
    signs: FeatureSigns
    choices: Choices


@dataclass(frozen=True, slots=True, eq=False)
class ChoiceStudy:
    """The choices of all sessions, and the comparisons among them.

    Parameters
    ----------
    settings : ChoiceSettings
    described : str
        Which features were read.
    sessions : dict of str to SessionChoices
    tests : list of ChoiceTest
    signed_features_anyway : bool
        Whether features took both signs, so that the signs of weights mean nothing.
    """

    settings: ChoiceSettings
    described: str
    sessions: dict[str, SessionChoices]
    tests: list[ChoiceTest]
    signed_features_anyway: bool


def read_choice_settings(path: Path) -> ChoiceSettings:
    """Read the settings of a test of choices from a TOML file.

    Raises
    ------
    ConfigError
        It cannot be used; the message lists every problem with its line.
    """
    return read_settings(path, ChoiceSettings)


def study_choices(
    settings: ChoiceSettings,
    *,
    cache_dir: Path,
    on_progress: OnProgress = lambda _stage, _n_done, _n_all: None,
    on_warning: Callable[[str], object] = lambda _warning: None,
) -> ChoiceStudy:
    """Let intact and ablated models of all sessions choose images, and compare what came of it.

    Parameters
    ----------
    settings : ChoiceSettings
    cache_dir : Path
        Where features are kept.
    on_progress : callable
        ``on_progress(stage, n_done, n_all)``.
    on_warning : callable
        Told in a sentence what is odd about a data set.

    Returns
    -------
    study : ChoiceStudy

    Raises
    ------
    ConfigError, DataSetError
        A setting or a data set cannot be used; data sets are read before anything is computed.
    NeuronModelError
        Features take both signs, and the settings do not say that this is known.
    """
    recorded: dict[str, RecordedData] = {}
    for name, one in settings.sessions.items():
        recorded[name], warnings = prepare_for_fit(one.read())
        for warning in warnings:
            on_warning(f"{name}: {warning.message}")
    network: Network = settings.network.load()(settings.network.settings)
    reader = FeatureReader(network, settings.layer, settings.pool_px, settings.rectify)
    sessions: dict[str, SessionChoices] = {}
    is_anyway = False
    for name, data in recorded.items():
        told = partial(_told, on_progress, name)
        features = FeatureCache(cache_dir, reader).features(
            data.images.read(), on_progress=partial(told, "features", data.n_images)
        )
        signs = FeatureSigns.measure(features, is_rectified=reader.is_rectified)
        is_anyway |= allow_sign_ablation(
            signs,
            f"models of session {name}, which read {reader.spec},",
            signed_features_anyway=settings.signed_features_anyway,
        )
        sessions[name] = _session(settings, data, features, signs, told)
    tests = compare_choices({name: one.choices for name, one in sessions.items()})
    return ChoiceStudy(settings, str(reader.spec), sessions, tests, is_anyway)


def _session(
    settings: ChoiceSettings,
    data: RecordedData,
    features: FloatArray,
    signs: FeatureSigns,
    told: Callable[[str, int, int], None],
) -> SessionChoices:
    measured_hz = data.mean_rates_hz.T
    told("cross-validation", 1, 0)
    validation = cross_validate_pls(
        features,
        measured_hz,
        n_components=range(1, settings.max_components + 1),
        n_folds=settings.n_folds,
        seed=settings.seed,
        groups=data.images.sha256,
    )
    told("cross-validation", 1, 1)
    # Before any model is ablated: what the choice of neurons knows, the comparison does not profit
    # from, as it is between ablated models.
    counts = np.nan_to_num(validation.r, nan=-1) >= settings.min_test_r
    if not counts.any():
        raise ConfigError(
            f"No neuron of {data.n_units} has a cross-validated correlation of at least "
            f"{settings.min_test_r}; the best has {np.nanmax(validation.r):.2f}. Read another "
            "layer, or lower min_test_r, and mind that what badly predicting models choose says "
            "little."
        )
    choices = ablated_choices(
        features,
        measured_hz[:, counts],
        validation.of_units(counts),
        strengths=settings.strengths,
        share=settings.share,
        n_draws=settings.n_draws,
        seed=settings.seed,
        on_progress=partial(told, "choices", settings.n_folds),
    )
    return SessionChoices(data.unit_ids, data.n_images, validation.r, counts, signs, choices)


def _told(on_progress: OnProgress, session: str, stage: str, n_all: int, n_done: int) -> None:
    on_progress(f"{session}: {stage}", n_done, n_all)
