"""The one writer of a run record: what a call acknowledges survives whatever comes next."""

from __future__ import annotations

import json
import os
import platform
import queue
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import filelock

from signseg_rig.errors import RecordError, RecordInUseError
from signseg_rig.records.blobs import BlobStore, write_durably
from signseg_rig.records.coding import (
    finished_event,
    planned_event,
    responses_event,
    shown_event,
    told_event,
)
from signseg_rig.records.events import DATABASE_NAME, Event, EventTable
from signseg_rig.records.reader import EXPERIMENT_NAME, MANIFEST_NAME, RunReader
from signseg_rig.types import (
    FloatArray,
    ImageArray,
    PassPlan,
    ProtocolResult,
    ResponseBatch,
    Shown,
    Told,
)

LOCK_NAME = "writer.lock"
OWNER_NAME = "writer.txt"
# Images that wait for the disk; with more the loop waits too, rather than fill the memory.
MAX_WAITING_IMAGES = 500


class RunRecord:
    """Writes a run record. Made by `create` or `reopen`; close it, or use it as a context.

    Attributes
    ----------
    path : Path
    session : int
        0 when the run is new, one more each time it is resumed.
    reader : RunReader
    """

    def __init__(self, path: Path, table: EventTable, lock: filelock.FileLock) -> None:
        self.path = path
        self.session = table.last_session() + 1
        self.reader = RunReader(path, table)
        self._table = table
        self._lock = lock
        self._blobs = BlobStore(path)
        self._images: queue.Queue[tuple[str, ImageArray] | None] = queue.Queue(MAX_WAITING_IMAGES)
        self._image_error: RecordError | None = None
        self._image_writer = threading.Thread(
            target=self._write_images, name="image-writer", daemon=True
        )
        self._image_writer.start()
        self.note("session", pid=os.getpid(), host=platform.node())

    @classmethod
    def create(cls, path: Path, *, experiment_toml: str, manifest: Mapping[str, Any]) -> RunRecord:
        """Make the record of a new run.

        Parameters
        ----------
        path : Path
            A folder that is not there yet or is empty.
        experiment_toml : str
            The experiment with every default spelled out.
        manifest : mapping
            Versions, seeds and the machine; see `build_manifest`.

        Raises
        ------
        RecordError
            The folder holds something, or cannot be written.
        """
        if (path / DATABASE_NAME).exists():
            raise RecordError(
                f"{path} holds a run already. Go on with it by 'signseg-rig resume {path}', or "
                "give the new run another folder."
            )
        try:
            path.mkdir(parents=True, exist_ok=True)
            lock = _locked(path)
            _refuse_strangers(path)
            BlobStore(path).create()
            write_durably(path / EXPERIMENT_NAME, experiment_toml.encode())
            text = json.dumps(manifest, indent=2, allow_nan=False)
            write_durably(path / MANIFEST_NAME, text.encode())
        except RecordError:
            raise
        except OSError as error:
            raise RecordError(
                f"The run record cannot be made in {path}: {error.strerror}. Choose a folder on a "
                "local disk with space left."
            ) from None
        # The database comes last: a folder without one is no record, and can be used again.
        return cls(path, EventTable.create(path), lock)

    @classmethod
    def reopen(cls, path: Path) -> RunRecord:
        """Open the record of a run to go on with it.

        Raises
        ------
        RecordError
            There is no record, or it cannot be written.
        RecordInUseError
            Another process is writing to it.
        """
        if not (path / DATABASE_NAME).exists():
            raise RecordError(
                f"{path} is no run record: it has no {DATABASE_NAME}. A run record is a folder "
                "that 'signseg-rig run' made."
            )
        lock = _locked(path)
        try:
            return cls(path, EventTable(path, is_writer=True), lock)
        except BaseException:
            lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def planned(
        self, plan: PassPlan, codes: Mapping[str, FloatArray], told: Sequence[Told]
    ) -> None:
        """Record what is going to be shown, and what the optimizers were told before.

        Parameters
        ----------
        plan : PassPlan
        codes : mapping of generator to (n, n_dims) float array
            In the order of the plan's stimuli. On the disk before the plan is.
        told : sequence of Told
        """
        blobs = {name: self._blobs.put_array(array) for name, array in codes.items()}
        self._append(*map(told_event, told), planned_event(plan, blobs))

    def shown(self, block: int, attempt: int, shown: Sequence[Shown]) -> None:
        """Record what the display confirmed."""
        self._append(shown_event(block, attempt, shown))

    def responses(self, block: int, attempt: int, responses: ResponseBatch) -> None:
        """Record the responses to a pass."""
        self._append(responses_event(block, attempt, responses))

    def note(self, topic: str, **body: Any) -> None:
        """Record something worth knowing, as far as JSON can hold it."""
        self._append(Event("note", {"topic": topic, **body}))

    def finished(self, result: ProtocolResult) -> None:
        """Record the protocol's result, and with it the end of the run."""
        self._append(*map(told_event, result.told), finished_event(result))

    def save_images(self, images: Mapping[str, ImageArray]) -> None:
        """Have images written as PNG by a thread of their own.

        Images can be rendered again from the recorded codes, so nobody waits for them.

        Parameters
        ----------
        images : mapping of sha256 of the pixels to (height, width, 3) uint8 array

        Raises
        ------
        RecordError
            An image of an earlier call could not be written.
        """
        self._raise_image_error()
        for item in images.items():
            self._images.put(item)

    def close(self) -> None:
        """Wait for the images, and give the record free; may be called more than once.

        Raises
        ------
        RecordError
            An image could not be written.
        """
        if self._image_writer.is_alive():
            self._images.put(None)
            self._image_writer.join()
        self._table.close()
        self._lock.release()
        self._raise_image_error()

    def _append(self, *events: Event) -> None:
        self._table.append(events, session=self.session)

    def _raise_image_error(self) -> None:
        if self._image_error is not None:
            error, self._image_error = self._image_error, None
            raise error

    def _write_images(self) -> None:
        while (item := self._images.get()) is not None:
            try:
                self._blobs.put_image(*item)
            except RecordError as error:
                self._image_error = error


def _locked(path: Path) -> filelock.FileLock:
    """Take the lock that the operating system gives back even after a kill -9."""
    lock = filelock.FileLock(path / LOCK_NAME, timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise RecordInUseError(
            f"{path} is in use by {_owner(path)}. Wait until that run has ended, or stop it."
        ) from None
    except OSError as error:
        raise RecordError(
            f"{path} cannot be written: {error.strerror}. Copy it to where it can be."
        ) from None
    (path / OWNER_NAME).write_text(f"process {os.getpid()} on {platform.node()}", encoding="utf-8")
    return lock


def _owner(path: Path) -> str:
    try:
        return (path / OWNER_NAME).read_text(encoding="utf-8")
    except OSError:
        return "another process"


def _refuse_strangers(path: Path) -> None:
    ours = {LOCK_NAME, OWNER_NAME, EXPERIMENT_NAME, MANIFEST_NAME, "blobs"}
    strangers = [
        item.name
        for item in path.iterdir()
        if item.name not in ours and not item.name.endswith(".part")
    ]
    if strangers:
        raise RecordError(
            f"{path} holds other files ({', '.join(sorted(strangers)[:5])}). Give the run a folder "
            "of its own."
        )
