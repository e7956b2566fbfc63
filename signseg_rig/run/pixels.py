"""The images of the latest blocks, by their hashes, for the loop and a simulated animal."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Mapping

from signseg_rig.errors import ResponseError
from signseg_rig.values import ImageArray

# The block that is shown, the one prepared meanwhile, and the one before, whose responses may
# still be read.
N_BLOCKS_KEPT = 3


class PixelStore:
    """Keeps the images of the latest few blocks; any thread may look at them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: deque[Mapping[str, ImageArray]] = deque(maxlen=N_BLOCKS_KEPT)

    def keep(self, images: Mapping[str, ImageArray]) -> None:
        """Keep the images of a block, and forget those of the oldest one."""
        with self._lock:
            self._kept.append(dict(images))

    def find(self, keys: Collection[str]) -> dict[str, ImageArray] | None:
        """Return images by their hashes; None where one of them is not kept."""
        with self._lock:
            known = {key: image for images in self._kept for key, image in images.items()}
        return {key: known[key] for key in keys} if known.keys() >= set(keys) else None

    def __call__(self, key: str) -> ImageArray:
        """Return one image by its hash.

        Raises
        ------
        ResponseError
            It is not kept.
        """
        found = self.find((key,))
        if found is None:
            raise ResponseError(
                f"The display reports an image with the hash {key[:12]}..., which is none of this "
                "block's. Is another run's display connected?"
            )
        return found[key]
