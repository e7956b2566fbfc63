"""The rig: display, recording system and the link to them, opened once and lent to runs.

What happens at the rig while no run has it is kept, and noted by the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from signseg_rig.display.launcher import DisplayLauncher
from signseg_rig.errors import RigError
from signseg_rig.experiment import Experiment, is_loopback
from signseg_rig.interfaces import ResponseSource, SourceContext
from signseg_rig.recordings import StreamBuffer
from signseg_rig.run.pixels import PixelStore
from signseg_rig.values import FloatArray, SourceInfo
from signseg_rig.wire.events import Connected, LateOnsets, Lost, Rejection
from signseg_rig.wire.link import DisplayLink
from signseg_rig.wire.messages import Hello

# A flood of strangers is told in a line or two each, and counted.
MAX_KEPT = 1000


class Lease(NamedTuple):
    """Who has the rig, and wants to know what happens there.

    Parameters
    ----------
    note : callable
        ``note(topic, **body)`` records something.
    on_key : callable
        Called with the name of a key that was pressed in the display's window.
    is_wanted : callable
        Whether the run is to go on; asked ten times a second where something is waited for.
    """

    note: Callable[..., None]
    on_key: Callable[[str], None]
    is_wanted: Callable[[], bool]


class Rig:
    """Display, recording system and their clocks, as an experiment names them.

    Making one connects to nothing. Open it, lend it to a run, and to the next.

    Parameters
    ----------
    experiment : Experiment

    Attributes
    ----------
    pixels : PixelStore
        The images of the run that has the rig.
    foreseen_units : tuple of str or None
        Units of the recording system, where they are known before it is connected.
    link : DisplayLink
    buffer : StreamBuffer
    info : SourceInfo
        These three while it is open.
    """

    link: DisplayLink
    buffer: StreamBuffer
    info: SourceInfo

    def __init__(self, experiment: Experiment) -> None:
        self.pixels = PixelStore()
        self._experiment = experiment
        choice = experiment.response_source
        plugin: type[ResponseSource] = choice.load()
        self.foreseen_units = plugin.foreseen_unit_names(choice.settings)
        display = experiment.display
        context = SourceContext(
            seed=experiment.run.seed,
            pixels=self.pixels,
            window_s=experiment.windows.span_s,
            keeps_time=display.load().keeps_time(display.settings),
        )
        self._source: ResponseSource = plugin(choice.settings, context)  # type: ignore[call-arg]
        self._lease: Lease | None = None
        self._kept: list[tuple[str, dict[str, Any]]] = []

    @property
    def unit_names(self) -> tuple[str, ...]:
        """Units of the recording system."""
        return self.info.unit_names

    @contextmanager
    def open(
        self, folder: Path, *, rig_id: str, is_wanted: Callable[[], bool] = lambda: True
    ) -> Iterator[None]:
        """Start or await the display, connect to the recording system.

        Parameters
        ----------
        folder : Path
            Holds ``experiment.toml``, which a display that is started here reads; its log goes
            there too.
        rig_id : str
            By which the display knows it.
        is_wanted : callable
            Asked ten times a second while the recording system is waited for.

        Raises
        ------
        RigError
            The address is taken, keys are missing, or the recording system does not answer.
        """
        with ExitStack() as stack:
            launcher = stack.enter_context(self._own_display(folder))
            self.link = stack.enter_context(self._linked(folder, launcher, rig_id))
            stack.enter_context(self.recording_system(is_wanted))
            yield

    @contextmanager
    def recording_system(
        self, is_wanted: Callable[[], bool] = lambda: True
    ) -> Iterator[SourceInfo]:
        """Connect to the recording system alone, for as long as the context lasts.

        Raises
        ------
        ResponseError
            It does not answer.
        """
        self.buffer = StreamBuffer(self._source)
        with self.buffer:
            self.info = self.buffer.open(is_wanted)
            yield self.info

    @contextmanager
    def lend(self, lease: Lease) -> Iterator[None]:
        """Tell one run what happens at the rig, for as long as the context lasts.

        Raises
        ------
        RigError
            Another run has it.
        """
        if self._lease is not None:
            raise RigError("The rig is lent to another run. Wait until that is over.")
        self._lease = lease
        kept, self._kept = self._kept, []
        try:
            for topic, body in kept:
                lease.note(topic, **body)
            yield
        finally:
            lease.note("rejected messages", **self.link.rejection_counts)
            self._lease = None

    def ground_truth(self) -> dict[str, FloatArray]:
        """Return what a simulated recording system knows about itself."""
        return self._source.ground_truth()

    def _own_display(self, folder: Path) -> AbstractContextManager[DisplayLauncher | None]:
        """Start the display beside the loop where the experiment wants it."""
        if not self._experiment.run.starts_display:
            return nullcontext()
        return DisplayLauncher(
            folder / "experiment.toml",
            folder / "display.log",
            on_restart=lambda reason: self._note("display restarted", reason=reason),
        )

    @contextmanager
    def _linked(
        self, folder: Path, launcher: DisplayLauncher | None, rig_id: str
    ) -> Iterator[DisplayLink]:
        setup, wire = self._experiment.setup_sha256(), self._experiment.wire

        def objection(hello: Hello) -> str | None:
            if hello.setup_sha256 == setup:
                return None if launcher is None else launcher.objection(hello)
            return (
                f"{hello.name} was started with another [display] or [monitor], or another "
                "background, fixation spot or sync patch under [stimulus], than this run has. "
                f"Start it with {folder / 'experiment.toml'}, or a copy of it."
            )

        if wire.keys_dir is None and not is_loopback(wire.address):
            self._note("insecure", address=wire.address)
        with DisplayLink(
            wire,
            run_id=rig_id,
            objection=objection,
            on_key=lambda name: self._lease.on_key(name) if self._lease else None,
            on_event=self._note_event,
            check_display=(lambda: None) if launcher is None else launcher.keep_running,
        ) as link:
            yield link

    def _note_event(self, event: Connected | Lost | Rejection | LateOnsets) -> None:
        match event:
            case Connected(hello):
                self._note("display connected", **hello.model_dump(mode="json"))
            case Lost(reason):
                self._note("display disconnected", reason=reason)
            case Rejection(fault, detail):
                self._note("message rejected", fault=fault, detail=detail)
            case LateOnsets():
                self._note("late onsets", **asdict(event))

    def _note(self, topic: str, **body: Any) -> None:
        if self._lease is not None:
            self._lease.note(topic, **body)
        elif len(self._kept) < MAX_KEPT:
            self._kept.append((topic, body))
