"""What every optimizer checks about what it is told."""

from __future__ import annotations

import numpy as np

from signseg_rig.errors import OptimizerError
from signseg_rig.values import FloatArray, IntArray


def asked_rows(asked: FloatArray, codes: FloatArray, scores: FloatArray) -> IntArray:
    """Find which of the asked codes are told, and refuse what cannot be learnt from.

    Parameters
    ----------
    asked : (n_codes, n_dims) float array
        What the last `ask` proposed.
    codes : (n, n_dims) float array
    scores : (n,) float array

    Returns
    -------
    rows : (n,) int array
        Row in `asked` of each told code.

    Raises
    ------
    OptimizerError
        A score is not finite, shapes do not fit together, or a code was not asked.
    """
    if codes.ndim != 2 or codes.shape[1] != asked.shape[1] or scores.shape != (len(codes),):
        raise OptimizerError(
            f"An optimizer is told codes of shape (n, {asked.shape[1]}) and n scores; got codes of "
            f"shape {codes.shape} and scores of shape {scores.shape}."
        )
    if not np.isfinite(scores).all():
        raise OptimizerError(
            f"{int(np.sum(~np.isfinite(scores)))} of {len(scores)} scores are not finite. Leave "
            "out codes without a valid score: an optimizer can be told about some of a generation."
        )
    rows_of: dict[bytes, list[int]] = {}
    for row in reversed(range(len(asked))):
        rows_of.setdefault(asked[row].tobytes(), []).append(row)
    rows = np.empty(len(codes), dtype=np.intp)
    # A code may have been asked twice (a child can equal its parent). The better score goes to
    # the first of them, so that the order of telling does not matter.
    for told in np.argsort(-scores, kind="stable"):
        waiting = rows_of.get(np.ascontiguousarray(codes[told], dtype=asked.dtype).tobytes())
        if not waiting:
            raise OptimizerError(
                "An optimizer is told about codes of its last ask, each once. Tell it those "
                "before asking again, unchanged."
            )
        rows[told] = waiting.pop()
    return rows
