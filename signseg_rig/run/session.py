"""Put a run together from its experiment, and take it apart again whatever happens."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from signseg_rig.errors import RecordError, ReplayMismatchError, ResponseError
from signseg_rig.experiment import Experiment, read_experiment, write_experiment
from signseg_rig.interfaces import Generator, Protocol, ProtocolContext
from signseg_rig.plugins import PluginInfo, find_plugin
from signseg_rig.records import (
    FileImages,
    RunRecord,
    build_manifest,
    differences,
    explained_decoding,
)
from signseg_rig.run.blocks import BlockMaker
from signseg_rig.run.control import RunControl
from signseg_rig.run.log import OptimizerLog
from signseg_rig.run.loop import Loop
from signseg_rig.run.rig import Lease, Rig
from signseg_rig.settings import Settings, plugin_choices
from signseg_rig.settings.toml_text import TomlError, parse_toml
from signseg_rig.values import (
    Durations,
    FloatArray,
    Placement,
    ProtocolResult,
    RunStatus,
    SourceInfo,
)
from signseg_rig.weights import used_weights
from signseg_rig.wire.keys import load_display_keys, load_loop_keys
from signseg_rig.wire.sockets import check_listening

OnStatus = Callable[[RunStatus], None]

# What may be changed in the experiment file of a run that is resumed: no data depend on it.
FREE_KEYS = (
    "wire",
    "run.name",
    "run.out_dir",
    "run.starts_display",
    "monitor.screen",
    "invalid_trials.response_timeout_s",
    "safeguards",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Parameters
    ----------
    path : Path
        The run record.
    result : ProtocolResult
    n_valid : int
        Presentations whose responses may be used; without any the result says nothing.
    alarms : tuple of str
        What the safeguards have told, oldest first.
    """

    path: Path
    result: ProtocolResult
    n_valid: int
    alarms: tuple[str, ...]


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
    # Before there is a folder: one that a misspelt unit, a busy port or missing keys leave behind
    # is in the way of the next run. Of a folder that is in use there is more to say than that its
    # port is busy, too.
    if not (folder.is_dir() and any(folder.iterdir())):
        _check_wire(experiment)
    parts = _load_parts(experiment, FileImages())
    with RunRecord.create(
        folder, experiment_toml=write_experiment(experiment), manifest=_manifest(experiment)
    ) as record:
        _note_experiment(record)
        return _outcome(record, _drive(experiment, parts, record, control, on_status))


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
        The experiment file was changed, or the program does something else now than it did then.
    """
    with RunRecord.reopen(path) as record:
        finished = record.reader.result()
        if finished is not None:
            return _outcome(record, finished)
        with explained_decoding(path):
            _refuse_other_experiment(record)
        experiment = read_experiment(path / "experiment.toml")
        now = _manifest(experiment)
        with explained_decoding(path / "manifest.json"):
            _compare_software(record, now)
        parts = _load_parts(experiment, FileImages(record.reader))
        return _outcome(record, _drive(experiment, parts, record, control, on_status))


def _outcome(record: RunRecord, result: ProtocolResult) -> Outcome:
    reader = record.reader
    n_valid = sum(int(one.responses.is_valid.sum()) for one in reader.passes() if one.responses)
    alarms = tuple(note.body["reason"] for note in reader.notes("safeguard"))
    return Outcome(record.path, result, n_valid, alarms)


def _check_wire(experiment: Experiment) -> None:
    """Make sure that the keys are there, a started display's too, and that the loop can listen."""
    if experiment.wire.keys_dir is not None:
        load_loop_keys(experiment.wire.keys_dir)
        if experiment.run.starts_display:
            load_display_keys(experiment.wire.keys_dir)
    check_listening(experiment.wire)


class _Parts(NamedTuple):
    """What an experiment chooses, loaded."""

    rig: Rig
    blocks: BlockMaker
    images: FileImages
    log: OptimizerLog
    make_protocol: Callable[[], Protocol]


def _load_parts(experiment: Experiment, images: FileImages) -> _Parts:
    """Load what can be loaded before anything is recorded or started.

    So is the protocol, which knows a misspelt unit, except where the recording system tells its
    units only once it is connected.
    """
    seed, stimulus = experiment.run.seed, experiment.stimulus
    generators = _load_generators(experiment)
    rig = Rig(experiment)
    blocks = BlockMaker(
        seed=seed,
        generators=generators,
        pixels=rig.pixels,
        placement=Placement(stimulus.position_deg, stimulus.size_deg),
        durations=Durations(stimulus.on_ms, stimulus.off_ms),
    )
    log = OptimizerLog()

    def make_protocol(unit_names: tuple[str, ...]) -> Protocol:
        context = ProtocolContext(
            seed=seed, generators=generators, unit_names=unit_names, file_images=images, log=log
        )
        protocol: Protocol = experiment.protocol.load()(experiment.protocol.settings, context)
        return protocol

    if rig.foreseen_units is None:
        return _Parts(rig, blocks, images, log, lambda: make_protocol(rig.unit_names))
    protocol = make_protocol(rig.foreseen_units)
    return _Parts(rig, blocks, images, log, lambda: protocol)


def _drive(
    experiment: Experiment,
    parts: _Parts,
    record: RunRecord,
    control: RunControl,
    on_status: OnStatus,
) -> ProtocolResult:
    rig = parts.rig
    lease = Lease(record.note, control.press, lambda: not control.is_stopped)
    with (
        rig.open(record.path, rig_id=record.path.name, is_wanted=lease.is_wanted),
        rig.lend(lease),
    ):
        _check_foreseen(rig)
        _note_source(record, rig.info)
        _save_ground_truth(record, rig.ground_truth())
        protocol = parts.make_protocol()
        parts.images.save(record)
        return Loop(
            experiment,
            protocol=protocol,
            log=parts.log,
            blocks=parts.blocks,
            rig=rig,
            record=record,
            control=control,
            on_status=on_status,
        ).run()


def _check_foreseen(rig: Rig) -> None:
    """Make sure that a recording system has the units that were foreseen of it."""
    foreseen = rig.foreseen_units
    if foreseen is not None and foreseen != rig.unit_names:
        raise ResponseError(
            f"The response source was to have the units {', '.join(map(repr, foreseen[:5]))}, "
            f"{len(foreseen)} in all, and offers {', '.join(map(repr, rig.unit_names[:5]))}, "
            f"{len(rig.unit_names)} in all. Correct its settings, or what it is connected to."
        )


def _note_source(record: RunRecord, info: SourceInfo) -> None:
    """Record what the recording system says of itself."""
    record.note(
        "recording system",
        n_units=len(info.unit_names),
        unit_names=list(info.unit_names),
        sample_rate_hz=info.sample_rate_hz,
        lines=list(info.lines),
        has_watermark=info.has_watermark,
        delay_s=info.delay_s,
        description=dict(info.description),
    )


def _note_experiment(record: RunRecord) -> None:
    """Keep the experiment among the events, where nobody edits it."""
    record.note("experiment", **parse_toml(record.reader.experiment_toml))


def _refuse_other_experiment(record: RunRecord) -> None:
    """Make sure that an edited experiment file would give the same data as the recorded one."""
    notes = record.reader.notes("experiment")
    if not notes:  # killed before there was anything to be different from
        _note_experiment(record)
        return
    now = _experiment_now(record)
    changes = {
        key: f"{key} was {before!r} and is {after!r}"
        for key, (before, after) in differences(notes[-1].body, now).items()
        if not any(key == free or key.startswith(f"{free}.") for free in FREE_KEYS)
    }
    if changes:
        raise ReplayMismatchError(
            f"{record.path / 'experiment.toml'} was changed after the run had begun: "
            f"{'; '.join(changes.values())}. Put it back to resume the run, or start a new one."
        )


def _experiment_now(record: RunRecord) -> dict[str, Any]:
    try:
        return parse_toml(record.reader.experiment_toml)
    except TomlError as error:
        raise ReplayMismatchError(
            f"{record.path / 'experiment.toml'} is no TOML any more, line {error.line}: "
            f"{error}. Put back what the run was started with to resume it, or start a new one."
        ) from error


def _compare_software(record: RunRecord, now: dict[str, Any]) -> None:
    """Make sure that models and other files are those of the run, and note what else is not."""
    before = record.reader.manifest
    if others := _other_files(before["weights_sha256"], now["weights_sha256"]):
        raise ReplayMismatchError(
            "The weight files and other inputs are not those that the run was started with (hashes "
            f"in {record.path / 'manifest.json'}): {'; '.join(others)}. Put those back to resume "
            "the run, or start a new one."
        )
    changes = {
        key: f"{earlier} -> {later}"
        for key, (earlier, later) in differences(before, now).items()
        if not key.startswith(("weights_sha256", "git.changes"))
    }
    if changes:
        record.note("software changed", **changes)


def _other_files(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Say of each file what it was and what it is; one that lies elsewhere is the same."""
    if sorted(before.values()) == sorted(now.values()):
        return []
    return [
        f"{path} had the sha256 {before.get(path, 'of none')} and has {now.get(path, 'none')}"
        for path in sorted({*before, *now})
        if before.get(path) != now.get(path)
    ]


def _load_generators(experiment: Experiment) -> Mapping[str, Generator]:
    return {name: choice.load()(choice.settings) for name, choice in experiment.generators.items()}


def _save_ground_truth(record: RunRecord, truth: Mapping[str, FloatArray]) -> None:
    if truth:
        content = io.BytesIO()
        np.savez_compressed(content, **truth)  # type: ignore[arg-type]
        record.keep_file("ground_truth.npz", content.getvalue())


def _new_folder(experiment: Experiment) -> Path:
    now = dt.datetime.now().astimezone()
    folder = experiment.run.out_dir / f"{experiment.run.name}-{now:%Y%m%d-%H%M%S}"
    if folder.exists():
        raise RecordError(f"The folder {folder} exists already. Wait a second, or name another.")
    return folder


def _manifest(experiment: Experiment) -> dict[str, Any]:
    return build_manifest(
        seed=experiment.run.seed,
        plugins=_plugins(experiment),
        weights_sha256=used_weights(experiment),
    )


def _plugins(settings: Settings) -> list[PluginInfo]:
    """List every plugin that an experiment chooses, through the settings of other plugins."""
    return list(
        dict.fromkeys(find_plugin(one.group, one.kind) for _, one in plugin_choices(settings))
    )
