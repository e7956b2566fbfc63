"""What a plugin must offer; `signseg_rig.testing` checks that it does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Generator as Steps
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from signseg_rig.seeds import named_rng
from signseg_rig.settings import Settings
from signseg_rig.types import (
    FloatArray,
    ImageArray,
    ProtocolResult,
    Recording,
    ResponseBatch,
    Shown,
    StimulusBatch,
)


class Plugin(ABC):
    """What every plugin may tell about itself before one is made.

    Attributes
    ----------
    Config : class
        Its settings. Neither reading them nor importing the plugin imports a heavy library.
    required_packages : tuple of str
        Import names of optional packages that it needs, such as ``"torch"``.
    """

    Config: ClassVar[type[Settings]]
    required_packages: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def problems(cls, settings: Any) -> list[str]:  # noqa: ARG003
        """List what keeps it from working on this machine, for ``signseg-rig check``.

        Called only where the required packages are installed. It should be quick.

        Parameters
        ----------
        settings : Settings
            An instance of `Config`.

        Returns
        -------
        problems : list of str
            Whole sentences, such as that a weight file is missing and how to get it.
        """
        return []


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


class Network(Plugin):
    """A convolutional network with named feature layers and a linear readout.

    Attributes
    ----------
    layer_names : tuple of str
        Layers that `features` can give; the last one is what the readout reads.
    unit_names : tuple of str
        Names of the readout's units.
    """

    layer_names: tuple[str, ...]
    unit_names: tuple[str, ...]

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

    @property
    @abstractmethod
    def readout(self) -> Readout:
        """The linear readout on top of the last layer's features."""


@dataclass(frozen=True, slots=True)
class SimulatorContext:
    """What a simulated population of neurons is given.

    Parameters
    ----------
    seed : int
        Seed of the run.
    """

    seed: int


class Simulator(Plugin):
    """Simulated neurons: the expected firing rates of a population for images.

    Constructed as ``cls(settings, context)``.

    Attributes
    ----------
    unit_names : tuple of str
    """

    unit_names: tuple[str, ...]

    @abstractmethod
    def rates_hz(self, images: ImageArray) -> FloatArray:
        """Give the expected evoked rates, without noise.

        Parameters
        ----------
        images : (n, height, width, 3) uint8 array

        Returns
        -------
        rate_hz : (n, n_units) float array, in spikes per second, >= 0
        """

    @abstractmethod
    def ground_truth(self) -> dict[str, FloatArray]:
        """Give what an analysis would have to find out, for the record."""


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What a response source is given besides its settings.

    Parameters
    ----------
    seed : int
        Seed of the run.
    pixels : callable
        ``pixels(sha256)`` gives the image of this run with that hash. Only simulated animals,
        who have to see the screen, need it.
    """

    seed: int
    pixels: Callable[[str], ImageArray]


class ResponseSource(Plugin):
    """A recording system: gives spikes and sync edges on its own clock.

    Constructed as ``cls(settings, context)``; `start` before the first read, `stop` at the end.

    Attributes
    ----------
    unit_names : tuple of str
    """

    unit_names: tuple[str, ...]

    @abstractmethod
    def start(self) -> None:
        """Connect, and make sure that data arrive.

        Raises
        ------
        ResponseError
            The recording system does not answer, or sends no data.
        """

    @abstractmethod
    def read(
        self,
        shown: Sequence[Shown],
        *,
        block: int,
        window_s: tuple[float, float],
        timeout_s: float,
    ) -> Recording:
        """Wait for the recording of presentations and return it.

        Parameters
        ----------
        shown : sequence of Shown
            The presentations since the last read, in the order in which they were shown.
        block : int
            Number of the block that they belong to.
        window_s : (start, end), in seconds
            What is needed around every onset.
        timeout_s : float, in seconds
            How long to wait for the device's clock to pass the end of the last window. After
            that what there is is returned, and `complete_until_s` says how far it reaches.

        Returns
        -------
        recording : Recording

        Raises
        ------
        ResponseError
            The recording system has failed.
        """

    @abstractmethod
    def stop(self) -> None:
        """Disconnect; may be called more than once."""

    def ground_truth(self) -> dict[str, FloatArray]:
        """Give what a simulated source knows about itself; nothing for a real one."""
        return {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()


@dataclass(frozen=True, slots=True)
class ProtocolContext:
    """What a protocol is given besides its settings.

    Parameters
    ----------
    seed : int
        Seed of the run.
    generators : mapping of name to Generator
    unit_names : tuple of str
        Units of the response source.
    """

    seed: int
    generators: Mapping[str, Generator]
    unit_names: tuple[str, ...]

    def rng(self, *names: str | int) -> np.random.Generator:
        """Give the random stream for a use; see `signseg_rig.seeds.named_rng`."""
        return named_rng(self.seed, "protocol", *names)


Turn = tuple[StimulusBatch, ...]
ProtocolSteps = Steps[Turn, tuple[ResponseBatch, ...], ProtocolResult]


class Protocol(Plugin):
    """An experimental procedure, written as steps that the loop drives.

    Constructed as ``cls(settings, context)``. Given the same seed and responses it must take the
    same steps again: a run is resumed by replaying it.

    Attributes
    ----------
    n_blocks : int
        Blocks expected in all, for the progress display; 0 where this cannot be told.
    """

    n_blocks: int = 0

    @abstractmethod
    def steps(self) -> ProtocolSteps:
        """Take the steps of the procedure.

        Yields
        ------
        turn : tuple of StimulusBatch
            Blocks to be shown in this order. They do not depend on each other's responses, so
            the loop preloads each while the one before is shown.

        Receives
        --------
        responses : tuple of ResponseBatch
            One per block of the turn.

        Returns
        -------
        result : ProtocolResult
        """


class Display(Plugin):
    """A screen that shows one image at a time, frame by frame.

    Constructed as ``cls(settings, monitor, stimulus)``; it lives in the display process and is
    used by one thread.

    Attributes
    ----------
    refresh_rate_hz : float
        Frames per second that `flip` keeps.
    size_px : (width, height)
    is_software_paced : bool
        Whether `flip` waits by the clock, because the screen gives no vertical blank to wait for.
    notes : list of str
        What the experimenter should know about this screen, such as a gamma that was not applied.
    needs_screen : bool
        Whether `open` needs a screen; where there is none a virtual one is started in dry runs.
    """

    needs_screen: ClassVar[bool] = True
    notes: list[str]
    refresh_rate_hz: float
    size_px: tuple[int, int]
    is_software_paced: bool

    @abstractmethod
    def open(self) -> None:
        """Open the screen and show the background.

        Raises
        ------
        DisplayError
            There is no screen, or it cannot do what the settings ask for.
        """

    @abstractmethod
    def load(self, key: str, pixels: ImageArray) -> None:
        """Keep an image ready under a key.

        Parameters
        ----------
        key : str
            The sha256 of the pixels.
        pixels : (height, width, 3) uint8 array
        """

    @abstractmethod
    def unload(self, key: str) -> None:
        """Forget an image."""

    @abstractmethod
    def draw(self, key: str | None) -> None:
        """Draw an image, or the background alone, into the frame that comes next.

        With an image the sync patch is white, without one it is black.
        """

    @abstractmethod
    def flip(self) -> float:
        """Wait for the next frame, show what was drawn, and tell when.

        Returns
        -------
        time_s : float, in seconds
            On the clock of `now_s`.
        """

    @abstractmethod
    def now_s(self) -> float:
        """Read the display's clock."""

    @abstractmethod
    def pressed_keys(self) -> list[str]:
        """List the keys pressed in the display's window since the last call."""

    @abstractmethod
    def close(self) -> None:
        """Close the screen; may be called more than once."""
