"""Check that a network keeps the rules of `Network`; a plugin's test is one call."""

from __future__ import annotations

import numpy as np

from signseg_rig.errors import RigError
from signseg_rig.interfaces import Network


def check_network(network: Network) -> None:
    """Run all checks.

    Parameters
    ----------
    network : Network

    Raises
    ------
    AssertionError
        A sentence says which rule is broken.
    """
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (3, 40, 40, 3), dtype=np.uint8)
    assert network.layer_names, "layer_names is empty."
    for layer in (network.layer_names[0], network.layer_names[-1]):
        features = network.features(images, layer)
        assert features.ndim == 2, f"Layer {layer!r} gives {features.ndim} dimensions, not 2."
        assert len(features) == len(images), f"Layer {layer!r} gives {len(features)} rows, not 3."
        assert features.dtype == np.float32, f"Features are float32; got {features.dtype}."
        assert np.isfinite(features).all(), f"Layer {layer!r} has features that are not finite."
        again = network.features(images, layer)
        assert np.array_equal(features, again), f"Layer {layer!r} differs the second time."
    default = network.features(images)
    assert np.array_equal(default, network.features(images, network.layer_names[-1])), (
        "Without a layer, features() should give the last one."
    )
    assert np.ptp(default, axis=0).max() > 0, "All images have the same features."
    _check_readout(network, default.shape[1])
    message = _refusal_of_unknown_layer(network)
    assert message is not None, "An unknown layer raises no RigError."
    assert network.layer_names[0] in message, "The error lists no layer that there is."


def _refusal_of_unknown_layer(network: Network) -> str | None:
    image = np.zeros((1, 40, 40, 3), dtype=np.uint8)
    try:
        network.features(image, "no such layer")
    except RigError as error:
        return str(error)
    return None


def _check_readout(network: Network, n_features: int) -> None:
    weights, bias = network.readout
    expected = (len(network.unit_names), n_features)
    assert weights.shape == expected, f"The readout's weights are {weights.shape}, not {expected}."
    assert bias.shape == expected[:1], f"The readout's bias is {bias.shape}, not {expected[:1]}."
    assert len(set(network.unit_names)) == expected[0], "Two units have the same name."
    weights[:] = 0
    assert np.any(network.readout.weights), (
        "Changing the readout that was given away changes the network: it should be a copy."
    )
