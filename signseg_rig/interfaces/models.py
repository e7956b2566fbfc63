"""What draws images, proposes codes, sees and fires."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from signseg_rig.errors import ConfigError
from signseg_rig.interfaces.plugin import Plugin, PluginWithUnits
from signseg_rig.values import FloatArray, ImageArray


class Generator(Plugin):
    """An image generator: maps codes to images.

    Constructed from its `Config`. Attributes must be set by then.

    Attributes
    ----------
    n_dims : int
        Dimensions of a code.
    image_size_px : int
        Width and height of an image.
    """

    n_dims: int
    image_size_px: int

    @abstractmethod
    def render(self, codes: FloatArray) -> ImageArray:
        """Render codes to images; the same codes always give the same pixels.

        Parameters
        ----------
        codes : (n, n_dims) float array

        Returns
        -------
        images : (n, image_size_px, image_size_px, 3) uint8 array
        """

    def sample_codes(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw codes from the generator's own distribution; standard normal unless overridden.

        Returns
        -------
        codes : (n, n_dims) float array
        """
        return rng.standard_normal((n, self.n_dims))


class Optimizer(Plugin):
    """Proposes codes and learns from their scores; higher is better.

    Constructed as ``cls(settings, n_dims=..., rng=...)``; `rng` is its only source of chance, so
    that told the same scores it asks the same codes again.

    Attributes
    ----------
    n_dims, n_codes : int
        Dimensions of a code, and codes in one generation.
    """

    n_dims: int
    n_codes: int

    @abstractmethod
    def ask(self) -> FloatArray:
        """Propose the codes of one generation.

        Returns
        -------
        codes : (n_codes, n_dims) float array
        """

    @abstractmethod
    def tell(self, codes: FloatArray, scores: FloatArray) -> None:
        """Learn from scores of codes that the last `ask` proposed: all of them or some.

        Parameters
        ----------
        codes : (n, n_dims) float array
        scores : (n,) float array, finite

        Raises
        ------
        OptimizerError
            A score is not finite, or the shapes do not fit together.
        """


class Readout(NamedTuple):
    """A linear readout of named features.

    Parameters
    ----------
    weights : (n_units, n_features) float array
    bias : (n_units,) float array
    """

    weights: FloatArray
    bias: FloatArray


class WeightLayer(NamedTuple):
    """The weights of a linear or convolutional layer.

    Parameters
    ----------
    weights : (n_out, n_in, ...) float array
        With more axes for the kernel of a convolution. In one of groups `n_in` is the number of
        channels that each group reads.
    n_groups : int
        The channels read, and those put out, are in as many groups that do not mix.
    """

    weights: FloatArray
    n_groups: int = 1


def no_readout(name: str) -> str:
    """Say that a network has no readout, and what it is for."""
    return (
        f"{name} has no readout: its weights came without the classes. It gives features for "
        "neuron models ('signseg-rig fit'); choose another network where its own units are needed."
    )


class Network(PluginWithUnits):
    """A convolutional network with named feature layers and a linear readout.

    `weight_layers`, `with_weights` and `contributions` are needed by what measures or ablates
    hidden layers only; a network that does not offer them is one whose readout alone is known.

    Attributes
    ----------
    has_readout : bool
        Whether it has a readout. One that offers features only raises a `ConfigError` when asked
        for it, and has no units.
    layer_names : tuple of str
        Layers that `features` can give; the last one is what the readout reads.
    unit_names : tuple of str
        Names of the readout's units.
    head_name : str
        Of the readout among `weight_layers`.
    activation : str
        The nonlinearity between its layers, such as ``"relu"``, ``"relu6"`` or ``"tanh"``.
    identity : mapping of str to str or number
        All that its features depend on, such as its kind, the sha256 of its weight file and the
        size to which it scales images. Features are kept, and neuron models used, under this name.
    """

    head_name: ClassVar[str] = "readout"
    has_readout: ClassVar[bool] = True
    layer_names: tuple[str, ...]
    unit_names: tuple[str, ...]
    activation: str = "relu"
    identity: Mapping[str, str | int | float]

    @abstractmethod
    def features(self, images: ImageArray, layer: str | None = None) -> FloatArray:
        """Compute a layer's features.

        Parameters
        ----------
        images : (n, height, width, 3) uint8 array
            Of any size; the network's own preprocessing is applied.
        layer : str, optional
            One of `layer_names`; by default what the readout reads.

        Returns
        -------
        features : (n, n_features) float32 array
        """

    @abstractmethod
    def layer_shape(self, layer: str) -> tuple[int, ...]:
        """Return the shape of one image's features before they are flattened.

        Returns
        -------
        shape : (n_channels, height, width) or (n_features,)
        """

    def is_rectified(self, layer: str | None = None) -> bool:
        """Return whether it is certain that no feature of a layer is ever negative.

        Only of such features does the sign of a weight say whether it drives a unit or inhibits it.

        Parameters
        ----------
        layer : str, optional
            One of `layer_names`; by default what the readout reads.

        Returns
        -------
        is_certain : bool
            True behind a ReLU, for instance, or where such values are pooled. False where features
            can be negative, or where it is not known; networks need not offer it.
        """
        del layer
        return False

    @property
    @abstractmethod
    def readout(self) -> Readout:
        """The linear readout on top of the last layer's features."""

    def weight_layers(self) -> Mapping[str, WeightLayer]:
        """Return the weights of every linear and convolutional layer by name, the readout last.

        The arrays are copies.
        """
        return {self.head_name: WeightLayer(self.readout.weights)} if self.has_readout else {}

    def with_weights(self, weights: Mapping[str, FloatArray]) -> Network:
        """Return a copy of the network in which some layers have other weights.

        Parameters
        ----------
        weights : mapping of str to float array
            By the names of `weight_layers`, and of their shapes.

        Returns
        -------
        network : Network
            With another identity. This one stays as it is.

        Raises
        ------
        ConfigError
            There is no such layer, or a shape or value does not fit.
        """
        raise ConfigError(
            f"{type(self).__name__} cannot be given weights of {', '.join(weights)}: it does not "
            "offer its layers."
        )

    def contributions(self, images: ImageArray, layer: str, unit: str) -> FloatArray:
        """Return what each connection of a layer contributes to a unit of the readout.

        Parameters
        ----------
        images : (n, height, width, 3) uint8 array
        layer : str
            A name of `weight_layers`.
        unit : str
            One of `unit_names`.

        Returns
        -------
        contributions : float array of the shape of the layer's weights
            Activation that passes a connection (input times weight) times the gradient of the
            unit's score there, summed over positions and averaged over images.

        Raises
        ------
        ConfigError
            There is no such layer or unit, or there are no images.
        """
        raise ConfigError(
            f"{type(self).__name__} cannot tell what {layer!r} contributes to {unit!r} for "
            f"{len(images)} images: it does not offer its layers."
        )


@dataclass(frozen=True, slots=True)
class SimulatorContext:
    """What a simulated population of neurons is given.

    Parameters
    ----------
    seed : int
        Seed of the run.
    """

    seed: int


class Simulator(PluginWithUnits):
    """Simulated neurons: the expected firing rates of a population for images.

    Constructed as ``cls(settings, context)``.

    Attributes
    ----------
    unit_names : tuple of str
    """

    unit_names: tuple[str, ...]

    @abstractmethod
    def rates_hz(self, images: ImageArray) -> FloatArray:
        """Return the expected evoked rates, without noise.

        Parameters
        ----------
        images : (n, height, width, 3) uint8 array

        Returns
        -------
        rate_hz : (n, n_units) float array, in spikes per second, >= 0
        """

    @abstractmethod
    def ground_truth(self) -> dict[str, FloatArray]:
        """Return what an analysis would have to find out, for the record."""
