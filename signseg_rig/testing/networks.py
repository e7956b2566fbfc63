"""The conformance kit for networks: third parties run it against their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from signseg_rig.interfaces import Network
from signseg_rig.values import FloatArray, ImageArray

N_IMAGES = 3
SIZES = ((64, 64), (97, 40))


def check_network(network: Network) -> None:
    """Check that a network does what neuron models and simulated neurons rely on.

    How well it sees is not judged, only that features belong to an image alone: what a simulated
    neuron answers must not depend on which images are shown besides.

    Parameters
    ----------
    network : Network

    Raises
    ------
    AssertionError
        It does something else; the message says what.
    """
    _check_names(network, "layer_names")
    if network.has_readout:
        _check_names(network, "unit_names")
    _check_identity(network)
    images = np.random.default_rng(0).integers(0, 256, (N_IMAGES, *SIZES[0], 3), dtype=np.uint8)
    kept = images.copy()
    for layer in network.layer_names:
        _check_layer(network, images, layer)
    features = network.features(images)
    assert np.array_equal(images, kept), "features changes the images that it is given."
    _check_readout(network, images, features)
    _check_independence(network, images, features)
    _check_refusals(network, images)


def _check_names(network: Network, attribute: str) -> None:
    names = getattr(network, attribute, None)
    assert isinstance(names, tuple), f"{attribute} should be a tuple of names; got {names!r}."
    assert names, f"{attribute} should name something; it is empty."
    assert all(isinstance(name, str) and name for name in names), (
        f"{attribute} should hold texts that say something."
    )
    doubles = sorted({name for name in names if names.count(name) > 1})
    assert not doubles, f"{attribute} has some names more than once: {', '.join(doubles)}."


def _check_identity(network: Network) -> None:
    identity = dict(network.identity)
    assert identity, "identity should say what the features depend on; it is empty."
    for key, value in identity.items():
        assert isinstance(value, str | int | float), (
            f"identity should hold text and numbers, for it is kept as JSON; {key!r} is {value!r}."
        )


def _check_layer(network: Network, images: ImageArray, layer: str) -> None:
    features = network.features(images, layer)
    one_row_each = features.ndim == 2 and len(features) == len(images)
    assert one_row_each, (
        f"Features of {layer!r} should have the shape ({len(images)}, n_features); they have "
        f"{features.shape}."
    )
    assert features.dtype == np.float32, (
        f"Features of {layer!r} should be float32; they are {features.dtype}."
    )
    assert np.isfinite(features).all(), f"Features of {layer!r} are not all finite."
    shape = network.layer_shape(layer)
    assert int(np.prod(shape)) == features.shape[1], (
        f"layer_shape should describe the {features.shape[1]} features of {layer!r}; got {shape}."
    )
    assert not network.is_rectified(layer) or features.min(initial=0) >= 0, (
        f"is_rectified says that features of {layer!r} are never negative; some are."
    )
    n_different = len({row.tobytes() for row in features})
    assert n_different > 1, f"Features of {layer!r} do not depend on the image."
    n_features = network.features(np.zeros((1, *SIZES[1], 3), dtype=np.uint8), layer).shape[1]
    assert n_features == features.shape[1], (
        f"The number of features of {layer!r} depends on the size of the image: it is "
        f"{features.shape[1]} for {SIZES[0]} and {n_features} for {SIZES[1]} pixels."
    )


def _check_readout(network: Network, images: ImageArray, features: FloatArray) -> None:
    last = network.layer_names[-1]
    assert np.array_equal(features, network.features(images, last)), (
        f"Without a layer features should be those of the last one, {last!r}."
    )
    if not network.has_readout:
        assert network.unit_names == (), "A network without a readout has no units."
        _refuses(lambda: network.readout, "being asked for a readout that it does not have")
        return
    weights, bias = network.readout
    expected = (len(network.unit_names), features.shape[1])
    assert weights.shape == expected, (
        f"The readout's weights should be {expected}, a row per unit; they are {weights.shape}."
    )
    assert bias.shape == expected[:1], (
        f"The readout's bias should be {expected[:1]}; it is {bias.shape}."
    )
    for name, values in (("weights", weights), ("bias", bias)):
        assert np.isfinite(values).all(), f"The readout's {name} are not all finite."
    layers = list(network.weight_layers())
    assert layers[-1:] == [network.head_name], (
        f"head_name, {network.head_name!r}, should be the last of weight_layers, as the readout "
        f"is; the last is {layers[-1] if layers else None!r}."
    )


def _check_independence(network: Network, images: ImageArray, features: FloatArray) -> None:
    assert np.array_equal(network.features(images), features), (
        "The same images came out as other features."
    )
    backwards = network.features(images[::-1])[::-1]
    assert np.array_equal(backwards, features), "Features depend on the place in the batch."
    for image, row in zip(images, features, strict=True):
        assert np.array_equal(network.features(image[None])[0], row), (
            "Features depend on what else is in the batch. Compute images one at a time, copied "
            "to one memory order."
        )
    none = network.features(images[:0])
    assert none.shape == (0, features.shape[1]), (
        f"No images should give features of shape (0, {features.shape[1]}), not {none.shape}."
    )


def _check_refusals(network: Network, images: ImageArray) -> None:
    _refuses(lambda: network.features(images, "no such layer"), "a layer that it does not have")
    _refuses(lambda: network.features(images[..., 0]), "images without colours")
    fractions: Any = images / 255
    _refuses(lambda: network.features(fractions), "images that are not uint8")


def _refuses(act: Callable[[], object], what: str) -> None:
    try:
        act()
    except ValueError:
        return
    raise AssertionError(
        f"The network accepts {what}; it has to raise a ValueError, such as a ConfigError."
    )
