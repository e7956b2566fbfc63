"""The one family of errors: a message says what, got what, expected what, and what to do."""

# A name, a value or a message of a library, which may quote a whole file, fits in.
MAX_LINE = 1500


class RigError(Exception):
    """Anything that this toolkit reports about itself or its surroundings.

    Messages quote names and values of files that anybody may have written: what stands in a line
    behind `MAX_LINE` characters is left out of its middle, so that the remedy at its end stays, and
    characters that could tell a terminal to do something are spelt out.
    """

    def __str__(self) -> str:
        """Return the message, its lines of a length that can be read."""
        return "\n".join(_readable(line) for line in super().__str__().split("\n"))


def _readable(line: str) -> str:
    spelt = "".join(
        one if one.isprintable() or one == "\t" else one.encode("unicode_escape").decode("ascii")
        for one in line
    )
    if len(spelt) <= MAX_LINE:
        return spelt
    kept = MAX_LINE // 2
    return f"{spelt[:kept]} [{len(spelt) - 2 * kept} characters more] {spelt[-kept:]}"


class ConfigError(RigError, ValueError):
    """An experiment file, or a setting in it, cannot be used."""


class PictureError(ConfigError):
    """An image file cannot be used as a stimulus."""


class DataSetError(RigError, ValueError):
    """A recorded data set cannot be read, or its parts do not belong together."""


class PluginNotFoundError(RigError, LookupError):
    """No installed distribution offers a plugin of this name."""


class PluginLoadError(RigError, ImportError):
    """A plugin is installed but cannot be imported, or two plugins claim one name."""


class WeightsMissingError(RigError, FileNotFoundError):
    """A weight file is not on this machine; it is never downloaded without being asked for."""


class WeightsError(RigError, ValueError):
    """A weight file is there but holds something other than what the model needs."""


class NeuronModelError(RigError, ValueError):
    """Neuron models, or the file of them, cannot be used for this."""


class SweepError(RigError, RuntimeError):
    """A sweep cannot go on, or a result of it cannot be read."""


class OptimizerError(RigError, ValueError):
    """An optimizer was told something that it cannot use."""


class WireError(RigError, ValueError):
    """A message between loop and display cannot be sent, or was received and is not acceptable."""


class AddressInUseError(WireError):
    """Another program listens where a loop would, most likely another run."""


class DisplayError(RigError, RuntimeError):
    """The display cannot do what the experiment asks of it."""


class DisplayTimeoutError(RigError, TimeoutError):
    """The display did not answer in time."""


class ResponseError(RigError, RuntimeError):
    """The recording system gave no usable responses."""


class SafeguardError(ResponseError):
    """The data say that something is wrong at the rig, and the experimenter wants no more then."""


class RecordError(RigError, OSError):
    """The run record cannot be written or read."""


class RecordInUseError(RecordError):
    """Another process is writing to this run record."""


class ReportError(RigError, OSError):
    """A report or a table beside it cannot be written."""


class ReplayMismatchError(RigError, RuntimeError):
    """A replayed run does something else than what its record says it did."""


class RunStopped(RigError):  # noqa: N818 - stopping is a wish of the experimenter, not a fault
    """The experimenter stopped the run; everything up to here is recorded."""
