"""Nested cross-validation of PLS: predictions of images that neither fit nor choice has seen.

Everything is computed from the images' Gram matrix, so that the number of features matters only
once; and the folds are prepared once for all responses that are fitted with them, those of the
neurons as well as those with shuffled images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from signseg_rig.errors import ConfigError
from signseg_rig.neurons.folds import assign_folds, assign_inner_folds, groups_of
from signseg_rig.neurons.pls import component_limit
from signseg_rig.neurons.pls_components import find_components
from signseg_rig.values import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Fold:
    """One split into images for fitting and images for testing.

    Parameters
    ----------
    train, test : int arrays
        Numbers of images.
    within : (n_train, n_train) or (n_train,) float array
        The kernel of the images for fitting, centred by their mean; its eigenvalues where there is
        a basis.
    across : (n_test, n_train) float array
        The kernel between both, centred by the same mean.
    basis : (n_train, n_train) float array, optional
        Orthonormal columns in which responses and kernels are expressed.
    """

    train: IntArray
    test: IntArray
    within: FloatArray
    across: FloatArray
    basis: FloatArray | None = None

    @classmethod
    def split(cls, gram: FloatArray, train: IntArray, test: IntArray) -> Fold:
        """Take the kernels out of the Gram matrix of all images."""
        within, across = gram[np.ix_(train, train)], gram[np.ix_(test, train)]
        mean = within.mean(axis=0)
        return cls(
            train=train,
            test=test,
            within=within - mean - mean[:, None] + mean.mean(),
            across=across - mean - across.mean(axis=1, keepdims=True) + mean.mean(),
        )

    def diagonalized(self) -> Fold:
        """Express the kernels in the eigenvectors of `within`: worth it for many responses."""
        eigenvalues, basis = np.linalg.eigh(self.within)
        return replace(self, within=eigenvalues, across=self.across @ basis, basis=basis)

    def predict(self, responses: FloatArray, n_components: int) -> FloatArray:
        """Predict the images for testing, with every number of components up to the largest.

        Parameters
        ----------
        responses : (n_units, n_images) float array
            To all images; those to the images for testing are not looked at.
        n_components : int

        Returns
        -------
        predictions : (n_units, n_components, n_test) float array
        """
        return self._predict(responses, n_components, self.across)

    def describe(self, responses: FloatArray, n_components: int) -> FloatArray:
        """Predict the images for fitting likewise; returns (n_units, n_components, n_train)."""
        return self._predict(responses, n_components, self.within)

    def _predict(self, responses: FloatArray, n_components: int, carrier: FloatArray) -> FloatArray:
        known = responses[:, self.train]
        mean = known.mean(axis=1, keepdims=True)
        centred = known - mean
        if self.basis is not None:
            centred = centred @ self.basis
        components = find_components(self.within, centred, n_components, carrier)
        return mean[:, None] + components.steps().cumsum(axis=1)


@dataclass(frozen=True, slots=True)
class NestedPls:
    """The folds of a nested cross-validation, ready for any responses to the same images.

    Parameters
    ----------
    outer : tuple of Fold
    inner : tuple of tuples of Fold
        Those of each outer fold, which divide its images for fitting.
    candidates : (n_candidates,) int array, ascending
        The numbers of components to choose from.
    """

    outer: tuple[Fold, ...]
    inner: tuple[tuple[Fold, ...], ...]
    candidates: IntArray

    @classmethod
    def prepare(
        cls,
        features: FloatArray,
        *,
        n_components: Sequence[int],
        n_folds: int,
        rng: np.random.Generator,
        groups: Sequence[object] | None = None,
    ) -> NestedPls:
        """Draw the folds and compute their kernels.

        Parameters
        ----------
        features : (n_images, n_features) float array
        n_components : sequence of int, at least 1
            Numbers that the smallest of the inner fits cannot have are left out.
        n_folds : int
            Of the outer cross-validation; the inner one has 5.
        rng : numpy.random.Generator
        groups : sequence of n_images hashable, optional
            Images of one group are never on both sides of a split.

        Raises
        ------
        ConfigError
            There are too few images or groups for so many folds, or no number of components.
        """
        gram = _gram(features)
        everything = np.arange(len(gram))
        numbers = assign_folds(len(gram), n_folds, rng, groups)
        outer = _folds(gram, everything, numbers)
        inner = tuple(_inner_folds(gram, fold.train, rng, groups) for fold in outer)
        n_least = min(len(fold.train) for folds in inner for fold in folds)
        return cls(outer, inner, _candidates(n_components, n_least, features.shape[1]))

    def diagonalized(self) -> NestedPls:
        """Prepare for many responses, see `Fold.diagonalized`."""
        return replace(
            self,
            outer=tuple(fold.diagonalized() for fold in self.outer),
            inner=tuple(tuple(fold.diagonalized() for fold in folds) for folds in self.inner),
        )

    def predict(self, responses: FloatArray) -> tuple[FloatArray, IntArray]:
        """Predict every image from the others, with components chosen among the others.

        Parameters
        ----------
        responses : (n_units, n_images) float array

        Returns
        -------
        predictions : (n_units, n_images) float array
        n_components : (n_folds, n_units) int array
            The numbers that were chosen.
        """
        predictions = np.empty_like(responses)
        chosen = np.empty((len(self.outer), len(responses)), dtype=np.int64)
        for index, (fold, inner) in enumerate(zip(self.outer, self.inner, strict=True)):
            chosen[index] = choose_components(inner, responses, self.candidates)
            path = fold.predict(responses, int(chosen[index].max(initial=1)))
            predictions[:, fold.test] = at_components(path, chosen[index])
        return predictions, chosen


def choose_components(
    folds: Sequence[Fold], responses: FloatArray, candidates: IntArray
) -> IntArray:
    """Choose each neuron's number of components by cross-validation.

    Parameters
    ----------
    folds : sequence of Fold
    responses : (n_units, n_images) float array
    candidates : (n_candidates,) int array, ascending

    Returns
    -------
    n_components : (n_units,) int array
        The candidate with the least squared error; of equals the smallest.
    """
    error = np.zeros((len(responses), len(candidates)))
    for fold in folds:
        predicted = fold.predict(responses, int(candidates[-1]))[:, candidates - 1]
        error += ((predicted - responses[:, None, fold.test]) ** 2).sum(axis=2)
    return candidates[error.argmin(axis=1)]


def choose_on_all(
    features: FloatArray,
    responses: FloatArray,
    *,
    n_components: Sequence[int],
    rng: np.random.Generator,
    groups: Sequence[object] | None = None,
) -> IntArray:
    """Choose each neuron's number of components by 5-fold cross-validation of all images.

    Parameters
    ----------
    features : (n_images, n_features) float array
    responses : (n_units, n_images) float array
    n_components, rng, groups
        See `NestedPls.prepare`.

    Returns
    -------
    n_components : (n_units,) int array
    """
    gram = _gram(features)
    folds = _inner_folds(gram, np.arange(len(gram)), rng, groups)
    n_least = min(len(fold.train) for fold in folds)
    return choose_components(
        folds, responses, _candidates(n_components, n_least, features.shape[1])
    )


def at_components(path: FloatArray, n_components: IntArray) -> FloatArray:
    """Take each neuron's predictions (n_units, n_images) with its own number of components."""
    return path[np.arange(len(path)), n_components - 1]


def _gram(features: FloatArray) -> FloatArray:
    # Every fold centres it anew; the mean of all images is taken off to lose fewer digits.
    centred = features - features.mean(axis=0)
    return centred @ centred.T


def _folds(gram: FloatArray, images: IntArray, numbers: IntArray) -> tuple[Fold, ...]:
    return tuple(
        Fold.split(gram, images[numbers != number], images[numbers == number])
        for number in range(numbers.max() + 1)
    )


def _inner_folds(
    gram: FloatArray,
    images: IntArray,
    rng: np.random.Generator,
    groups: Sequence[object] | None,
) -> tuple[Fold, ...]:
    numbers = assign_inner_folds(len(images), rng, groups_of(images, groups))
    return _folds(gram, images, numbers)


def _candidates(n_components: Sequence[int], n_images: int, n_features: int) -> IntArray:
    numbers = np.unique(np.asarray(n_components))
    if np.ndim(n_components) != 1 or numbers.dtype.kind not in "iu" or (numbers < 1).any():
        raise ConfigError(
            "n_components should be a sequence of integers of at least 1 to choose from, such as "
            f"range(1, 26) or [5]; got {n_components!r}."
        )
    limit = component_limit(n_images, n_features)
    candidates = numbers[numbers <= limit]
    if not candidates.size:
        raise ConfigError(
            f"n_components should name a number from 1 to {limit}, which the smallest inner fold "
            f"of {n_images} images allows; got {list(n_components)}."
        )
    return candidates.astype(np.int64)
