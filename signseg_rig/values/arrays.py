"""Arrays, as annotations name them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]

IntArray = npt.NDArray[np.integer[Any]]

BoolArray = npt.NDArray[np.bool_]

ImageArray = npt.NDArray[np.uint8]
