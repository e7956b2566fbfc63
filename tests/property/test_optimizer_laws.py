"""Laws of optimizers: order of pairs and monotone maps of scores do not matter, replay is exact."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signseg_rig.optimizers import make_optimizer

KINDS = ["cma_es", "genetic", "random_search"]
SCORES = st.lists(st.lists(st.integers(-50, 50), min_size=6, max_size=6), min_size=1, max_size=4)


def ask_all(kind: str, scores: list[list[int]], change=lambda codes, values: (codes, values)):  # type: ignore[no-untyped-def]
    optimizer = make_optimizer(kind, n_dims=3, seed=2, n_codes=6, **_small(kind))
    asked = []
    for generation in scores:
        codes = optimizer.ask()
        asked.append(codes)
        optimizer.tell(*change(codes, np.array(generation, dtype=float)))
    return [*asked, optimizer.ask()]


def _small(kind: str) -> dict[str, int]:
    return {"n_conserved": 2} if kind == "genetic" else {}


def same(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("kind", KINDS)
@given(scores=SCORES)
@settings(max_examples=25, deadline=None)
def test_replay_is_exact(kind: str, scores: list[list[int]]) -> None:
    assert same(ask_all(kind, scores), ask_all(kind, scores))


@pytest.mark.parametrize("kind", KINDS)
@given(scores=SCORES, order=st.permutations(range(6)))
@settings(max_examples=25, deadline=None)
def test_order_of_pairs_does_not_matter(
    kind: str, scores: list[list[int]], order: list[int]
) -> None:
    shuffled = ask_all(kind, scores, lambda codes, values: (codes[order], values[order]))
    assert same(ask_all(kind, scores), shuffled)


@given(scores=SCORES)
@settings(max_examples=25, deadline=None)
def test_cma_es_knows_ranks_only(scores: list[list[int]]) -> None:
    mapped = ask_all("cma_es", scores, lambda codes, values: (codes, np.exp(values / 20) - 3))
    assert same(ask_all("cma_es", scores), mapped)


@given(scores=SCORES, scale=st.sampled_from([0.25, 2.0, 1024.0]))
@settings(max_examples=25, deadline=None)
def test_genetic_does_not_know_the_unit_of_the_scores(
    scores: list[list[int]], scale: float
) -> None:
    mapped = ask_all("genetic", scores, lambda codes, values: (codes, values * scale))
    assert same(ask_all("genetic", scores), mapped)
