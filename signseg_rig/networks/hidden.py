"""Graded ablation of a hidden layer: by what its connections contribute to a unit."""

from __future__ import annotations

from signseg_rig.errors import ConfigError
from signseg_rig.interfaces import Network
from signseg_rig.signs import AblatedWeights, GradedAblation, Scope, Sign
from signseg_rig.values import FloatArray


class HiddenLayer:
    """The connections of a network's layer as a matrix, a row for each channel that it puts out.

    Parameters
    ----------
    network : Network
        Never changed.
    layer : str
        A name of its `weight_layers`, but not that of the readout.

    Raises
    ------
    ConfigError
        There is no such layer, or it is the readout.
    """

    def __init__(self, network: Network, layer: str) -> None:
        layers = network.weight_layers()
        hidden = ", ".join(name for name in layers if name != network.head_name) or "none"
        if layer == network.head_name:
            raise ConfigError(
                f"{layer!r} is the readout of the network, which is ablated by the signs of its "
                "own weights. Leave [hidden] out of a sweep for that (in Python, see "
                f"signseg_rig.signs.ablate), or name one of {hidden}."
            )
        if layer not in layers:
            raise ConfigError(f"The network has no hidden layer {layer!r}. It has {hidden}.")
        self._network = network
        self._name = layer
        self._shape = layers[layer].weights.shape
        self.weights: FloatArray = self.as_rows(layers[layer].weights)

    def as_rows(self, values: FloatArray) -> FloatArray:
        """Arrange what is known of each connection, such as its contribution, as the weights are.

        Parameters
        ----------
        values : float array of the shape of the layer's weights

        Returns
        -------
        values : (n_channels, n_incoming) float array

        Raises
        ------
        ConfigError
            They are of another shape.
        """
        if values.shape != self._shape:
            raise ConfigError(
                f"Contributions to {self._name!r} should have the shape of its weights, "
                f"{self._shape}; got {values.shape}."
            )
        return values.reshape(self._shape[0], -1)

    def lesioned(self, ablated: AblatedWeights) -> Network:
        """Return a copy of the network with ablated weights, (n_channels, n_incoming), in here."""
        return self._network.with_weights({self._name: ablated.weights.reshape(self._shape)})


def ablate_hidden(
    network: Network,
    layer: str,
    contributions: FloatArray,
    *,
    sign: Sign,
    strength: float,
    scope: Scope = "unit",
) -> tuple[Network, AblatedWeights]:
    """Remove connections of a layer that contribute positively, or negatively, to a unit.

    In a hidden layer the sign of a weight does not say whether it drives a unit of the readout or
    inhibits it: what decides is the sign of its contribution, and the largest contributions are
    removed first.

    Parameters
    ----------
    network : Network
        Never changed.
    layer : str
        A name of its `weight_layers`, but not that of the readout.
    contributions : float array of the shape of the layer's weights
        Of `Network.contributions`, computed once for all strengths.
    sign : {"positive", "negative"}
    strength : float, from 0 to 1
        Share of the summed contributions of this sign.
    scope : {"unit", "matrix"}
        Whether each channel that the layer puts out is taken on its own, or the layer as a whole.

    Returns
    -------
    network : Network
        A copy in which these connections are 0.
    ablated : AblatedWeights
        Of shape (n_channels, n_incoming). For controls see `signseg_rig.signs.matched_random`,
        whose `by` are the contributions, arranged likewise.

    Raises
    ------
    ConfigError
        There is no such hidden layer, or the contributions are not of its shape.

    Examples
    --------
    >>> from signseg_rig.networks import load_network
    >>> network = load_network("efficientnet_lite0", input_size_px=64)
    >>> images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    >>> contributions = network.contributions(images, "_conv_head", "wig")
    >>> lesioned, ablated = ablate_hidden(
    ...     network, "_conv_head", contributions, sign="positive", strength=0.5
    ... )
    >>> bool((lesioned.weight_layers()["_conv_head"].weights == 0).any())
    True
    """
    hidden = HiddenLayer(network, layer)
    ablation = GradedAblation(
        hidden.weights, sign=sign, scope=scope, by=hidden.as_rows(contributions)
    )
    ablated = ablation.at(strength)
    return hidden.lesioned(ablated), ablated
