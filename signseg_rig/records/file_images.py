"""Images that a run reads from files: a resumed run finds them in its record, as they were."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from signseg_rig.errors import ConfigError, RecordError
from signseg_rig.records.reader import RunReader
from signseg_rig.records.writer import RunRecord
from signseg_rig.values import ImageArray, array_sha256
from signseg_rig.wording import first_few

Images = list[tuple[str, ImageArray]]
MAX_LISTED = 5


class FileImages:
    """Reads sets of images from their files for a new run, and from its record for a resumed one.

    Parameters
    ----------
    reader : RunReader, optional
        Of the record of a run that is resumed.
    """

    def __init__(self, reader: RunReader | None = None) -> None:
        self._reader = reader
        self._recorded = reader.file_images() if reader is not None else {}
        self._new: dict[str, Images] = {}
        self._changes: dict[str, str] = {}

    def __call__(self, name: str, read: Callable[[], Images]) -> Images:
        """Return a set of images; see `ProtocolContext.file_images`."""
        if name in self._recorded:
            return self._recall(name, read)
        self._new[name] = read()
        return self._new[name]

    def save(self, record: RunRecord) -> None:
        """Record what was read from files now, and what is in them otherwise than it was."""
        for name, images in self._new.items():
            record.file_images(name, images)
        for name, change in self._changes.items():
            record.note("image files changed", name=name, change=change, used="as recorded")

    def _recall(self, name: str, read: Callable[[], Images]) -> Images:
        assert self._reader is not None
        recorded = self._recorded[name]
        try:
            there = {(label, array_sha256(image)): image for label, image in read()}
        except ConfigError as error:
            there = {}
            self._changes[name] = f"they cannot be read any more: {error}"
        else:
            if change := _change(recorded, list(there)):
                self._changes[name] = change
        by_key = {key: image for (_, key), image in there.items()}
        return [(label, self._image(name, label, key, by_key.get(key))) for label, key in recorded]

    def _image(self, name: str, label: str, key: str, in_file: ImageArray | None) -> ImageArray:
        assert self._reader is not None
        if in_file is not None:
            return in_file
        try:
            return self._reader.image(key)
        except RecordError as error:
            raise RecordError(
                f"The image {label!r} of the {name} is neither in its file, as it was when the run "
                f"began, nor in the record: {error} Or put the file back."
            ) from error


def _change(recorded: Sequence[tuple[str, str]], there: Sequence[tuple[str, str]]) -> str:
    """Describe which files are others than they were; empty where none is."""
    if list(recorded) == list(there):
        return ""
    before, now = dict(recorded), dict(there)
    gone = [label for label in before if label not in now]
    new = [label for label in now if label not in before]
    other = [label for label in before if label in now and before[label] != now[label]]
    parts = [
        f"{what}: {first_few(map(repr, labels), MAX_LISTED)}"
        for what, labels in (("gone", gone), ("new", new), ("other pixels", other))
        if labels
    ]
    return "; ".join(parts) or "another order"
