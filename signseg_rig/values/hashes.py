"""The one name under which an image, or the code of one, is known everywhere."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt


def array_sha256(array: npt.NDArray[Any]) -> str:
    r"""Return the hash of an array: of its dtype, its shape and its values.

    Parameters
    ----------
    array : array of any shape and dtype
        In any memory order: that is no part of it.

    Returns
    -------
    sha256 : str
        64 hexadecimal digits: sha256 of a line of ASCII with NumPy's name of the dtype and the
        lengths of the axes, and then of the values in C order.

    Examples
    --------
    >>> image = np.full((40, 160, 3), 128, dtype=np.uint8)
    >>> line = b"|u1 40 160 3\n"
    >>> array_sha256(image) == hashlib.sha256(line + image.tobytes()).hexdigest()
    True
    >>> array_sha256(image) == array_sha256(image.reshape(80, 80, 3))
    False
    """
    line = " ".join(map(str, (array.dtype.str, *array.shape)))
    hashed = hashlib.sha256(f"{line}\n".encode("ascii"))
    hashed.update(np.ascontiguousarray(array).data)
    return hashed.hexdigest()
