"""Evolve preferred images in one process, without clock, sockets or screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from signseg_rig.errors import ConfigError
from signseg_rig.interfaces import Generator, Optimizer
from signseg_rig.values import FloatArray, ImageArray

# Rendered at a time: a sweep may advance hundreds of evolutions, and their images are large.
MAX_IMAGES = 256


@dataclass(frozen=True, slots=True, eq=False)
class Evolution:
    """What an evolution came to.

    Parameters
    ----------
    best_code : (n_dims,) float array
        Of the highest score of all generations.
    best_image : (height, width, 3) uint8 array
    best_score : float
    scores : (n_generations, n_codes) float array
    """

    best_code: FloatArray
    best_image: ImageArray
    best_score: float
    scores: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """One of several evolutions that advance together.

    Parameters
    ----------
    optimizer : Optimizer
        Its own: nothing of it is shared, so that the others do not matter to what it finds.
    score : callable
        ``score(seen)`` gives the scores, (n,), of n rows of what `evolve_together` sees in images.
    """

    optimizer: Optimizer
    score: Callable[[Any], FloatArray]


def evolve(
    generator: Generator,
    score: Callable[[ImageArray], FloatArray],
    optimizer: Optimizer,
    n_generations: int,
    *,
    on_generation: Callable[[int], None] = lambda _n_done: None,
) -> Evolution:
    """Evolve an image towards the highest score.

    Parameters
    ----------
    generator : Generator
    score : callable
        ``score(images)`` gives the scores, (n,), of images (n, height, width, 3); higher is better.
    optimizer : Optimizer
        Of as many dimensions as the generator's codes have.
    n_generations : int, > 0
    on_generation : callable
        Called with how many generations are done.

    Returns
    -------
    evolution : Evolution

    Raises
    ------
    ConfigError
        Optimizer and generator do not fit together, or a score is not finite.

    Examples
    --------
    >>> from signseg_rig.generators import load_generator
    >>> from signseg_rig.optimizers import make_optimizer
    >>> generator = load_generator("dcgan_faces")
    >>> optimizer = make_optimizer("cma_es", n_dims=generator.n_dims, seed=1, n_codes=8)
    >>> result = evolve(generator, lambda images: images.mean(axis=(1, 2, 3)), optimizer, 5)
    >>> result.scores.shape, result.best_image.shape
    ((5, 8), (64, 64, 3))
    """

    def seen(images: ImageArray) -> ImageArray:
        return images

    (evolution,) = evolve_together(
        generator, seen, [Search(optimizer, score)], n_generations, on_generation=on_generation
    )
    return evolution


def evolve_together(
    generator: Generator,
    see: Callable[[ImageArray], Any],
    searches: Sequence[Search],
    n_generations: int,
    *,
    on_generation: Callable[[int], None] = lambda _n_done: None,
) -> list[Evolution]:
    """Evolve several images side by side, each generation of all in the same batches.

    Each comes out exactly as it would alone, given a generator and a `see` whose results for an
    image do not depend on the others; those of this toolkit are such.

    Parameters
    ----------
    generator : Generator
    see : callable
        ``see(images)`` gives what all searches score, such as a network's features: an array with
        a row for each image.
    searches : sequence of Search
    n_generations : int, > 0
    on_generation : callable
        Called with how many generations are done.

    Returns
    -------
    evolutions : list of Evolution

    Raises
    ------
    ConfigError
        An optimizer and the generator do not fit together, or a score is not finite.
    """
    _check(generator, searches, n_generations)
    trackers = [_Tracker(search) for search in searches]
    for generation in range(n_generations):
        for portion in _portions(trackers):
            codes = [tracker.search.optimizer.ask() for tracker in portion]
            images = generator.render(np.concatenate(codes))
            seen = see(images)
            first = 0
            for tracker, own in zip(portion, codes, strict=True):
                rows = slice(first, first + len(own))
                tracker.tell(own, images[rows], seen[rows], generation)
                first += len(own)
        on_generation(generation + 1)
    return [tracker.result() for tracker in trackers]


class _Tracker:
    """Keeps the best image and every score of one search."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self._scores: list[FloatArray] = []
        self._best: tuple[float, FloatArray, ImageArray] | None = None

    def tell(self, codes: FloatArray, images: ImageArray, seen: Any, generation: int) -> None:
        scores = np.asarray(self.search.score(seen), dtype=np.float64)
        if scores.shape != (len(codes),) or not np.isfinite(scores).all():
            raise ConfigError(
                f"Scores should be {len(codes)} finite numbers; generation {generation} got an "
                f"array of shape {scores.shape} with {np.count_nonzero(~np.isfinite(scores))} that "
                "are not finite. Look for a network or readout with values that are not finite."
            )
        self.search.optimizer.tell(codes, scores)
        self._scores.append(scores)
        best = int(scores.argmax())
        if self._best is None or scores[best] > self._best[0]:
            self._best = float(scores[best]), codes[best].copy(), images[best].copy()

    def result(self) -> Evolution:
        if self._best is None:
            raise ConfigError("An evolution needs at least one generation.")
        score, code, image = self._best
        return Evolution(code, image, score, np.array(self._scores))


def _portions(trackers: Sequence[_Tracker]) -> Iterator[list[_Tracker]]:
    portion: list[_Tracker] = []
    n_images = 0
    for tracker in trackers:
        n_codes = tracker.search.optimizer.n_codes
        if portion and n_images + n_codes > MAX_IMAGES:
            yield portion
            portion, n_images = [], 0
        portion.append(tracker)
        n_images += n_codes
    if portion:
        yield portion


def _check(generator: Generator, searches: Sequence[Search], n_generations: int) -> None:
    if n_generations < 1:
        raise ConfigError(f"n_generations should be at least 1; got {n_generations}.")
    for search in searches:
        if search.optimizer.n_dims != generator.n_dims:
            raise ConfigError(
                f"The generator's codes have {generator.n_dims} dimensions, and those of an "
                f"optimizer {search.optimizer.n_dims}. Make it with n_dims={generator.n_dims}."
            )
