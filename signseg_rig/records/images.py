"""Write images by a thread of their own, while the display is busy and the loop is not."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from signseg_rig.records.blobs import BlobStore
from signseg_rig.types import ImageArray

# With more the loop waits for the disk, rather than fill the memory.
MAX_BACKLOG = 200


class ImageWriter:
    """Keeps images until it is told to begin, then writes them one by one.

    Encoding 40 images takes a core 0.4 s, and the interpreter's lock with it: begun at once, it
    would double the time that a block takes to reach the display.

    Parameters
    ----------
    blobs : BlobStore
    """

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="image-writer")
        self._backlog = threading.BoundedSemaphore(MAX_BACKLOG)
        self._waiting: dict[str, ImageArray] = {}
        self._begun: list[Future[None]] = []

    def put(self, images: Mapping[str, ImageArray]) -> None:
        """Keep images for `begin`."""
        self._waiting.update(images)

    def begin(self) -> None:
        """Write what is kept, while the caller goes on."""
        while self._waiting:
            self._backlog.acquire()
            task = self._thread.submit(self._blobs.put_image, *self._waiting.popitem())
            task.add_done_callback(self._release)
            self._begun.append(task)

    def raise_error(self) -> None:
        """Raise what kept an image from being written; each error is raised once.

        Raises
        ------
        RecordError
            The disk is full, or a file cannot be written.
        """
        ended = [task for task in self._begun if task.done()]
        self._begun = [task for task in self._begun if task not in ended]
        for task in ended:
            task.result()

    def close(self) -> None:
        """Write what is kept, and wait for it; may be called more than once."""
        self.begin()
        self._thread.shutdown()

    def _release(self, _task: Future[None]) -> None:
        self._backlog.release()
