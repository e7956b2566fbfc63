"""CMA-ES: it climbs, it does not care about scale, silence or missing scores."""

import os
import subprocess
import sys

import numpy as np
import pytest

from signseg_rig.errors import ConfigError, OptimizerError, PluginNotFoundError
from signseg_rig.optimizers import make_optimizer
from signseg_rig.values import FloatArray

TARGET = np.linspace(-1, 1, 20)


def sphere(codes: FloatArray) -> FloatArray:
    return -((codes - TARGET) ** 2).sum(axis=1)


def best_after(
    kind: str, n_generations: int, *, n_told: int | None = None, **settings: float
) -> float:
    optimizer = make_optimizer(kind, n_dims=20, seed=3, n_codes=20, **settings)
    best = -np.inf
    for generation in range(n_generations):
        codes = optimizer.ask()
        scores = sphere(codes)
        best = max(best, scores.max())
        rows = np.random.default_rng(generation).permutation(20)[:n_told]
        optimizer.tell(codes[rows], scores[rows])
    return float(best)


def test_finds_the_top_of_a_hill_of_known_place() -> None:
    assert best_after("cma_es", 150) > -1e-3


def test_climbs_higher_than_random_search() -> None:
    assert best_after("cma_es", 60) > best_after("genetic", 60) > best_after("random_search", 60)


def test_climbs_though_half_of_the_scores_are_missing() -> None:
    assert best_after("cma_es", 60, n_told=10) > best_after("random_search", 60) / 4


def drift_towards_scored(fill: float | None) -> tuple[float, float]:
    """Mean move (up the score, away from the unscored), when only half of the codes get a score."""
    moves = []
    for seed in range(300):
        optimizer = make_optimizer("cma_es", n_dims=2, seed=seed, n_codes=30)
        codes = optimizer.ask()
        scores = codes[:, 0].copy()
        is_told = codes[:, 1] < 0
        if fill is None:
            optimizer.tell(codes[is_told], scores[is_told])
        else:
            optimizer.tell(codes, np.where(is_told, scores, fill))
        moves.append(optimizer.ask().mean(axis=0))
    right, up = np.mean(moves, axis=0)
    return float(right), float(-up)


def test_unscored_codes_count_neither_as_good_nor_as_bad() -> None:
    ours, as_bad, as_good = (drift_towards_scored(fill) for fill in (None, -99.0, 99.0))
    assert ours[0] > 0.3
    assert as_good[1] < 0 < ours[1] < as_bad[1]


@pytest.mark.parametrize(("n_dims", "is_diagonal"), [(20, False), (512, False), (513, True)])
def test_covariance_is_full_where_that_can_be_afforded(n_dims: int, is_diagonal: bool) -> None:
    optimizer = make_optimizer("cma_es", n_dims=n_dims)
    assert optimizer.is_diagonal is is_diagonal


def test_codes_of_another_generation_are_refused() -> None:
    optimizer = make_optimizer("cma_es", n_dims=4)
    old = optimizer.ask()
    optimizer.tell(old, np.arange(40.0))
    optimizer.ask()
    with pytest.raises(OptimizerError, match="last ask"):
        optimizer.tell(old, np.arange(40.0))


def test_code_told_twice_is_refused() -> None:
    optimizer = make_optimizer("cma_es", n_dims=4)
    codes = optimizer.ask()
    with pytest.raises(OptimizerError, match="each once"):
        optimizer.tell(codes[[0, 0]], np.zeros(2))


def test_nothing_told_changes_nothing() -> None:
    first, second = (make_optimizer("cma_es", n_dims=4, seed=1) for _ in range(2))
    first.tell(first.ask()[:0], np.empty(0))
    second.ask()
    assert np.array_equal(first.ask(), second.ask())


def test_changing_the_codes_that_were_given_away_changes_nothing() -> None:
    first, second = (make_optimizer("cma_es", n_dims=4, seed=1) for _ in range(2))
    codes = first.ask()
    scores = codes[:, 0].copy()
    first.tell(codes.copy(), scores)
    codes[:] = 99
    second.tell(second.ask(), scores)
    assert np.array_equal(first.ask(), second.ask())


@pytest.mark.parametrize("settings", [{"sigma": 1.0}, {"sigma0": -1.0}, {"n_codes": 1}])
def test_wrong_settings_are_a_sentence(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="sigma0"):
        make_optimizer("cma_es", n_dims=4, **settings)


def test_unknown_optimizer_lists_the_known() -> None:
    with pytest.raises(PluginNotFoundError, match="random_search"):
        make_optimizer("cma-es", n_dims=4)


def test_one_dimension_is_refused() -> None:
    with pytest.raises(OptimizerError, match="2 dimensions"):
        make_optimizer("cma_es", n_dims=1)


HASH_OF_CODES = """
import hashlib
from signseg_rig.optimizers import make_optimizer

optimizer = make_optimizer("cma_es", n_dims=256, seed=1, n_codes=28)
for _ in range(20):
    codes = optimizer.ask()
    optimizer.tell(codes, -((codes - 1) ** 2).sum(axis=1))
print(hashlib.sha256(optimizer.ask().tobytes()).hexdigest())
"""


def test_codes_do_not_depend_on_how_many_threads_numpy_may_use() -> None:
    hashes = {
        subprocess.run(
            [sys.executable, "-c", HASH_OF_CODES],
            env={**os.environ, "OPENBLAS_NUM_THREADS": n_threads},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for n_threads in ("1", "2")
    }
    assert len(hashes) == 1
