"""Check that an optimizer keeps the rules of `Optimizer`; a plugin's test is one call.

::

    def test_my_optimizer():
        check_optimizer(lambda rng: MyOptimizer(MySettings(), n_dims=12, rng=rng))
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from signseg_rig.errors import OptimizerError
from signseg_rig.interfaces import Optimizer
from signseg_rig.values import FloatArray

N_GENERATIONS = 6
MakeOptimizer = Callable[[np.random.Generator], Optimizer]


def check_optimizer(make: MakeOptimizer) -> None:
    """Run all checks.

    Parameters
    ----------
    make : callable
        Makes the optimizer with the random generator that it is given.

    Raises
    ------
    AssertionError
        A sentence says which rule is broken.
    """
    _check_codes(make)
    _check_replay(make)
    _check_ranks(make)
    _check_order_of_telling(make)
    _check_silence(make)
    _check_some_unscored(make)
    _check_refusals(make)
    _check_global_state(make)


def trajectory(
    make: MakeOptimizer, score: Callable[[FloatArray], FloatArray], *, seed: int = 0
) -> list[FloatArray]:
    """Return the codes of some generations of an optimizer that is told scores of a function."""
    optimizer = make(np.random.default_rng(seed))
    asked = []
    for _ in range(N_GENERATIONS):
        codes = optimizer.ask()
        asked.append(codes)
        optimizer.tell(codes, score(codes))
    return asked


def _sphere(codes: FloatArray) -> FloatArray:
    scores: FloatArray = -((codes - 0.5) ** 2).sum(axis=1)
    return scores


def _same(first: list[FloatArray], second: list[FloatArray]) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def _check_codes(make: MakeOptimizer) -> None:
    optimizer = make(np.random.default_rng(0))
    codes = optimizer.ask()
    shape = (optimizer.n_codes, optimizer.n_dims)
    assert codes.shape == shape, f"ask() gives codes of shape {codes.shape}, not {shape}."
    assert codes.dtype == np.float64, f"Codes are float64; got {codes.dtype}."
    assert np.isfinite(codes).all(), "A code is not finite."
    assert len(np.unique(codes, axis=0)) > 1, "All codes of a generation are the same."


def _check_replay(make: MakeOptimizer) -> None:
    assert _same(trajectory(make, _sphere), trajectory(make, _sphere)), (
        "With the same random generator and scores it asks other codes: a run cannot be resumed."
    )
    assert not _same(trajectory(make, _sphere), trajectory(make, _sphere, seed=1)), (
        "With another seed it asks the same codes: it does not use the generator that it is given."
    )


def _check_ranks(make: MakeOptimizer) -> None:
    codes = [np.argsort(_sphere(one)) for one in trajectory(make, lambda one: 7 * _sphere(one) - 3)]
    expected = [np.argsort(_sphere(one)) for one in trajectory(make, _sphere)]
    assert all(np.array_equal(*pair) for pair in zip(codes, expected, strict=True)), (
        "Scores in other units (times 7, minus 3) change what it does."
    )


def _check_order_of_telling(make: MakeOptimizer) -> None:
    first, second = make(np.random.default_rng(0)), make(np.random.default_rng(0))
    shuffle = np.random.default_rng(1)
    for _ in range(N_GENERATIONS):
        codes, same_codes = first.ask(), second.ask()
        assert np.array_equal(codes, same_codes), "The order of (code, score) pairs matters."
        order = shuffle.permutation(len(codes))
        first.tell(codes, _sphere(codes))
        second.tell(codes[order], _sphere(codes)[order])


def _check_silence(make: MakeOptimizer) -> None:
    optimizer = make(np.random.default_rng(0))
    for _ in range(50):
        codes = optimizer.ask()
        optimizer.tell(codes, np.zeros(len(codes)))
    assert np.isfinite(optimizer.ask()).all(), "A silent neuron drives its codes to infinity."


def _check_some_unscored(make: MakeOptimizer) -> None:
    optimizer = make(np.random.default_rng(0))
    for n_scored in (1, 2, optimizer.n_codes // 2, optimizer.n_codes):
        codes = optimizer.ask()[:n_scored]
        optimizer.tell(codes, _sphere(codes))
    assert np.isfinite(optimizer.ask()).all(), "Told about few codes it asks something not finite."


def _check_refusals(make: MakeOptimizer) -> None:
    bad_scores = {"NaN": np.nan, "infinity": np.inf}
    for name, value in bad_scores.items():
        optimizer = make(np.random.default_rng(0))
        codes = optimizer.ask()
        scores = _sphere(codes)
        scores[0] = value
        _expect_refusal(optimizer, codes, scores, f"a score of {name}")
    optimizer = make(np.random.default_rng(0))
    codes = optimizer.ask()
    _expect_refusal(optimizer, codes, _sphere(codes)[:-1], "fewer scores than codes")
    _expect_refusal(optimizer, codes[:, :-1], _sphere(codes), "codes with a dimension less")


def _expect_refusal(optimizer: Optimizer, codes: FloatArray, scores: FloatArray, what: str) -> None:
    try:
        optimizer.tell(codes, scores)
    except OptimizerError:
        return
    raise AssertionError(f"Told {what}, it raises no OptimizerError.")


def _check_global_state(make: MakeOptimizer) -> None:
    before = np.random.get_state()  # noqa: NPY002 - to see that nobody touches it
    trajectory(make, _sphere)
    after = np.random.get_state()  # noqa: NPY002
    is_same = all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    assert is_same, "It touches NumPy's global random generator."
