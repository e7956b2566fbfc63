"""Neuron models: fitted readouts of a network's features, and all that is needed to use them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from signseg_rig.errors import ConfigError, NeuronModelError
from signseg_rig.interfaces import Network
from signseg_rig.neurons.feature_signs import (
    FeatureSigns,
    allow_sign_ablation,
    require_never_negative,
)
from signseg_rig.neurons.features import FeatureReader, FeatureSpec
from signseg_rig.neurons.model_file import (
    FORMAT,
    AblationDescription,
    FeatureDescription,
    ModelDescription,
    SignsDescription,
    read_model_file,
    versions,
    write_model_file,
)
from signseg_rig.signs import AblatedWeights, Condition, Sign, ablate
from signseg_rig.values import FloatArray, ImageArray, IntArray

Convention = Literal["raw", "centered"]
ARRAYS = ("coef", "intercept", "feature_mean", "n_components")
QUALITY = "quality."


@dataclass(frozen=True, slots=True)
class Ablation:
    """What was done to a model's weights.

    Parameters
    ----------
    condition : Condition
        What was removed.
    convention : str
        ``"raw"`` or ``"centered"``, see `NeuronModels.ablate`.
    signed_features_anyway : bool
        Whether it was done although the signs of weights may mean nothing, see
        `allow_sign_ablation`.
    """

    condition: Condition
    convention: Convention
    signed_features_anyway: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class NeuronModels:
    """Linear models of neurons: ``rate = intercept + coef @ features``.

    Parameters
    ----------
    unit_ids : tuple of str
    coef : (n_units, n_features) float array
    intercept : (n_units,) float array, in spikes per second
        The predicted rate for features that are all 0.
    feature_mean : (n_features,) float array
        Over the images of the fit.
    n_components : (n_units,) int array
    features : FeatureSpec
        Which features of which network they read.
    signs : FeatureSigns, optional
        Whether those can be negative; None where it is not known.
    image_sha256 : tuple of str
        Of the images of the fit.
    quality : mapping of str to (n_units,) float array
        How good the models are, such as ``"test_r"``.
    fit : mapping of str to int or list of int
        The settings of the fit and its tests, such as ``"seed"``.
    session : mapping of str to str
        Where the recordings come from.
    ablation : Ablation, optional
        None for models as fitted.

    Raises
    ------
    NeuronModelError
        The arrays do not fit together, are of other types, or are not finite.
    """

    unit_ids: tuple[str, ...]
    coef: FloatArray
    intercept: FloatArray
    feature_mean: FloatArray
    n_components: IntArray
    features: FeatureSpec
    signs: FeatureSigns | None = None
    image_sha256: tuple[str, ...] = ()
    quality: Mapping[str, FloatArray] = field(default_factory=dict)
    session: Mapping[str, str] = field(default_factory=dict)
    fit: Mapping[str, int | list[int]] = field(default_factory=dict)
    ablation: Ablation | None = None

    def __post_init__(self) -> None:
        n_units = len(self.unit_ids)
        n_features = np.shape(self.coef)[1] if np.ndim(self.coef) == 2 else "n_features"
        shapes: dict[str, tuple[object, ...]] = {
            "coef": (n_units, n_features),
            "intercept": (n_units,),
            "feature_mean": (n_features,),
            "n_components": (n_units,),
        }
        problems = [
            problem
            for name, shape in shapes.items()
            for problem in _array_problems(name, getattr(self, name), shape)
        ]
        for name, values in self.quality.items():
            problems += _array_problems(f"quality[{name!r}]", values, (n_units,), may_be_nan=True)
        if len(set(self.unit_ids)) < n_units:
            problems.append("some unit_ids occur more than once")
        if problems:
            raise NeuronModelError(
                f"These are no models of {n_units} neurons: {'; '.join(problems)}."
            )

    def predict(self, features: FloatArray, *, spec: FeatureSpec | None = None) -> FloatArray:
        """Predict rates from features.

        Parameters
        ----------
        features : (n_images, n_features) float array
            As a `reader` of these models gives them.
        spec : FeatureSpec, optional
            Of the reader that computed them, to make sure that it reads the same layer.

        Returns
        -------
        rate_hz : (n_images, n_units) float array, in spikes per second
            As the linear model has it: it may be below 0.

        Raises
        ------
        NeuronModelError
            There are more or fewer features than the models read, or others, or the models are
            ablated and features are negative that were not when they were fitted.
        """
        features = self.checked_features(features, spec)
        if self.ablation is not None and not self.ablation.signed_features_anyway:
            require_never_negative(features, self.described)
        # Not by BLAS, whose last bits depend on the number of images: what a simulated neuron
        # answers must not depend on which images are shown besides.
        centred = features - self.feature_mean
        deviation = np.einsum("if,uf->iu", centred, self.coef)
        return deviation + self.mean_rate_hz

    def checked_features(self, features: FloatArray, spec: FeatureSpec | None) -> FloatArray:
        """Return features in double precision if they are those that the models read.

        Raises
        ------
        NeuronModelError
            They are not; see `predict`.
        """
        if spec not in (None, self.features):
            raise NeuronModelError(
                f"These models read {self.features!r}; got {spec!r}. Compute features with "
                "NeuronModels.reader."
            )
        features = np.asarray(features, dtype=np.float64)
        if features.ndim != 2 or features.shape[1] != self.coef.shape[1]:
            raise NeuronModelError(
                f"These models read {self.coef.shape[1]} features of {self.features.layer!r}; got "
                f"an array of shape {features.shape}. Compute features with NeuronModels.reader."
            )
        return features

    @property
    def described(self) -> str:
        """What models these are, for messages."""
        return f"these {len(self.unit_ids)} neuron models, which read {self.features},"

    @property
    def mean_rate_hz(self) -> FloatArray:
        """The predicted rate for mean features, (n_units,), in spikes per second."""
        return self.intercept + np.einsum("uf,f->u", self.coef, self.feature_mean)

    def reader(self, network: Network) -> FeatureReader:
        """Return the reader of the features on which these models were fitted.

        Raises
        ------
        NeuronModelError
            It is another network, has other weights or preprocesses images otherwise.
        """
        known, given = dict(self.features.network), dict(network.identity)
        if known != given:
            differing = sorted(key for key in {*known, *given} if known.get(key) != given.get(key))
            details = "; ".join(
                f"{key} is {given.get(key)!r}, fitted was {known.get(key)!r}" for key in differing
            )
            raise NeuronModelError(
                f"These models were fitted on another network than the one given: {details}. "
                "Load the network as it was for the fit, or fit again."
            )
        read = self.features
        return FeatureReader(network, read.layer, read.pool_px, read.rectify)

    def predict_images(self, images: ImageArray, network: Network) -> FloatArray:
        """Predict rates for images (n, height, width, 3); see `predict` and `reader`."""
        return self.predict(self.reader(network).features(images))

    def select(self, unit_ids: Sequence[str]) -> NeuronModels:
        """Return the models of some neurons, in the order of `unit_ids`.

        Raises
        ------
        NeuronModelError
            There is no such neuron; the message lists those there are.
        """
        missing = [unit for unit in unit_ids if unit not in self.unit_ids]
        if missing:
            raise NeuronModelError(
                f"There is no model of {', '.join(map(repr, missing))}; there are models of "
                f"{', '.join(self.unit_ids)}."
            )
        rows = [self.unit_ids.index(unit) for unit in unit_ids]
        return replace(
            self,
            unit_ids=tuple(unit_ids),
            coef=self.coef[rows],
            intercept=self.intercept[rows],
            n_components=self.n_components[rows],
            quality={name: values[rows] for name, values in self.quality.items()},
        )

    def ablate(
        self,
        sign: Sign,
        strength: float,
        *,
        convention: Convention = "raw",
        signed_features_anyway: bool = False,
    ) -> NeuronModels:
        """Remove positive or negative weights, of each neuron the largest first.

        Parameters
        ----------
        sign : {"positive", "negative"}
        strength : float, from 0 to 1
            The share of their summed magnitude that is removed; see `signseg_rig.signs.ablate`.
        convention : {"raw", "centered"}
            ``"raw"`` keeps the intercept: the neuron loses these inputs, and as features after a
            ReLU are at least 0, its mean rate moves too. ``"centered"`` keeps the predicted rate
            for mean features: only how the neuron deviates from its mean rate is changed. The two
            give different curves.
        signed_features_anyway : bool
            Ablate even where features take both signs, so that the signs of weights mean nothing.

        Returns
        -------
        models : NeuronModels
            New ones, without the quality of the fit, which is not theirs.

        Raises
        ------
        NeuronModelError
            The models are ablated already, or the features that they read take both signs, or it is
            not known; see `allow_sign_ablation`.
        """
        ablated = ablate(self.coef, sign=sign, strength=strength)
        ablation = Ablation(Condition(sign, strength), convention, signed_features_anyway)
        return self.with_weights(ablated, ablation)

    def with_weights(self, weights: AblatedWeights, ablation: Ablation) -> NeuronModels:
        """Return these models with ablated weights, and the intercept of the convention.

        Raises
        ------
        NeuronModelError
            These models are ablated already, or the signs of their weights may mean nothing and
            `ablation` does not say that this is known.
        ConfigError
            The convention is unknown.
        """
        if self.ablation is not None:
            raise NeuronModelError(
                f"These models are ablated already ({self.ablation}). Ablate the models as fitted."
            )
        if ablation.convention not in get_args(Convention):
            raise ConfigError(
                f"convention should be one of {', '.join(get_args(Convention))}; got "
                f"{ablation.convention!r}."
            )
        is_anyway = allow_sign_ablation(
            self.signs, self.described, signed_features_anyway=ablation.signed_features_anyway
        )
        ablation = replace(ablation, signed_features_anyway=is_anyway)
        intercept = self.intercept
        if ablation.convention == "centered":
            intercept = self.mean_rate_hz - np.einsum("uf,f->u", weights.weights, self.feature_mean)
        return replace(
            self, coef=weights.weights, intercept=intercept, quality={}, ablation=ablation
        )

    def save(self, path: Path | str) -> None:
        """Write a neuron-model file.

        Raises
        ------
        NeuronModelError
            It cannot be written; what was there before is unchanged.
        """
        path = Path(path)
        arrays = {name: getattr(self, name) for name in ARRAYS}
        arrays |= {f"{QUALITY}{name}": values for name, values in self.quality.items()}
        description = ModelDescription(
            format=FORMAT,
            unit_ids=self.unit_ids,
            features=FeatureDescription(**asdict(self.features)),
            signs=SignsDescription(**asdict(self.signs)) if self.signs else None,
            image_sha256=self.image_sha256,
            session=dict(self.session),
            fit=dict(self.fit),
            ablation=_described(self.ablation) if self.ablation else None,
            versions=versions(),
        )
        write_model_file(path, arrays, description)

    @classmethod
    def load(cls, path: Path | str) -> NeuronModels:
        """Read a neuron-model file.

        Raises
        ------
        NeuronModelError
            The file is missing or damaged, or is none, or does not say what its arrays mean.
        """
        path = Path(path)
        arrays, described = read_model_file(path)
        quality = {name: arrays.pop(name) for name in list(arrays) if name.startswith(QUALITY)}
        if set(arrays) != set(ARRAYS):
            raise NeuronModelError(
                f"{path} is no neuron-model file: it should hold {', '.join(ARRAYS)}, and holds "
                f"{', '.join(sorted(arrays))}."
            )
        try:
            return cls(
                unit_ids=described.unit_ids,
                features=FeatureSpec(**described.features.model_dump()),
                signs=FeatureSigns(**described.signs.model_dump()) if described.signs else None,
                image_sha256=described.image_sha256,
                quality={name.removeprefix(QUALITY): one for name, one in quality.items()},
                session=described.session,
                fit=described.fit,
                ablation=_read(described.ablation) if described.ablation else None,
                **arrays,
            )
        except (NeuronModelError, ConfigError) as error:
            raise NeuronModelError(f"{path} cannot be used. {error}") from error


def _described(ablation: Ablation) -> AblationDescription:
    # The file has one word for what was removed: the name, which is the sign where none is random.
    return AblationDescription(
        sign=ablation.condition.name,
        strength=ablation.condition.strength,
        convention=ablation.convention,
        signed_features_anyway=ablation.signed_features_anyway,
    )


def _read(described: AblationDescription) -> Ablation:
    return Ablation(
        Condition.parse(described.sign, described.strength),
        described.convention,
        described.signed_features_anyway,
    )


def _array_problems(
    name: str, array: npt.ArrayLike, shape: tuple[object, ...], *, may_be_nan: bool = False
) -> list[str]:
    """Return in which regard something is not the array that it should be."""
    if np.shape(array) != shape:
        expected = ", ".join(map(str, shape))
        return [f"{name} has the shape {np.shape(array)}, expected is ({expected})"]
    values = np.asarray(array)
    if name == "n_components":
        if values.dtype.kind not in "iu":
            return [f"{name} is of type {values.dtype}, expected are integers"]
        return [f"{name} holds {values.min()}, expected is 0 or more"] if (values < 0).any() else []
    if values.dtype not in (np.float64, np.float32):
        return [f"{name} is of type {values.dtype}, expected is float64 or float32"]
    if not may_be_nan and not np.isfinite(values).all():
        return [f"{name} holds values that are not finite"]
    return []
