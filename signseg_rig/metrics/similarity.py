"""How alike an ensemble of networks finds two sets of images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from signseg_rig.errors import ConfigError
from signseg_rig.interfaces import Metric, MetricContext, Network
from signseg_rig.metrics.image_sets import checked_images, checked_pair, require_finite
from signseg_rig.settings import PluginChoice, PluginGroup, Settings
from signseg_rig.values import FloatArray, ImageArray, array_sha256

COMPARISONS = ("across", "within", "within_intact", "random", "within_random")
# A sweep compares each of its images, and the random ones, many times.
N_IMAGES_KEPT = 4096


class SimilaritySettings(Settings):
    """Settings of ``kind = "representational_similarity"``.

    `networks` are the ensemble; features are those that their readouts read. Networks of one kind
    differ in their weights or settings.
    """

    networks: tuple[Annotated[PluginChoice, PluginGroup("networks")], ...] = Field(min_length=1)


class RepresentationalSimilarity(Metric):
    """Mean cosine between the features of pairs of images, per network and over networks.

    Values of `measure` are named ``<centering>.<comparison>.<network>``, with ``mean`` for the mean
    over the networks that judge.

    ================ ==================================================================
    `across`         Pairs of an image of the condition and one of the intact unit.
    `within`         Pairs of the condition's own images; none with itself.
    `within_intact`  Pairs of the intact unit's images: what `across` could reach at best.
    `random`         Pairs of a random image and one of the intact unit: what chance reaches.
    `within_random`  Pairs of random images.
    ================ ==================================================================

    ``uncentered`` is the cosine of the features as they are. As features after a ReLU have no
    negative values, it is well above 0 for any two images. ``centered`` is the cosine of what the
    features deviate by from their mean over the first half of the random images. This centre is
    the same for every condition, which that of the images compared would not be. Without two
    random images it does not exist, and is NaN.

    The random images of the table are those of the second half: around their own mean images have
    a similarity of about 0 to anything, which would be no floor but an identity. The error of the
    centre, which any two images have in common, raises all centred values by about one over the
    number of images that it is the mean of.

    Parameters
    ----------
    settings : SimilaritySettings

    Raises
    ------
    ConfigError
        The ensemble has the same network twice.
    """

    Config: ClassVar[type[Settings]] = SimilaritySettings

    def __init__(self, settings: SimilaritySettings) -> None:
        networks: list[Network] = [choice.load()(choice.settings) for choice in settings.networks]
        self._networks = dict(zip(_names(networks), networks, strict=True))
        self._kept: dict[tuple[str, str, tuple[int, ...]], FloatArray] = {}  # oldest use first

    @classmethod
    def problems(cls, settings: Any) -> list[str]:
        """List what is missing for the networks, for `signseg-rig check`."""
        return [
            problem
            for choice in settings.networks
            for problem in choice.load().problems(choice.settings)
        ]

    def measure(
        self, images: ImageArray, reference: ImageArray, context: MetricContext
    ) -> dict[str, float]:
        """Compare images with those of the intact unit; see `Metric.measure`.

        The network that was visualised does not judge, and its own values are NaN: it is the one
        of the same kind and weights.

        Raises
        ------
        ConfigError
            These are no images, or no network of the ensemble is another than the one visualised.
        """
        images, reference = checked_pair(images, reference)
        random = context.random_images
        if random is not None:
            random = checked_images(random, "random images")
        judges = [
            name
            for name, network in self._networks.items()
            if not _is_same(network.identity, context.visualized)
        ]
        if not judges:
            raise ConfigError(
                "The only networks of the ensemble are those whose unit, or whose features, were "
                "visualised: "
                f"{', '.join(self._networks)}. Add others to 'networks'."
            )
        values: dict[str, float] = {}
        for name in self._networks:
            found = (
                self._similarities(name, images, reference, random) if name in judges else _NOTHING
            )
            values |= {f"{comparison}.{name}": value for comparison, value in found.items()}
        for comparison in _NOTHING:
            found_by = [values[f"{comparison}.{name}"] for name in judges]
            values[f"{comparison}.mean"] = float(np.mean(found_by))
        return values

    def compares(self, value: str) -> bool:
        """Return which values are of pairs with the intact unit's images; see `Metric.compares`."""
        return value.split(".")[1] == "across"

    def describe(self) -> dict[str, str | float]:
        """Return the networks and the convention of centering; see `Metric.describe`."""
        identities = {
            f"{name}.{key}": value
            for name, network in self._networks.items()
            for key, value in network.identity.items()
        }
        return {
            "similarity": "mean cosine over pairs, without self-pairs",
            "features": "what the readout reads",
            "centered": "features less their mean over the first half of the random images",
            "random": "random images of the second half",
            **identities,
        }

    def _similarities(
        self, name: str, images: ImageArray, reference: ImageArray, random: ImageArray | None
    ) -> dict[str, float]:
        condition = self._features(name, images)
        intact = self._features(name, reference)
        if random is None:
            return dict(_NOTHING) | _compared("uncentered", condition, intact, None)
        features = self._features(name, random)
        for_center, chance = np.split(features, [len(features) // 2])
        values = dict(_NOTHING) | _compared("uncentered", condition, intact, chance)
        if len(for_center):
            center = for_center.mean(axis=0)
            values |= _compared("centered", condition - center, intact - center, chance - center)
        return values

    def _features(self, name: str, images: ImageArray) -> FloatArray:
        """Compute the features of images, of each only once as long as it is among the last."""
        keys = [(name, array_sha256(image), image.shape) for image in images]
        rows = {key: self._kept.pop(key) for key in set(keys) & self._kept.keys()}
        if new := {key: image for key, image in zip(keys, images, strict=True) if key not in rows}:
            features = self._networks[name].features(np.stack(list(new.values()))).astype(float)
            require_finite(features, f"The network {name!r}")
            rows |= zip(new, features, strict=True)
        self._kept |= rows
        while len(self._kept) > N_IMAGES_KEPT:
            del self._kept[next(iter(self._kept))]
        return np.stack([rows[key] for key in keys])


def mean_cosine(a: FloatArray, b: FloatArray | None = None) -> float:
    """Average the cosine over all pairs of a row of one array and a row of another.

    Parameters
    ----------
    a : (n, n_features) float array
    b : (m, n_features) float array, optional
        Without it pairs are those of different rows of `a`.

    Returns
    -------
    similarity : float, in [-1, 1]
        A row of zeros has no direction, and its pairs are left out; NaN where none are left.

    Notes
    -----
    With unit rows u and v, the sum over all pairs of u.v is (sum u).(sum v), so that the number of
    pairs costs nothing; the n self-pairs of a set are 1 each.
    """
    u = _unit_rows(a)
    if b is None:
        n_pairs = len(u) * (len(u) - 1)
        total = float(u.sum(axis=0) @ u.sum(axis=0)) - len(u)
    else:
        v = _unit_rows(b)
        n_pairs = len(u) * len(v)
        total = float(u.sum(axis=0) @ v.sum(axis=0))
    return total / n_pairs if n_pairs else float("nan")


def _unit_rows(rows: FloatArray) -> FloatArray:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    has_direction = length[:, 0] > 0
    unit: FloatArray = rows[has_direction] / length[has_direction]
    return unit


_NOTHING: Mapping[str, float] = {
    f"{centering}.{comparison}": float("nan")
    for centering in ("uncentered", "centered")
    for comparison in COMPARISONS
}


def _compared(
    centering: str, condition: FloatArray, intact: FloatArray, chance: FloatArray | None
) -> dict[str, float]:
    values = {
        "across": mean_cosine(condition, intact),
        "within": mean_cosine(condition),
        "within_intact": mean_cosine(intact),
    }
    if chance is not None:
        values |= {"random": mean_cosine(chance, intact), "within_random": mean_cosine(chance)}
    return {f"{centering}.{comparison}": value for comparison, value in values.items()}


def _names(networks: list[Network]) -> list[str]:
    """Name networks by their kind, and by a number where a kind comes more than once."""
    for index, network in enumerate(networks):
        if any(dict(network.identity) == dict(other.identity) for other in networks[:index]):
            raise ConfigError(
                f"The ensemble has the network {dict(network.identity)} twice. Leave one out."
            )
    kinds = [str(network.identity.get("kind", type(network).__name__)) for network in networks]
    return [
        kind if kinds.count(kind) == 1 else f"{kind}_{kinds[:index].count(kind)}"
        for index, kind in enumerate(kinds)
    ]


def _is_same(identity: Mapping[str, object], visualized: Mapping[str, object]) -> bool:
    """Return whether two identities are of one network; it may see images at another size."""
    if not visualized:
        return False
    return all(identity.get(key) == visualized.get(key) for key in ("kind", "weights_sha256"))
