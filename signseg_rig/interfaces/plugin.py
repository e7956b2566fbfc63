"""What every plugin has: settings, needed packages, and a list of what is wrong."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from typing import Any, ClassVar

from signseg_rig.settings import Problem, Settings


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
    def problems(cls, settings: Any) -> Sequence[str | Problem]:  # noqa: ARG003
        """List what keeps it from working on this machine, for ``signseg-rig check``.

        Called only where the required packages are installed. It should be quick.

        Parameters
        ----------
        settings : Settings
            An instance of `Config`.

        Returns
        -------
        problems : sequence of str or Problem
            Whole sentences, such as that a weight file is missing and how to get it. A `Problem`
            also tells its key, from the plugin's own table, such as ``("units", 0)``, and whether
            it is only a warning.
        """
        return []


class PluginWithUnits(Plugin):
    """A plugin with named units: recorded or simulated neurons, or those of a network's readout."""

    @classmethod
    def foreseen_unit_names(cls, settings: Any) -> tuple[str, ...] | None:  # noqa: ARG003
        """Return the names of its units before one is made, for ``signseg-rig check``.

        Parameters
        ----------
        settings : Settings
            An instance of `Config`.

        Returns
        -------
        unit_names : tuple of str or None
            None, as by default, where the settings do not tell them: only the recording system
            knows them, or weights have to be read for that.
        """
        return None
