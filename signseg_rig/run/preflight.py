"""Check what an experiment needs from this machine before anything is started."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, requires
from importlib.util import find_spec
from typing import Any

from signseg_rig.display.geometry import (
    fixation_problems,
    image_problems,
    overlap_problems,
    patch_problems,
    position_problems,
)
from signseg_rig.display.settings import (
    DisplaySettings,
    NoMarkerSettings,
    ParallelMarkerSettings,
)
from signseg_rig.errors import AddressInUseError, RigError
from signseg_rig.experiment import Experiment, MonitorSettings, StimulusSettings, is_loopback
from signseg_rig.interfaces import Plugin, Protocol, ResponseSource, Surroundings
from signseg_rig.plugins import find_plugin
from signseg_rig.settings import PluginChoice, Problem, all_conflicts, plugin_choices
from signseg_rig.settings.partial import is_within, touches
from signseg_rig.settings.toml_lines import KeyPath
from signseg_rig.wire.keys import load_display_keys, load_loop_keys
from signseg_rig.wire.sockets import check_listening

# What a long run of images, codes and spikes may take; how long it gets nobody knows beforehand.
MIN_FREE_BYTES = 2 * 10**9
MAX_TIMING_ERROR = 0.01
PARALLEL_BITS = 8


@dataclass(frozen=True, slots=True)
class FrameTiming:
    """What the refresh rate makes of a duration.

    Parameters
    ----------
    name : str
        Key under ``[stimulus]``.
    asked_ms, actual_ms : float, in milliseconds
    n_frames : int
    """

    name: str
    asked_ms: float
    actual_ms: float
    n_frames: int

    @property
    def is_faithful(self) -> bool:
        """Whether the actual duration is within 1 % of what was asked for."""
        return abs(self.actual_ms - self.asked_ms) <= MAX_TIMING_ERROR * self.asked_ms


def frame_timings(experiment: Experiment) -> list[FrameTiming]:
    """Return for how many frames an image and the background after it are shown."""
    monitor, stimulus = experiment.monitor, experiment.stimulus
    asked_ms = {"on_ms": stimulus.on_ms, "off_ms": stimulus.off_ms}
    frames = {name: monitor.frames(duration) for name, duration in asked_ms.items()}
    return [
        FrameTiming(name, asked_ms[name], n * 1000 / monitor.refresh_rate_hz, n)
        for name, n in frames.items()
    ]


def check_experiment(experiment: Experiment, doubtful: Collection[KeyPath] = ()) -> list[Problem]:
    """List what would stop or spoil a run of an experiment on this machine.

    Parameters
    ----------
    experiment : Experiment
    doubtful : collection of tuple
        Paths of settings that are not as its author meant them, because the file has problems
        there: what depends on these is not checked. See `signseg_rig.settings.toml_file.Reading`.

    Returns
    -------
    problems : list of Problem
        Without file and line; see `Reading.locate`.
    """
    problems = [
        problem
        for reads, check in CHECKS
        if not any(touches(key, doubtful) for key in reads)
        for problem in check(experiment)
    ]
    problems += _of_plugins(experiment, doubtful)
    problems += _misfits(experiment, doubtful)
    return problems


def _of_plugins(experiment: Experiment, doubtful: Collection[KeyPath]) -> Iterator[Problem]:
    for path, choice in plugin_choices(experiment):
        plugin = choice.load()
        if is_within(path, doubtful) or not issubclass(plugin, Plugin):
            continue
        if missing := _missing_packages(plugin):
            # What else the plugin would say may need the packages.
            yield Problem(_install_hint(choice, missing), (*path, "kind"))
        elif not touches(path, doubtful):
            yield from _own_problems(plugin, choice, path)


def _own_problems(plugin: type[Plugin], choice: PluginChoice, path: KeyPath) -> Iterator[Problem]:
    try:
        found = list(plugin.problems(choice.settings))
    except Exception as error:  # noqa: BLE001 - whatever a plugin does, the other checks go on
        found = [_uncheckable(choice, error)]
    for one in found:
        problem = Problem(one) if isinstance(one, str) else one
        yield replace(problem, key=(*path, *problem.key))


def _misfits(experiment: Experiment, doubtful: Collection[KeyPath]) -> Iterator[Problem]:
    """Ask the protocol whether what it refers to is in the rest of the file."""
    choice = experiment.protocol
    protocol = choice.load()
    if is_within(("protocol",), doubtful) or not issubclass(protocol, Protocol):
        return
    if _missing_packages(protocol) or is_within(("generators",), doubtful):
        return
    # A generator whose table is wrong is there all the same.
    misread = [str(path[1]) for path in doubtful if path[:1] == ("generators",)]
    is_source_known = not touches(("response_source",), doubtful)
    units = _unit_names(experiment) if is_source_known else None
    surroundings = Surroundings((*experiment.generators, *misread), units)
    try:
        misfits = protocol.misfits(choice.settings, surroundings)
    except Exception as error:  # noqa: BLE001 - whatever a plugin does, the other checks go on
        yield Problem(_uncheckable(choice, error), ("protocol",))
        return
    for problem in misfits:
        key = ("protocol", *problem.key)
        # Without the source its protocol warns that it could not tell the units, which is no news.
        is_news = is_source_known or problem.severity == "error"
        if is_news and not touches(key, doubtful):
            yield replace(problem, key=key)


def _unit_names(experiment: Experiment) -> tuple[str, ...] | None:
    source: type[ResponseSource] = experiment.response_source.load()
    try:
        return source.foreseen_unit_names(experiment.response_source.settings)
    except Exception:  # noqa: BLE001 - what keeps them from being known is for `problems` to tell
        return None


def _units(experiment: Experiment) -> Iterator[Problem]:
    if any(all_conflicts(experiment.response_source.settings)):
        return  # names that are settings, and that were told to be there twice
    names = _unit_names(experiment) or ()
    if again := dict.fromkeys(name for name in names if names.count(name) > 1):
        yield Problem(
            f"The response source has several units of one name: {', '.join(map(repr, again))}. "
            "Give each a name of its own: a score would read the first.",
            ("response_source",),
        )


def _missing_packages(plugin: type[Plugin]) -> list[str]:
    return [name for name in plugin.required_packages if find_spec(name) is None]


def _uncheckable(choice: PluginChoice, error: Exception) -> str:
    return f"{choice.kind!r} cannot be checked: {type(error).__name__}: {error}."


def _install_hint(choice: PluginChoice, missing: list[str]) -> str:
    distribution = find_plugin(choice.group, choice.kind).distribution
    extra = _smallest_extra(distribution, missing)
    what = f'"{distribution}[{extra}]"' if extra else " ".join(missing)
    return (
        f"{choice.kind!r} needs {' and '.join(missing)}, not installed in this Python environment. "
        f"Install with: pip install {what}"
    )


def _smallest_extra(distribution: str, packages: list[str]) -> str | None:
    """Find the extra of a distribution that installs packages and as little else as possible."""
    try:
        requirements = requires(distribution) or []
    except PackageNotFoundError:
        return None
    extras: dict[str, set[str]] = {}
    for requirement in requirements:
        if found := re.match(r"([\w.-]+).*;.*\bextra\s*==\s*['\"]([^'\"]+)", requirement):
            extras.setdefault(found[2], set()).add(_normalized(found[1]))
    wanted = {_normalized(name) for name in packages}
    fitting = [name for name, content in extras.items() if wanted <= content]
    return min(fitting, key=lambda name: (len(extras[name]), name), default=None)


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _keys(experiment: Experiment) -> Iterator[Problem]:
    wire = experiment.wire
    if wire.keys_dir is None:
        if not is_loopback(wire.address):
            yield Problem(
                f"allow_insecure: whoever reaches {wire.address} can pose as the display. Make "
                "keys with 'signseg-rig keys DIR' and set keys_dir, unless only the rig is on this "
                "network.",
                ("wire", "allow_insecure"),
                "warning",
            )
        return
    loaders: list[Any] = [load_loop_keys]
    if experiment.run.starts_display:
        loaders.append(load_display_keys)
    for load in loaders:
        try:
            load(wire.keys_dir)
        except RigError as error:
            yield Problem(str(error), ("wire", "keys_dir"))


def _port(experiment: Experiment) -> Iterator[Problem]:
    # The keys have a check of their own, which should not hide this one.
    without_keys = experiment.wire.model_copy(update={"keys_dir": None})
    try:
        check_listening(without_keys)
    except AddressInUseError as error:
        yield Problem(
            f"{error} A run of this experiment can start once the address is free.",
            ("wire", "address"),
            "warning",
        )
    except RigError as error:
        yield Problem(str(error), ("wire", "address"))


def _codes(experiment: Experiment) -> Iterator[Problem]:
    """Check that the display has a marker that can put the codes of images on a port."""
    bits, settings = experiment.sync.code_bits, experiment.display.settings
    if bits is None:
        return
    key: KeyPath = ("sync", "code_bits")
    marker = settings.marker if isinstance(settings, DisplaySettings) else NoMarkerSettings()
    if isinstance(marker, NoMarkerSettings):
        yield Problem(
            f"Images are to have codes of {bits} bits, and the display has no marker that could "
            "put them on a port of the recording system. Set [display.marker], or leave code_bits "
            "out.",
            key,
        )
    elif isinstance(marker, ParallelMarkerSettings) and bits > PARALLEL_BITS:
        yield Problem(
            f"Images are to have codes of {bits} bits, and a parallel port has {PARALLEL_BITS} "
            f"lines. Set code_bits = {PARALLEL_BITS}, or use a serial marker.",
            key,
        )


def _monitor(experiment: Experiment) -> Iterator[Problem]:
    if not experiment.display.load().needs_screen:
        return
    missing = [name for name in ("gamma", "calibrated_on") if not getattr(experiment.monitor, name)]
    if missing:
        yield Problem(
            f"The monitor is not calibrated: {' and '.join(missing)} not set. Luminance is "
            "unknown and probably not linear. Measure it, and write down gamma and date.",
            ("monitor",),
            "warning",
        )


def _timing(experiment: Experiment) -> Iterator[Problem]:
    rate_hz = experiment.monitor.refresh_rate_hz
    for timing in frame_timings(experiment):
        if not timing.is_faithful:
            frames = "frame" if timing.n_frames == 1 else "frames"
            yield Problem(
                f"{timing.asked_ms:g} ms cannot be shown at {rate_hz:g} Hz: it becomes "
                f"{timing.n_frames} {frames}, {timing.actual_ms:.1f} ms.",
                ("stimulus", timing.name),
                "warning",
            )


def _windows(experiment: Experiment) -> Iterator[Problem]:
    period_s = sum(timing.actual_ms for timing in frame_timings(experiment)) * 1e-3
    for name in ("evoked_s", "baseline_s"):
        end_s = getattr(experiment.windows, name)[1]
        if end_s > period_s:
            yield Problem(
                f"The window ends {end_s * 1e3:g} ms after the onset, and the next onset comes "
                f"after {period_s * 1e3:.1f} ms: responses to the next image may be counted. "
                "Raise off_ms, or end the window earlier.",
                ("windows", name),
                "warning",
            )


def _disk(experiment: Experiment) -> Iterator[Problem]:
    key: KeyPath = ("run", "out_dir")
    out_dir = experiment.run.out_dir.absolute()
    try:
        folder = next((path for path in (out_dir, *out_dir.parents) if path.exists()), out_dir)
        with tempfile.TemporaryFile(dir=folder):
            pass
        free_bytes = shutil.disk_usage(folder).free
    except OSError as error:
        yield Problem(f"{out_dir} cannot be written to: {error.strerror}. Name another.", key)
        return
    if free_bytes < MIN_FREE_BYTES:
        yield Problem(
            f"Only {free_bytes / 1e9:.1f} GB are free where {out_dir} is. A long run needs about "
            f"{MIN_FREE_BYTES / 1e9:.0f} GB; make room, or name another folder.",
            key,
            "warning",
        )


def _shown(
    check: Callable[[MonitorSettings, StimulusSettings], Iterator[Problem]],
) -> Callable[[Experiment], Iterator[Problem]]:
    return lambda experiment: check(experiment.monitor, experiment.stimulus)


SCREEN: tuple[KeyPath, ...] = tuple(
    ("monitor", key) for key in ("width_px", "height_px", "width_cm", "distance_cm")
)
IMAGE: tuple[KeyPath, ...] = (*SCREEN, ("stimulus", "position_deg"), ("stimulus", "size_deg"))
SPOT: KeyPath = ("stimulus", "fixation")
PATCH: KeyPath = ("stimulus", "sync_patch")
DURATIONS: tuple[KeyPath, ...] = (
    ("stimulus", "on_ms"),
    ("stimulus", "off_ms"),
    ("monitor", "refresh_rate_hz"),
)
# Which settings each check reads: where one of them is wrong, there is nothing to check yet.
CHECKS: tuple[tuple[tuple[KeyPath, ...], Callable[[Experiment], Iterator[Problem]]], ...] = (
    ((("wire",), ("run", "starts_display")), _keys),
    ((("wire", "address"),), _port),
    ((("display",), ("sync",)), _codes),
    ((("display",), ("monitor",)), _monitor),
    ((*SCREEN, ("stimulus", "position_deg")), _shown(position_problems)),
    ((*SCREEN, SPOT), _shown(fixation_problems)),
    ((*SCREEN, PATCH), _shown(patch_problems)),
    (IMAGE, _shown(image_problems)),
    ((*IMAGE, SPOT, PATCH), _shown(overlap_problems)),
    (DURATIONS, _timing),
    ((*DURATIONS, ("windows",)), _windows),
    ((("response_source",),), _units),
    ((("run", "out_dir"),), _disk),
)
