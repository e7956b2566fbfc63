"""Put a run together from its experiment, and take it apart again whatever happens."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from signseg_rig.blocks import BlockMaker
from signseg_rig.config import Experiment
from signseg_rig.control import RunControl
from signseg_rig.display.launcher import display_process
from signseg_rig.errors import RecordError
from signseg_rig.experiment_file import read_experiment, write_experiment
from signseg_rig.interfaces import Generator, ProtocolContext, ResponseSource, SourceContext
from signseg_rig.loop import Loop
from signseg_rig.plugins import PluginInfo, find_plugin
from signseg_rig.records import RunRecord, build_manifest
from signseg_rig.settings import Settings, plugin_choices
from signseg_rig.types import ProtocolResult, RunStatus
from signseg_rig.weights import used_weights
from signseg_rig.wire.link import DisplayLink
from signseg_rig.wire.messages import Hello
from signseg_rig.wire.server import Connected, Lost, Rejection

OnStatus = Callable[[RunStatus], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Parameters
    ----------
    path : Path
        The run record.
    result : ProtocolResult
    """

    path: Path
    result: ProtocolResult


def start_run(
    experiment: Experiment,
    *,
    path: Path | None = None,
    control: RunControl,
    on_status: OnStatus,
) -> Outcome:
    """Run an experiment from its beginning.

    Parameters
    ----------
    experiment : Experiment
    path : Path, optional
        Folder of the run record; by default one named after run and time in `out_dir`.
    control : RunControl
    on_status : callable
        Called with a `RunStatus` whenever something changes.

    Raises
    ------
    RunStopped
        The experimenter stopped it.
    RigError
        Something failed; the message says what to do.
    """
    folder = path or _new_folder(experiment)
    manifest = build_manifest(
        seed=experiment.run.seed,
        plugins=_plugins(experiment),
        weights_sha256=used_weights(experiment),
    )
    with RunRecord.create(
        folder, experiment_toml=write_experiment(experiment), manifest=manifest
    ) as record:
        return Outcome(folder, _drive(experiment, record, control, on_status))


def resume_run(path: Path, *, control: RunControl, on_status: OnStatus) -> Outcome:
    """Go on with a run: what its record holds is replayed, the rest is run.

    Parameters
    ----------
    path : Path
        Folder of the run record.
    control, on_status
        As for `start_run`.

    Raises
    ------
    RecordError
        There is no run record, or another process is writing to it.
    ReplayMismatchError
        The program does something else now than it did then.
    """
    with RunRecord.reopen(path) as record:
        finished = record.reader.result()
        if finished is not None:
            return Outcome(path, finished)
        experiment = read_experiment(path / "experiment.toml")
        return Outcome(path, _drive(experiment, record, control, on_status))


def _drive(
    experiment: Experiment, record: RunRecord, control: RunControl, on_status: OnStatus
) -> ProtocolResult:
    seed = experiment.run.seed
    generators = _load_generators(experiment)
    blocks = BlockMaker(seed=seed, generators=generators)
    source: ResponseSource = experiment.response_source.load()(
        experiment.response_source.settings, SourceContext(seed=seed, pixels=blocks.pixels)
    )
    protocol = experiment.protocol.load()(
        experiment.protocol.settings,
        ProtocolContext(seed=seed, generators=generators, unit_names=source.unit_names),
    )
    with ExitStack() as stack:
        if experiment.run.starts_display:
            stack.enter_context(
                display_process(record.path / "experiment.toml", record.path / "display.log")
            )
        link = stack.enter_context(_link(experiment, record, control))
        stack.enter_context(source)
        _save_ground_truth(record.path, source)
        try:
            return Loop(
                experiment,
                protocol=protocol,
                blocks=blocks,
                link=link,
                source=source,
                record=record,
                control=control,
                on_status=on_status,
            ).run()
        finally:
            record.note("rejected messages", **link.rejection_counts)


@contextmanager
def _link(experiment: Experiment, record: RunRecord, control: RunControl) -> Iterator[DisplayLink]:
    setup = experiment.setup_sha256()

    def objection(hello: Hello) -> str | None:
        if hello.setup_sha256 == setup:
            return None
        return (
            f"{hello.name} was started with other [display], [monitor] or [stimulus] settings than "
            f"this run has. Start it with {record.path / 'experiment.toml'}, or a copy of it."
        )

    if experiment.wire.allow_insecure:
        record.note("insecure", address=experiment.wire.address)
    with DisplayLink(
        experiment.wire,
        run_id=record.path.name,
        objection=objection,
        on_key=control.press,
        on_event=partial(_note_event, record),
    ) as link:
        yield link


def _note_event(record: RunRecord, event: Connected | Lost | Rejection) -> None:
    match event:
        case Connected(hello):
            record.note("display connected", **hello.model_dump(mode="json"))
        case Lost(reason):
            record.note("display disconnected", reason=reason)
        case Rejection(fault, detail):
            record.note("message rejected", fault=fault, detail=detail)


def _load_generators(experiment: Experiment) -> Mapping[str, Generator]:
    return {name: choice.load()(choice.settings) for name, choice in experiment.generators.items()}


def _save_ground_truth(path: Path, source: ResponseSource) -> None:
    truth = source.ground_truth()
    target = path / "ground_truth.npz"
    if truth and not target.exists():
        np.savez_compressed(target, **truth)  # type: ignore[arg-type]


def _new_folder(experiment: Experiment) -> Path:
    now = dt.datetime.now().astimezone()
    folder = experiment.run.out_dir / f"{experiment.run.name}-{now:%Y%m%d-%H%M%S}"
    if folder.exists():
        raise RecordError(f"The folder {folder} exists already. Wait a second, or name another.")
    return folder


def _plugins(settings: Settings) -> list[PluginInfo]:
    """List every plugin that an experiment chooses, through the settings of other plugins."""
    return list(
        dict.fromkeys(find_plugin(one.group, one.kind) for _, one in plugin_choices(settings))
    )
