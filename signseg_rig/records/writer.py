"""The one writer of a run record: what a call acknowledges survives whatever comes next."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from signseg_rig.errors import RecordError
from signseg_rig.files.whole import DRAFT_SUFFIX, remove_drafts, sync_folder, write_whole
from signseg_rig.records.blobs import BLOBS_NAME, BlobStore
from signseg_rig.records.coding import (
    finished_event,
    planned_event,
    recording_event,
    responses_event,
    shown_event,
    told_event,
)
from signseg_rig.records.events import Event, EventTable
from signseg_rig.records.faults import file_error
from signseg_rig.records.images import ImageWriter
from signseg_rig.records.places import (
    LOCK_NAME,
    OWNER_NAME,
    lock_for_writing,
    refuse_network_drive,
)
from signseg_rig.records.reader import EXPERIMENT_NAME, FILE_IMAGES, MANIFEST_NAME, RunReader
from signseg_rig.records.recordings import SUFFIX, packed_recording
from signseg_rig.records.schema import DATABASE_NAME, create_database
from signseg_rig.values import (
    BrokenOff,
    ClockLine,
    FloatArray,
    ImageArray,
    PassPlan,
    ProtocolResult,
    Recording,
    ResponseBatch,
    Shown,
    Told,
    array_sha256,
)
from signseg_rig.wording import command

_OWN_NAMES = {BLOBS_NAME, EXPERIMENT_NAME, LOCK_NAME, MANIFEST_NAME, OWNER_NAME}


class RunRecord:
    """Writes a run record. Made by `create` or `reopen`; close it, or use it as a context.

    One thread uses it. When a method returns, what it was given is on the disk. Images follow by a
    thread of their own, while the display is busy; before responses are recorded they are there.

    Attributes
    ----------
    path : Path
    session : int
        0 when the run is new, one more each time it is resumed.
    reader : RunReader
    """

    def __init__(self, path: Path, held: ExitStack) -> None:
        table = EventTable.open_to_write(path)
        held.callback(table.close)
        self.path = path
        self.session = table.last_session() + 1
        self.reader = RunReader(path, table)
        self._table = table
        self._blobs = BlobStore(path)
        self._images = ImageWriter(self._blobs)
        experiment = self.reader.experiment_toml.encode()
        self.note(
            "session",
            pid=os.getpid(),
            host=platform.node(),
            experiment_sha256=hashlib.sha256(experiment).hexdigest(),
            # What the loop's own clock says at the time of this note.
            clock_s=time.perf_counter(),
        )
        self._held = held.pop_all()

    @classmethod
    def create(cls, path: Path, *, experiment_toml: str, manifest: Mapping[str, Any]) -> Self:
        """Make the record of a new run.

        Parameters
        ----------
        path : Path
            A folder that is not there yet or is empty; what a `create` left that was killed
            halfway counts as empty. It has to be on a disk of this machine.
        experiment_toml : str
            The experiment with every default spelled out.
        manifest : mapping
            Versions, seeds and the machine; see `build_manifest`.

        Raises
        ------
        RecordError
            The folder holds something, or cannot be written.
        """
        with ExitStack() as held:
            try:
                path.mkdir(parents=True, exist_ok=True)
                refuse_network_drive(path)
                held.callback(lock_for_writing(path).release)
                _refuse_what_is_there(path)
                BlobStore(path).prepare()
                write_whole(path / EXPERIMENT_NAME, experiment_toml.encode())
                text = json.dumps(manifest, indent=2, allow_nan=False)
                write_whole(path / MANIFEST_NAME, text.encode())
                # The database comes last: a folder without one is no record, and can be used.
                create_database(path)
                sync_folder(path.parent)
            except RecordError:
                # It is an OSError too, and says more than we could.
                raise
            except OSError as error:
                raise file_error(path, "made a run record", error) from error
            return cls(path, held)

    @classmethod
    def reopen(cls, path: Path) -> Self:
        """Open the record of a run to go on with it.

        Raises
        ------
        RecordError
            There is no record, it is damaged, or it cannot be written.
        RecordInUseError
            Another process is writing to it.
        """
        if not (path / DATABASE_NAME).exists():
            raise RecordError(
                f"{path} is no run record: it has no {DATABASE_NAME}. A run record is a folder "
                "that 'signseg-rig run' made."
            )
        refuse_network_drive(path)
        with ExitStack() as held:
            held.callback(lock_for_writing(path).release)
            try:
                remove_drafts(path)
                BlobStore(path).prepare()
            except OSError as error:
                raise file_error(path, "written", error) from error
            return cls(path, held)

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

        Raises
        ------
        RecordError
            The disk is full or fails, for this or for an earlier image; nothing is recorded.
        """
        self._images.raise_error()
        blobs = {name: self._blobs.put_array(array) for name, array in codes.items()}
        self._append(*map(told_event, told), planned_event(plan, blobs))

    def shown(
        self,
        block: int,
        attempt: int,
        shown: Sequence[Shown],
        broken_off: Sequence[BrokenOff] = (),
    ) -> None:
        """Record what the display confirmed; now that it is busy, images are written too."""
        self._append(shown_event(block, attempt, shown, broken_off))
        self._images.begin()

    def recording(
        self,
        block: int,
        attempt: int,
        recording: Recording,
        *,
        presentation_ids: Sequence[str],
        alignment: Mapping[str, Any],
    ) -> None:
        """Record what the recording system sent while presentations were shown.

        Parameters
        ----------
        block, attempt : int
        recording : Recording
        presentation_ids : sequence of str
            What was shown meanwhile.
        alignment : mapping
            How onsets were found in it, as far as JSON can hold it.
        """
        table, content = packed_recording(recording)
        blob = self._blobs.put_bytes(content, SUFFIX)
        event = recording_event(block, attempt, table, blob, alignment)
        event.body["presentation_ids"] = list(presentation_ids)
        self._append(event)

    def responses(
        self,
        block: int,
        attempt: int,
        responses: ResponseBatch,
        clock_line: ClockLine | None = None,
    ) -> None:
        """Record the responses to a pass, and how they were aligned; each pass has them once.

        What was answered is not shown again, and so its images have to be on the disk before.

        Raises
        ------
        RecordError
            The disk is full or fails, for this or for an image; nothing is recorded.
        """
        self._images.finish()
        self._append(responses_event("responses", block, attempt, responses, clock_line))

    def responses_in_part(
        self,
        block: int,
        attempt: int,
        responses: ResponseBatch,
        clock_line: ClockLine | None = None,
    ) -> None:
        """Record the responses to some of a pass's presentations, before the others are shown."""
        self._images.finish()
        self._append(responses_event("part", block, attempt, responses, clock_line))

    def note(self, topic: str, /, **body: Any) -> None:
        """Record something worth knowing, as far as JSON can hold it."""
        self._append(Event("note", {"topic": topic, "body": body}))

    def finished(self, result: ProtocolResult, told: Sequence[Told] = ()) -> None:
        """Record the protocol's result, and with it the end of the run.

        Parameters
        ----------
        result : ProtocolResult
        told : sequence of Told
            What the optimizers were told since the last block.
        """
        self._append(*map(told_event, told), finished_event(result))

    def save_images(self, images: Mapping[str, ImageArray]) -> None:
        """Have images written as PNG, from the next `shown` on and by a thread of their own.

        `responses` waits for them.

        Parameters
        ----------
        images : mapping of sha256 of the pixels to (height, width, 3) uint8 array

        Raises
        ------
        RecordError
            An image of an earlier call could not be written.
        """
        self._images.raise_error()
        self._images.put(images)

    def restore_images(self, images: Mapping[str, ImageArray]) -> None:
        """Write images that have been recorded before, and are not on the disk any more.

        Raises
        ------
        RecordError
            The disk is full, or the folder cannot be written.
        """
        for key, pixels in images.items():
            self._blobs.put_image(key, pixels)

    def file_images(self, name: str, images: Sequence[tuple[str, ImageArray]]) -> None:
        """Record a set of images that the run read from files, pixels and names.

        Parameters
        ----------
        name : str
            Of the set.
        images : sequence of (name, (height, width, 3) uint8 array)

        Raises
        ------
        RecordError
            The disk is full, or the folder cannot be written.
        """
        keys = [array_sha256(pixels) for _, pixels in images]
        self.restore_images(dict(zip(keys, (pixels for _, pixels in images), strict=True)))
        names = [label for label, _ in images]
        self.note(FILE_IMAGES, name=name, images=list(zip(names, keys, strict=True)))

    def keep_file(self, name: str, content: bytes) -> None:
        """Write a file beside the events, unless it is there; it is whole or not there at all.

        Raises
        ------
        RecordError
            The disk is full, or the folder cannot be written.
        """
        target = self.path / name
        if target.exists():
            return
        try:
            write_whole(target, content)
        except OSError as error:
            raise file_error(target, "written", error) from error

    def close(self) -> None:
        """Wait for the images, and give the record free; may be called more than once.

        Raises
        ------
        RecordError
            An image could not be written.
        """
        with self._held:
            self._images.close()
            self._images.raise_error()

    def _append(self, *events: Event) -> None:
        self._table.append(events, session=self.session)


def _refuse_what_is_there(path: Path) -> None:
    names = sorted(item.name for item in path.iterdir())
    if DATABASE_NAME in names:
        raise RecordError(
            f"{path} holds a run already. Go on with it by '{command('resume', path)}', or give "
            "the new run another folder."
        )
    strangers = [
        name for name in names if name not in _OWN_NAMES and not name.endswith(DRAFT_SUFFIX)
    ]
    if strangers:
        raise RecordError(
            f"{path} holds other files ({', '.join(strangers[:5])}). Give the run a folder of its "
            "own."
        )
