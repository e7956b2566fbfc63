"""Read a run record, also while its run goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from signseg_rig.errors import RecordError
from signseg_rig.records.blobs import BlobStore
from signseg_rig.records.coding import plan_of, responses_of, result_of, shown_of, told_of
from signseg_rig.records.events import Event, EventTable
from signseg_rig.types import (
    FloatArray,
    ImageArray,
    PassPlan,
    ProtocolResult,
    ResponseBatch,
    Shown,
    Told,
)

EXPERIMENT_NAME = "experiment.toml"
MANIFEST_NAME = "manifest.json"


@dataclass(frozen=True, slots=True, eq=False)
class PassRecord:
    """One pass through a block as it stands in the record.

    Parameters
    ----------
    plan : PassPlan
    shown : tuple of Shown
        In the order of showing. Where a pass was interrupted and begun again in a later session,
        only those of the session that finished it, or of the latest.
    responses : ResponseBatch or None
        None where the pass was not finished.
    """

    plan: PassPlan
    shown: tuple[Shown, ...]
    responses: ResponseBatch | None


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth knowing about a run.

    Parameters
    ----------
    topic : str
    body : mapping
    session : int
    """

    topic: str
    body: Mapping[str, Any]
    session: int


class RunReader:
    """A run record that is only read.

    Parameters
    ----------
    path : Path
    table : EventTable
    """

    def __init__(self, path: Path, table: EventTable) -> None:
        self.path = path
        self._table = table
        self._blobs = BlobStore(path)
        self.experiment_toml = _read_text(path / EXPERIMENT_NAME)
        try:
            self.manifest: dict[str, Any] = json.loads(_read_text(path / MANIFEST_NAME))
        except ValueError:
            raise RecordError(
                f"{path / MANIFEST_NAME} is not JSON: restore it from a copy."
            ) from None

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a run record for reading.

        Raises
        ------
        RecordError
            There is none, it is damaged, or another version of this program wrote it.
        """
        return cls(path, EventTable(path, is_writer=False))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._table.close()

    @property
    def n_sessions(self) -> int:
        """Processes that wrote to this record: one more than the times it was resumed."""
        return self._table.last_session() + 1

    def passes(self) -> Iterator[PassRecord]:
        """Give all passes, by block and attempt."""
        keys = sorted({(event.block, event.attempt) for event in self._table.find("planned")})
        for block, attempt in keys:
            assert block is not None
            assert attempt is not None
            record = self.find_pass(block, attempt)
            assert record is not None
            yield record

    def find_pass(self, block: int, attempt: int) -> PassRecord | None:
        """Give one pass; None where it was not planned yet."""
        events = self._table.find("planned", "shown", "responses", block=block, attempt=attempt)
        planned = [event for event in events if event.kind == "planned"]
        if not planned:
            return None
        answered = [event for event in events if event.kind == "responses"]
        session = answered[-1].session if answered else planned[-1].session
        return PassRecord(
            plan=plan_of(planned[-1]),
            shown=tuple(
                item
                for event in events
                if event.kind == "shown" and event.session == session
                for item in shown_of(event)
            ),
            responses=responses_of(answered[-1]) if answered else None,
        )

    def codes(self, plan: PassPlan) -> dict[str, FloatArray]:
        """Give the codes of a plan, (n, n_dims) for each generator, in the order of its stimuli."""
        events = self._table.find("planned", block=plan.block, attempt=plan.attempt)
        return {
            name: self._blobs.get_array(blob) for name, blob in events[-1].body["codes"].items()
        }

    def told(self) -> list[Told]:
        """Give all that optimizers were told, oldest first."""
        return [told_of(event) for event in self._table.find("told")]

    def notes(self, topic: str | None = None) -> list[Note]:
        """Give all notes, oldest first, or those on one topic."""
        notes = [_note(event) for event in self._table.find("note")]
        return [note for note in notes if topic is None or note.topic == topic]

    def result(self) -> ProtocolResult | None:
        """Give the protocol's result; None while the run is not finished."""
        finished = self._table.find("finished")
        return result_of(finished[-1]) if finished else None

    def image(self, key: str) -> ImageArray:
        """Give an image by the hash of its pixels.

        Raises
        ------
        RecordError
            It is not on the disk, or damaged.
        """
        return self._blobs.get_image(key)

    def has_image(self, key: str) -> bool:
        """Tell whether an image is on the disk yet."""
        return self._blobs.has_image(key)


def _note(event: Event) -> Note:
    body = dict(event.body)
    return Note(body.pop("topic"), body, event.session)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(
            f"{path} cannot be read: {error}. Restore it from a copy of the run record."
        ) from None
