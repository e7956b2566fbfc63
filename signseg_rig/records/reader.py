"""Read a run record, also while its run goes on."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from signseg_rig.errors import RecordError
from signseg_rig.experiment import WindowSettings
from signseg_rig.files.guarded import read_file
from signseg_rig.records.blobs import BLOBS_NAME, BlobStore
from signseg_rig.records.coding import (
    blobs_of,
    result_of,
    told_of,
)
from signseg_rig.records.events import Event, EventTable
from signseg_rig.records.faults import DAMAGED, explained_decoding, file_error
from signseg_rig.records.passes import PassRecord, pass_of, stretches_of
from signseg_rig.records.recordings import SUFFIX
from signseg_rig.records.recount import Psth, PsthSums, RecordedStretch, recounted
from signseg_rig.records.schema import DATABASE_NAME
from signseg_rig.values import (
    FloatArray,
    ImageArray,
    PassPlan,
    ProtocolResult,
    ResponseBatch,
    Told,
)

EXPERIMENT_NAME = "experiment.toml"
MANIFEST_NAME = "manifest.json"
# Of an experiment or a manifest; those of runs have some ten thousand.
MAX_TEXT_BYTES = 16 * 2**20
FILE_IMAGES = "file images"


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth knowing about a run.

    Parameters
    ----------
    topic : str
    body : mapping
    session : int
    at_utc : datetime
        When it was recorded.
    """

    topic: str
    body: Mapping[str, Any]
    session: int
    at_utc: dt.datetime


class RunReader:
    """A run record that is only read.

    Parameters
    ----------
    path : Path
    table : EventTable

    Attributes
    ----------
    path : Path
    experiment_toml : str
    manifest : dict
    """

    def __init__(self, path: Path, table: EventTable) -> None:
        self.path = path
        self.experiment_toml = _read_text(path / EXPERIMENT_NAME)
        self.manifest: dict[str, Any] = _read_table(path / MANIFEST_NAME)
        self._table = table
        self._blobs = BlobStore(path, table.version)
        self._database = path / DATABASE_NAME

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a run record for reading; its run may go on meanwhile.

        Raises
        ------
        RecordError
            There is none, it is damaged, or another version of this program wrote it.
        """
        table = EventTable.open_to_read(path)
        try:
            return cls(path, table)
        except BaseException:
            table.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the record; may be called more than once."""
        self._table.close()

    @property
    def n_sessions(self) -> int:
        """Processes that wrote to this record: one more than the times it was resumed."""
        return self._table.last_session() + 1

    @property
    def n_blocks(self) -> int:
        """Blocks that were planned so far."""
        return len({block for block, _attempt in self._table.passes()})

    def passes(self) -> Iterator[PassRecord]:
        """Yield all passes, by block and attempt."""
        for block, attempt in self._table.passes():
            record = self.find_pass(block, attempt)
            assert record is not None
            yield record

    def find_pass(self, block: int, attempt: int) -> PassRecord | None:
        """Return one pass; None where it was not planned yet."""
        events = self._table.find(
            "planned", "shown", "part", "responses", block=block, attempt=attempt
        )
        if not any(event.kind == "planned" for event in events):
            return None
        with explained_decoding(self._database):
            return pass_of(events)

    def recordings(self, block: int, attempt: int) -> list[RecordedStretch]:
        """Return what was recorded of a pass, one stretch after the other.

        Raises
        ------
        RecordError
            A file is missing or damaged.
        """
        events = self._table.find("recording", "part", "responses", block=block, attempt=attempt)
        with explained_decoding(self._database):
            return stretches_of(events, lambda blob: self._blobs.get_bytes(blob, SUFFIX))

    def recount(self, windows: WindowSettings) -> Iterator[tuple[PassPlan, ResponseBatch]]:
        """Yield every answered pass with its responses counted again, in other windows.

        Parameters
        ----------
        windows : WindowSettings
            What of them was not recorded whole makes a presentation invalid.

        Yields
        ------
        plan : PassPlan
        responses : ResponseBatch
            In the planned order.

        Raises
        ------
        RecordError
            The record holds no recordings, or a file is missing or damaged.
        """
        for one in self.passes():
            if one.responses is not None or one.parts:
                stretches = self.recordings(one.plan.block, one.plan.attempt)
                yield one.plan, recounted(one.plan, stretches, windows)

    def psth(self, edges_s: FloatArray) -> Psth:
        """Return mean rates in bins around the onset, by the role of the stimuli.

        Parameters
        ----------
        edges_s : (n_bins + 1,) float array, in seconds
            Borders of the bins, increasing, from the onset.

        Returns
        -------
        psth : Psth
            Over all valid presentations around which all bins were recorded.
        """
        sums = PsthSums(edges_s)
        for one in self.passes():
            for stretch in self.recordings(one.plan.block, one.plan.attempt):
                sums.add(one.plan, stretch)
        return sums.result()

    def follow(self, after: int = 0, *, limit: int = 1000) -> list[Event]:
        """Return what was recorded after an event: what is new costs time, what is old does not.

        Parameters
        ----------
        after : int
            `sequence` of the last event that was seen; 0 begins at the beginning.
        limit : int
            How many events to return at most.

        Returns
        -------
        events : list of Event
            Oldest first; `after` of the next call is the `sequence` of the last one.
        """
        return self._table.after(after, limit)

    def codes(self, plan: PassPlan) -> dict[str, FloatArray]:
        """Return the codes of a plan's block.

        Returns
        -------
        codes : dict of generator to (n, n_dims) float array
            In the order of the plan's stimuli.

        Raises
        ------
        RecordError
            The block is not in this record, or a file is missing or damaged.
        """
        # All passes through a block show the same stimuli; those after the first need not say so.
        events = self._table.find("planned", block=plan.block, attempt=0)
        if not events:
            raise RecordError(
                f"{self.path} holds no block {plan.block}. Ask for a plan that came from it."
            )
        with explained_decoding(self._database):
            blobs = blobs_of(events[-1])
        return {name: self._blobs.get_array(blob) for name, blob in blobs.items()}

    def told(self) -> list[Told]:
        """Return all that optimizers were told, oldest first."""
        events = self._table.find("told")
        with explained_decoding(self._database):
            return [told_of(event) for event in events]

    def notes(self, topic: str | None = None) -> list[Note]:
        """Return all notes, oldest first, or those on one topic."""
        events = self._table.find("note")
        with explained_decoding(self._database):
            notes = [_note(event) for event in events]
        return [note for note in notes if topic is None or note.topic == topic]

    def result(self) -> ProtocolResult | None:
        """Return the protocol's result; None while the run is not finished."""
        finished = self._table.find("finished")
        with explained_decoding(self._database):
            return result_of(finished[-1]) if finished else None

    def file_images(self) -> dict[str, list[tuple[str, str]]]:
        """Return the names and hashes of the images that the run read from files, set by set."""
        sets = {}
        notes = self.notes(FILE_IMAGES)
        with explained_decoding(self._database):
            for note in notes:
                images = [(str(name), str(key)) for name, key in note.body["images"]]
                sets[str(note.body["name"])] = images
        return sets

    def missing_images(self) -> tuple[str, ...]:
        """Return the hashes of images that were shown and answered, and are not on the disk.

        Whether those that are there are whole shows when they are read: `image` checks it.
        """
        keys = {
            stimulus.pixels_sha256: None
            for one in self.passes()
            if one.responses is not None or one.parts
            for stimulus in one.plan.stimuli
        }
        return tuple(key for key in keys if not self.has_image(key))

    def problems(self) -> tuple[str, ...]:
        """Return what the record lacks, one sentence each; nothing where it is whole."""
        missing = self.missing_images()
        if not missing:
            return ()
        sentence = (
            f"Missing in {self.path / BLOBS_NAME}: {len(missing)} of the images that were shown "
            "and answered. Restore the folder from a copy of the run record; 'signseg-rig resume' "
            "renders those of an unfinished run again."
        )
        return (sentence,)

    def image(self, key: str) -> ImageArray:
        """Return an image by the hash of its pixels.

        Raises
        ------
        RecordError
            It is not on the disk, or damaged.
        """
        return self._blobs.get_image(key)

    def has_image(self, key: str) -> bool:
        """Return whether an image is on the disk yet."""
        return self._blobs.has_image(key)

    def holds_image(self, key: str) -> bool:
        """Return whether an image is on the disk and whole, which takes about a millisecond."""
        return self._blobs.holds_image(key)


def _note(event: Event) -> Note:
    at_utc = dt.datetime.fromisoformat(event.at_utc)
    topic, body = event.body["topic"], event.body["body"]
    if not (isinstance(topic, str) and isinstance(body, dict)):
        raise TypeError(f"a note on {topic!r:.40} holds a {type(body).__name__}")
    return Note(topic, body, event.session, at_utc)


def _read_text(path: Path) -> str:
    try:
        return read_file(path, max_bytes=MAX_TEXT_BYTES).decode()
    except UnicodeDecodeError as error:
        raise RecordError(f"{path} cannot be read: {error}. {DAMAGED}") from None
    except OSError as error:
        raise file_error(path, "read", error) from None


def _read_table(path: Path) -> dict[str, Any]:
    text = _read_text(path)
    try:
        table = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{path} is no JSON: {error}. {DAMAGED}") from None
    if not isinstance(table, dict):
        raise RecordError(f"{path} holds a {type(table).__name__} and no table. {DAMAGED}")
    return table
