"""Survey the Dale index of networks: of every layer, channel by channel, against random signs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, get_args

import numpy as np
from pydantic import Field

from signseg_rig.experiment import Name
from signseg_rig.interfaces import Network, WeightLayer
from signseg_rig.limits import MIN_NETWORKS
from signseg_rig.neurons import describe_readout
from signseg_rig.seeds import named_rng
from signseg_rig.settings import (
    Conflict,
    OutDir,
    PluginChoice,
    PluginGroup,
    Settings,
    read_settings,
)
from signseg_rig.signs import dale_index, zero_fraction
from signseg_rig.stats import Correlation, pearson_with_ci, spearman_with_ci
from signseg_rig.values import FloatArray, IntArray
from signseg_rig.wording import close_match_hint

Direction = Literal["outgoing", "incoming"]


class DaleSettings(Settings):
    """A survey of networks.

    `accuracy` may tell how well networks of these names classify, by any measure; over four or more
    networks it is correlated with their indices.
    """

    name: Name
    seed: int = Field(default=0, ge=0)
    out_dir: OutDir = Path("dale")
    networks: dict[str, Annotated[PluginChoice, PluginGroup("networks")]] = Field(min_length=1)
    accuracy: dict[str, float] = Field(default_factory=dict)

    def conflicts(self) -> Iterator[Conflict]:
        """Yield each accuracy that is of no network here."""
        for name in self.accuracy:
            if name not in self.networks:
                hint = close_match_hint(name, self.networks)
                yield Conflict(
                    f"accuracy names {name}, which is none of the networks.{hint}",
                    (("accuracy", name), ("networks",)),
                )

    @property
    def folder(self) -> Path:
        """Where its report is."""
        return self.out_dir / self.name


def read_survey(path: Path) -> DaleSettings:
    """Read the settings of a survey from a TOML file.

    Raises
    ------
    ConfigError
        It cannot be used; the message lists every problem with its line.
    """
    return read_settings(path, DaleSettings)


@dataclass(frozen=True, slots=True, eq=False)
class LayerIndex:
    """The Dale index of a layer's channels in one direction.

    Parameters
    ----------
    network, layer : str
    direction : {"outgoing", "incoming"}
        ``"outgoing"``: a channel is one that the layer reads, and its weights those by which all
        units of the layer read it. ``"incoming"``: a channel is one that the layer puts out, or a
        class of the readout, and its weights those of all that it reads.
    is_readout : bool
    n_weights : int
        Of each channel.
    index : (n_channels,) float array
    random_index : (n_channels,) float array
        That of as many weights of random signs: what a layer has when it is initialised, whatever
        the distribution, as long as that is symmetric about 0.
    zero_fraction : (n_channels,) float array
        Share of weights that are exactly 0, which the index leaves out.
    names : tuple of str
        Of the channels, where they have any: the classes that a readout puts out.
    reads : str
        Of a readout, in a sentence, whether what it reads can be negative.
    """

    network: str
    layer: str
    direction: Direction
    is_readout: bool
    n_weights: int
    index: FloatArray
    random_index: FloatArray
    zero_fraction: FloatArray
    names: tuple[str, ...] = ()
    reads: str = ""

    def channel_name(self, channel: int) -> str:
        """Name a channel by its place; empty where it has no name."""
        return self.names[channel] if self.names else ""

    @property
    def mean(self) -> float:
        """Mean over channels of the index."""
        return _known_mean(self.index)

    @property
    def excess(self) -> float:
        """Mean over channels of the index less that of random signs."""
        return _known_mean(self.index - self.random_index)


@dataclass(frozen=True, slots=True)
class AccuracyCorrelation:
    """How the excess of the Dale index over random signs goes with accuracy, across networks.

    Parameters
    ----------
    direction : {"outgoing", "incoming"}
    spearman, pearson : Correlation
    """

    direction: Direction
    spearman: Correlation
    pearson: Correlation


def survey_networks(
    settings: DaleSettings, *, on_progress: Callable[[int, int], None] = lambda _n, _n_all: None
) -> list[LayerIndex]:
    """Compute the Dale index of all layers of networks.

    Parameters
    ----------
    settings : DaleSettings
    on_progress : callable
        Called with the numbers of networks that are done and that there are.

    Returns
    -------
    layers : list of LayerIndex
        Every layer in both directions.
    """
    found: list[LayerIndex] = []
    for n_done, (name, choice) in enumerate(settings.networks.items()):
        on_progress(n_done, len(settings.networks))
        network: Network = choice.load()(choice.settings)
        layers = network.weight_layers()
        reads = describe_readout(network)
        for layer, weights in layers.items():
            is_readout = layer == network.head_name
            for one in _layer_indices(name, layer, weights, is_readout, settings.seed):
                is_of_classes = one.is_readout and one.direction == "incoming"
                names = network.unit_names if is_of_classes else ()
                found.append(replace(one, names=names, reads=reads if one.is_readout else ""))
    on_progress(len(settings.networks), len(settings.networks))
    return found


def by_channel(layer: WeightLayer, direction: Direction) -> FloatArray:
    """Return the weights of each channel of a layer as a row.

    Parameters
    ----------
    layer : WeightLayer
    direction : {"outgoing", "incoming"}
        See `LayerIndex`.

    Returns
    -------
    weights : (n_channels, n_weights) float array
    """
    n_out, n_in = layer.weights.shape[:2]
    if direction == "incoming":
        return layer.weights.reshape(n_out, -1)
    grouped = layer.weights.reshape(layer.n_groups, n_out // layer.n_groups, n_in, -1)
    return grouped.transpose(0, 2, 1, 3).reshape(layer.n_groups * n_in, -1)


def correlate_with_accuracy(
    settings: DaleSettings, layers: Sequence[LayerIndex]
) -> list[AccuracyCorrelation]:
    """Correlate networks' mean excess over random signs with their accuracy.

    Returns
    -------
    correlations : list of AccuracyCorrelation
        Empty with fewer than four networks whose accuracy is known.
    """
    names = [name for name in settings.networks if name in settings.accuracy]
    if len(names) < MIN_NETWORKS:
        return []
    accuracy = [settings.accuracy[name] for name in names]
    correlations = []
    for direction in get_args(Direction):
        excess = [network_excess(layers, name, direction) for name in names]
        correlations.append(
            AccuracyCorrelation(
                direction=direction,
                spearman=spearman_with_ci(excess, accuracy),
                pearson=pearson_with_ci(excess, accuracy),
            )
        )
    return correlations


def network_excess(layers: Sequence[LayerIndex], network: str, direction: Direction) -> float:
    """Average the excess over the layers of a network that have weights, each counting the same."""
    own = [one.excess for one in layers if (one.network, one.direction) == (network, direction)]
    return _known_mean(np.array(own))


def _known_mean(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else np.nan


def _layer_indices(
    network: str, layer: str, weights: WeightLayer, is_readout: bool, seed: int
) -> Iterator[LayerIndex]:
    for direction in get_args(Direction):
        rows = by_channel(weights, direction)
        n_signed = np.count_nonzero(rows, axis=1)
        rng = named_rng(seed, "random signs", network, layer, direction)
        yield LayerIndex(
            network=network,
            layer=layer,
            direction=direction,
            is_readout=is_readout,
            n_weights=rows.shape[1],
            index=dale_index(rows, axis=1),
            random_index=_of_random_signs(n_signed, rng),
            zero_fraction=zero_fraction(rows, axis=1),
        )


def _of_random_signs(n_signed: IntArray, rng: np.random.Generator) -> FloatArray:
    n_positive = rng.binomial(n_signed, 0.5)
    larger = np.maximum(n_positive, n_signed - n_positive)
    index: FloatArray = np.divide(
        larger, n_signed, out=np.full(n_signed.shape, np.nan), where=n_signed > 0
    )
    return index
