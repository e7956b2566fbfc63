"""The genetic algorithm against what its description says."""

import numpy as np
import pytest

from signseg_rig.errors import ConfigError
from signseg_rig.optimizers import make_optimizer


def test_the_best_codes_are_shown_again() -> None:
    optimizer = make_optimizer("genetic", n_dims=6, n_codes=12, n_conserved=3)
    codes = optimizer.ask()
    scores = codes[:, 0]
    optimizer.tell(codes, scores)
    best = codes[np.argsort(-scores)[:3]]
    assert np.array_equal(optimizer.ask()[:3], best)


def test_children_are_made_of_their_parents_where_nothing_mutates() -> None:
    optimizer = make_optimizer("genetic", n_dims=6, n_codes=12, n_conserved=0, mutation_rate=0.0)
    codes = optimizer.ask()
    optimizer.tell(codes, codes[:, 0])
    children = optimizer.ask()
    for child in children:
        assert all(element in codes[:, column] for column, element in enumerate(child))


def test_share_of_mutated_elements_and_size_are_those_of_the_settings() -> None:
    optimizer = make_optimizer(
        "genetic", n_dims=2000, n_codes=20, n_conserved=0, mutation_rate=0.3, mutation_size=0.5
    )
    codes = np.zeros_like(optimizer.ask())
    optimizer._asked = codes + np.arange(20)[:, None] * 0.0  # all parents alike
    optimizer._next = optimizer._asked
    first = optimizer.ask()[:1]
    optimizer.tell(first, np.zeros(1))
    mutations = optimizer.ask()
    changed = mutations[mutations != 0]
    assert changed.size / mutations.size == pytest.approx(0.3, abs=0.01)
    assert changed.std() == pytest.approx(0.5, abs=0.01)


def test_better_codes_are_parents_more_often() -> None:
    optimizer = make_optimizer("genetic", n_dims=400, n_codes=40, n_conserved=0, mutation_rate=0.0)
    codes = optimizer.ask()
    scores = np.zeros(40)
    scores[7] = 1.0
    optimizer.tell(codes, scores)
    share = (optimizer.ask() == codes[7]).mean()
    spread = scores.std() * 2.0
    expected = 1 / (1 + 39 * np.exp(-1 / spread))
    assert share == pytest.approx(expected, abs=0.1)
    assert share > 3 / 40


def test_nothing_new_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match="n_conserved"):
        make_optimizer("genetic", n_dims=3, n_codes=10, n_conserved=10)
