"""``signseg-rig display FILE``: the process that owns the screen."""

from __future__ import annotations

import logging
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from signseg_rig.experiment import WireSettings


def display(
    file: Annotated[Path, typer.Argument(help="The experiment file that the loop runs.")],
    connect: Annotated[
        str | None,
        typer.Option(help="Address of the loop where it is not that of the file: tcp://host:port."),
    ] = None,
    one_run: Annotated[
        bool, typer.Option("--one-run", help="Leave when the run is over or the loop is lost.")
    ] = False,
) -> None:
    """Open the screen, connect to the loop and show what it asks for."""
    from signseg_rig.display.launcher import LAUNCH_ID_VARIABLE
    from signseg_rig.display.markers import open_marker
    from signseg_rig.display.presenter import Presenter
    from signseg_rig.display.process import DisplayProcess
    from signseg_rig.display.virtual_screen import has_screen, virtual_screen
    from signseg_rig.experiment import read_experiment
    from signseg_rig.run.garbage import short_collections

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    _leave_on_signals()
    experiment = read_experiment(file)
    if connect is not None:
        experiment = experiment.model_copy(update={"wire": _wire_to(connect, experiment.wire)})
    plugin = experiment.display.load()
    with ExitStack() as stack:
        if plugin.needs_screen and one_run and not has_screen():
            monitor = experiment.monitor
            stack.enter_context(virtual_screen(monitor.width_px, monitor.height_px))
        screen = plugin(experiment.display.settings, experiment.monitor, experiment.stimulus)
        screen.open()
        stack.callback(screen.close)
        marker = stack.enter_context(open_marker(experiment.display.settings))
        presenter = Presenter(screen, marker)
        stack.enter_context(short_collections())
        DisplayProcess(
            experiment,
            screen,
            presenter,
            serves_one_run=one_run,
            launch_id=os.environ.get(LAUNCH_ID_VARIABLE, ""),
        ).run()


def _wire_to(address: str, wire: WireSettings) -> WireSettings:
    from pydantic import ValidationError

    from signseg_rig.errors import ConfigError
    from signseg_rig.settings.explained import explain

    model = type(wire)
    try:
        return model.model_validate({**wire.model_dump(), "address": address})
    except ValidationError as error:
        problems = "; ".join(fault.message for fault in explain(error, model))
        raise ConfigError(f"--connect {address} cannot be used: {problems}.") from None


def _leave_on_signals() -> None:
    # SIGHUP where the terminal is closed, SIGBREAK on Windows.
    for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        # What is ignored, by nohup for one, stays ignored.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _leave)


def _leave(*_signal: object) -> NoReturn:
    raise SystemExit(0)
