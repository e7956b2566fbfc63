"""What measures sets of images."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from signseg_rig.interfaces.plugin import Plugin
from signseg_rig.values import ImageArray


@dataclass(frozen=True, slots=True, eq=False)
class MetricContext:
    """What a metric may want to know besides the images.

    Parameters
    ----------
    random_images : (n, height, width, 3) uint8 array or None
        Images of random codes of the same generator: what similarity amounts to by chance. They
        are independent of each other, so that a part may be the standard for the rest.
    visualized : mapping of str to str or number
        `identity` of the network whose unit the images were evolved for, or whose features the
        neuron models read that they were evolved for; empty where it was a real neuron. A network
        does not judge its own images.
    """

    random_images: ImageArray | None = None
    visualized: Mapping[str, str | int | float] = field(default_factory=dict)


class Metric(Plugin):
    """Compares the images of one condition with those of the intact unit, or measures them alone.

    Constructed from its `Config`, which brings the networks and the seed that it needs: the same
    images always measure the same.
    """

    @abstractmethod
    def measure(
        self, images: ImageArray, reference: ImageArray, context: MetricContext
    ) -> dict[str, float]:
        """Measure the images of one condition.

        Parameters
        ----------
        images : (n, height, width, 3) uint8 array
            One or more images, such as those evolved for the ablated unit.
        reference : (m, height, width, 3) uint8 array
            Those of the intact unit; of the same size in pixels, not necessarily as many. A metric
            that measures images alone does not look at them.
        context : MetricContext

        Returns
        -------
        values : dict of str to float
            The same names for any images, so that conditions make a table. NaN where a value does
            not exist, such as the similarity within a set of one image. A name whose last part
            starts with ``n_`` is a count, all others are means. One with a part
            ``within_intact``, ``random`` or ``within_random`` is of the intact or of random images
            alone, the same for any images: it is shown, and not tested.

        Raises
        ------
        ConfigError
            The images cannot be measured with these settings.
        """

    def compares(self, value: str) -> bool:
        """Return whether a value is of pairs of an image and one of the intact unit.

        Such a value means something only where the two were evolved independently: an image of the
        intact unit is not compared with itself. Others depend on the images alone, as a spectrum
        and the similarity within a set, or on the reference alone. True unless overridden, which
        never flatters: a value that compares and is not known to is 1 where an image meets itself.

        Parameters
        ----------
        value : str
            A name of `measure`.
        """
        del value
        return True

    @abstractmethod
    def describe(self) -> dict[str, str | float]:
        """Return how the values are computed: settings, weight files, conventions, by name."""
