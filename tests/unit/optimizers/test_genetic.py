"""The genetic algorithm against what its description says."""

import math

import numpy as np
import pytest
from scipy import stats

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
    nearly_zero = 1e-12
    optimizer = make_optimizer(
        "genetic",
        n_dims=2000,
        n_codes=20,
        sigma0=nearly_zero,
        n_conserved=0,
        mutation_rate=0.3,
        mutation_size=0.5,
    )
    optimizer.tell(optimizer.ask(), np.zeros(20))
    children = optimizer.ask()
    changed = children[np.abs(children) > 100 * nearly_zero]
    assert changed.size / children.size == pytest.approx(0.3, abs=0.01)
    assert changed.std() == pytest.approx(0.5, abs=0.01)


def parent_shares(scores: np.ndarray, temperature: float) -> np.ndarray:
    """Compute who should be a parent how often, step by step as XDream describes it."""
    ranked = sorted(scores, reverse=True)
    position = 0.05 * (len(scores) - 1)
    below, above = ranked[int(position) + 1], ranked[int(position)]
    cut = above + (below - above) * (position - int(position))
    mean = sum(scores) / len(scores)
    deviation = (sum((score - mean) ** 2 for score in scores) / len(scores)) ** 0.5
    fitness = [math.exp((min(score, cut) - cut) / (temperature * deviation)) for score in scores]
    return np.array(fitness) / sum(fitness)


@pytest.mark.parametrize("temperature", [2.0, 0.5])
def test_codes_are_parents_as_often_as_their_scores_ask(temperature: float) -> None:
    n_codes = 400
    optimizer = make_optimizer(
        "genetic",
        n_dims=1,
        n_codes=n_codes,
        n_conserved=0,
        temperature=temperature,
        parental_skew=1.0,
        mutation_rate=0.0,
    )
    codes = optimizer.ask()
    scores = np.random.default_rng(1).standard_normal(n_codes)
    scores[:3] = 50.0  # bursts
    optimizer.tell(codes, scores)
    children = optimizer.ask()
    # In groups of neighbouring scores, so that each is large enough for the test.
    groups = np.array_split(np.argsort(scores), 10)
    counts = [np.isin(children, codes[group]).sum() for group in groups]
    shares = [parent_shares(scores, temperature)[group].sum() for group in groups]
    assert stats.chisquare(counts, np.array(shares) * n_codes).pvalue > 0.001


def test_one_burst_of_spikes_does_not_father_a_generation() -> None:
    optimizer = make_optimizer(
        "genetic", n_dims=400, n_codes=40, n_conserved=0, temperature=0.2, mutation_rate=0.0
    )
    codes = optimizer.ask()
    scores = np.random.default_rng(1).standard_normal(40)
    scores[7] = 1000.0
    optimizer.tell(codes, scores)
    expected = parent_shares(scores, 0.2)[7]
    assert (optimizer.ask() == codes[7]).mean() == pytest.approx(expected, abs=0.06)
    assert expected < 0.1


@pytest.mark.parametrize("n_told", [0, 1, 3, 5, 12])
def test_codes_without_a_score_are_shown_again(n_told: int) -> None:
    optimizer = make_optimizer("genetic", n_dims=6, n_codes=12, n_conserved=3)
    codes = optimizer.ask()
    told, unscored = codes[12 - n_told :], codes[: 12 - n_told]
    optimizer.tell(told, told[:, 0])
    again = optimizer.ask()
    n_best = min(n_told, 3)
    assert len(again) == 12
    assert np.array_equal(again[n_told:], unscored)
    assert np.array_equal(again[:n_best], told[np.argsort(-told[:, 0])[:n_best]])
    children = again[n_best:n_told]
    assert len(children) == n_told - n_best
    assert not (children[:, None] == codes).all(axis=2).any()


def test_nothing_new_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match="n_conserved"):
        make_optimizer("genetic", n_dims=3, n_codes=10, n_conserved=10)
