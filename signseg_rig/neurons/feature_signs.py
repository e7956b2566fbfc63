"""Whether the features that weights read can be negative, and so whether weights' signs mean much.

A positive weight excites, and a negative one inhibits, only where the feature that it reads is
never negative. Of a feature of both signs the weight's sign is arbitrary: turn the feature over,
and the fit turns over its weight and predicts the same, while what is left without positive weights
is another model. Behind a ReLU no feature is negative, and any other can be split into max(x, 0)
and max(-x, 0), from which a linear model predicts as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signseg_rig.errors import NeuronModelError
from signseg_rig.interfaces import Network
from signseg_rig.values import FloatArray

REMEDY = (
    "Fit again with features that are never negative: with --rectify split (rectify = 'split' in "
    "Python), which is as accurate, or from a layer behind a ReLU, such as what the network's "
    "readout reads. If you know why signs matter all the same, ask for it by "
    "--signed-features-anyway (signed_features_anyway = true), and results will say so."
)


@dataclass(frozen=True, slots=True)
class FeatureSigns:
    """What is known of the signs of features.

    Parameters
    ----------
    is_rectified : bool
        Whether it is certain that none is ever negative, as behind a ReLU; see
        `FeatureReader.is_rectified`.
    negative_share : float, from 0 to 1
        Share of the values below 0 among the features of the images of a fit.
    """

    is_rectified: bool
    negative_share: float

    @classmethod
    def measure(cls, features: FloatArray, *, is_rectified: bool) -> FeatureSigns:
        """Measure the share of negative values in features (n_images, n_features)."""
        return cls(is_rectified, float(np.mean(np.asarray(features) < 0)))

    @property
    def none_is_negative(self) -> bool:
        """Whether no value was negative, so that weights read features of one sign."""
        return self.negative_share == 0


def describe_signs(signs: FeatureSigns | None) -> str:
    """Return in words what is known of the signs of features, and what the signs of weights mean.

    Parameters
    ----------
    signs : FeatureSigns or None
        None where nothing is known.

    Returns
    -------
    sentences : str
    """
    if signs is None:
        return (
            "Whether features can be below 0 is not known, so that it cannot be told whether the "
            "signs of weights mean anything."
        )
    share = _percent(signs.negative_share)
    if not signs.none_is_negative:
        return (
            f"Of the features' values {share} are below 0: the signs of weights are arbitrary, and "
            "ablating by them is refused. Read a rectified layer, or use --rectify split."
        )
    if signs.is_rectified:
        return f"Of the features' values {share} are below 0, as they are rectified."
    return (
        f"Of the features' values {share} are below 0, though nothing in the network rules out "
        "that those of other images are; predictions of ablated models check it."
    )


def allow_sign_ablation(
    signs: FeatureSigns | None, what: str, *, signed_features_anyway: bool = False
) -> bool:
    """Check that ablating weights by their sign means something, before it is done.

    Whatever ablates models of neurons by sign asks here: commands, sweeps and protocols.

    Parameters
    ----------
    signs : FeatureSigns or None
        Of the features that the weights read; None where they are not known.
    what : str
        Whose weights, and which features they read, for the message.
    signed_features_anyway : bool
        Somebody knows why it is wanted all the same.

    Returns
    -------
    is_anyway : bool
        Whether it is done although signs may mean nothing, for the record of what comes of it.

    Raises
    ------
    NeuronModelError
        The features take both signs, or it is not known, and nobody wants it all the same.
    """
    if signs is not None and signs.none_is_negative:
        return False
    if signed_features_anyway:
        return True
    if signs is None:
        raise NeuronModelError(
            f"It cannot be told whether the signs of the weights of {what} mean anything: whether "
            "these features can be below 0 was not written down when the models were fitted, as by "
            f"earlier versions. {REMEDY}"
        )
    raise NeuronModelError(
        f"The signs of the weights of {what} are arbitrary: {_percent(signs.negative_share)} of "
        "the features' values are below 0, where a positive weight inhibits. A feature turned over "
        "would leave the models' predictions as they are, and make other models of the ablated "
        f"ones. {REMEDY}"
    )


def require_never_negative(features: FloatArray, what: str) -> None:
    """Check that features of new images are of one sign, as those of the fit were.

    Parameters
    ----------
    features : (n_images, n_features) float array
    what : str
        See `allow_sign_ablation`.

    Raises
    ------
    NeuronModelError
        Some are negative.
    """
    n_negative = int(np.count_nonzero(np.any(np.asarray(features) < 0, axis=-1)))
    if n_negative:
        raise NeuronModelError(
            f"Features that {what} read are below 0 for {n_negative} of {len(features)} images, "
            "which none were for the images of the fit: there the signs of weights do not say what "
            f"excites and what inhibits. {REMEDY}"
        )


def describe_readout(network: Network) -> str:
    """Return in words whether what a network's readout reads can be negative.

    Networks are ablated whatever their readouts read, as the paper does with Tanh in place of ReLU:
    it is said, and not refused.
    """
    kind = network.identity.get("kind", "the network")
    if network.is_rectified():
        return (
            f"What the readout of {kind} reads is never below 0: its positive weights excite, and "
            "its negative ones inhibit."
        )
    return (
        f"What the readout of {kind} reads can be below 0, or nothing rules it out (activation "
        f"{network.activation}): a positive weight inhibits there, so that its sign does not say "
        "what excites."
    )


def _percent(share: float) -> str:
    # A share that is small is not none.
    return f"{share:.1%}" if share == 0 or share >= 0.0005 else f"{share:.1g}"
