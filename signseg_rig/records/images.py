"""Write images by a thread of their own, while the display is busy and the loop is not."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait

from signseg_rig.records.blobs import BlobStore
from signseg_rig.values import ImageArray

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
        self._writing = threading.Lock()
        self._is_given_up = False

    def put(self, images: Mapping[str, ImageArray]) -> None:
        """Keep images for `begin`."""
        self._waiting.update(images)

    def begin(self) -> None:
        """Write what is kept, while the caller goes on."""
        while self._waiting:
            self._backlog.acquire()
            task = self._thread.submit(self._write, *self._waiting.popitem())
            task.add_done_callback(self._release)
            self._begun.append(task)

    def finish(self) -> None:
        """Write what is kept, and wait until all of it is on the disk.

        Raises
        ------
        RecordError
            The disk is full, or a file cannot be written.
        """
        self.begin()
        wait(self._begun)
        self.raise_error()

    def raise_error(self) -> None:
        """Raise what kept images from being written; one error stands for all since the last call.

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
        """Write what is kept, and wait for it; may be called more than once.

        Where the wait is interrupted, no image is begun any more, and the one that is being
        written is written to its end: nothing is written after this returns or raises.
        """
        try:
            self.begin()
            self._thread.shutdown()
        except BaseException:
            self._is_given_up = True
            self._waiting.clear()
            self._thread.shutdown(wait=False, cancel_futures=True)
            self._begun = [task for task in self._begun if not task.cancelled()]
            # Not by joining the thread: a join that was interrupted takes it for ended.
            with self._writing:
                raise

    def _write(self, key: str, image: ImageArray) -> None:
        with self._writing:
            if not self._is_given_up:
                self._blobs.put_image(key, image)

    def _release(self, _task: Future[None]) -> None:
        self._backlog.release()
