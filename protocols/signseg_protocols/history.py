"""What one evolution has scored so far, with the drift of the session taken off."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from signseg_rig.values import FloatArray


@dataclass(slots=True)
class History:
    """Scores of an evolution, generation by generation.

    Parameters
    ----------
    evolved : list of (n_codes,) float arrays
        NaN where a stimulus has no score.
    references : list of (n_references,) float arrays
        Scores of the reference stimuli of the same blocks.
    """

    evolved: list[FloatArray] = field(default_factory=list)
    references: list[FloatArray] = field(default_factory=list)

    def add(self, evolved: FloatArray, references: FloatArray) -> None:
        """Append a generation."""
        self.evolved.append(evolved)
        self.references.append(references)

    def evolved_means(self) -> FloatArray:
        """(n_generations,) float array: mean score of each generation, NaN where none is valid."""
        return np.array([_means(scores, axis=0)[0] for scores in self.evolved])

    def reference_means(self) -> FloatArray:
        """Average the references of each block, as if all had been valid in it.

        Returns
        -------
        means : (n_generations,) float array
            Mean of the references over all blocks, and on top of it the drift that those show
            which are valid in a block; NaN where none is. Where all are valid, their plain mean.
        """
        own = _means(np.array(self.references), axis=0)
        means: FloatArray = _means(own, axis=1)[0] + self._drift()
        return means

    def corrected_means(self) -> FloatArray:
        """Take the drift that the references show off the means, as one that adds to all scores.

        Returns
        -------
        means : (n_generations,) float array
            In units of the score; NaN where a block has no valid evolved or reference stimulus.

        Notes
        -----
        Each reference stimulus is compared with its own mean over all blocks, d_b =
        mean_r(s_rb - mean_b(s_rb)). Where all are valid this is the mean of the block's references
        up to a constant; where one is not, the block's mean would move by the composition of what
        is left, which is larger than any drift.
        """
        return self.evolved_means() - self._drift()

    def _drift(self) -> FloatArray:
        scores = np.array(self.references)
        drift: FloatArray = _means(scores - _means(scores, axis=0), axis=1)[:, 0]
        return drift


def _means(scores: FloatArray, *, axis: int) -> FloatArray:
    """Average the finite scores along an axis, which is kept; NaN where there are none."""
    is_valid = np.isfinite(scores)
    n_valid = is_valid.sum(axis=axis, keepdims=True)
    total = np.where(is_valid, scores, 0.0).sum(axis=axis, keepdims=True)
    return np.where(n_valid > 0, total / np.maximum(n_valid, 1), np.nan)
