"""Evolutions rise, and each comes out the same alone as in company."""

import numpy as np
import pytest

from signseg_rig.errors import ConfigError
from signseg_rig.generators import load_generator
from signseg_rig.networks import load_network
from signseg_rig.optimizers import make_optimizer
from signseg_rig.search import Search, evolution, evolve, evolve_together
from signseg_rig.testing.synthetic import LinearGenerator, LinearGeneratorSettings


@pytest.fixture
def generator():
    return LinearGenerator(LinearGeneratorSettings(n_dims=12, image_size_px=8))


def optimizer(seed, n_codes=10):
    return make_optimizer("cma_es", n_dims=12, seed=seed, n_codes=n_codes)


def brightness(channel):
    return lambda images: images[..., channel].mean(axis=(1, 2))


def test_rises_and_keeps_the_best_of_all_generations(generator):
    told = []
    result = evolve(generator, brightness(0), optimizer(1), 30, on_generation=told.append)
    assert told == list(range(1, 31))
    assert result.scores.shape == (30, 10)
    assert result.scores[-5:].mean() > result.scores[:3].mean() + 5
    assert result.best_score == result.scores.max()
    np.testing.assert_array_equal(generator.render(result.best_code[None])[0], result.best_image)
    assert brightness(0)(result.best_image[None])[0] == result.best_score


def test_equals_a_loop_by_hand(generator):
    result = evolve(generator, brightness(1), optimizer(3), 6)
    by_hand = optimizer(3)
    for generation in range(6):
        codes = by_hand.ask()
        scores = brightness(1)(generator.render(codes))
        np.testing.assert_array_equal(result.scores[generation], scores)
        by_hand.tell(codes, scores)


@pytest.mark.parametrize("max_images", [1, 25, 1000])
def test_company_changes_nothing(generator, monkeypatch, max_images):
    monkeypatch.setattr(evolution, "MAX_IMAGES", max_images)
    sizes = [10, 14, 6, 10]
    searches = [
        Search(optimizer(seed, n_codes), brightness(seed % 3)) for seed, n_codes in enumerate(sizes)
    ]
    together = evolve_together(generator, lambda images: images, searches, 5)
    for seed, n_codes in enumerate(sizes):
        alone = evolve(generator, brightness(seed % 3), optimizer(seed, n_codes), 5)
        np.testing.assert_array_equal(together[seed].scores, alone.scores)
        np.testing.assert_array_equal(together[seed].best_code, alone.best_code)
        np.testing.assert_array_equal(together[seed].best_image, alone.best_image)


@pytest.mark.parametrize("batch_size", [1, 7])
def test_company_changes_nothing_for_a_real_network(batch_size):
    generator = load_generator("dcgan_faces", batch_size=batch_size)
    network = load_network("efficientnet_lite0", input_size_px=32, batch_size=batch_size)
    weights = network.readout.weights

    def search(unit):
        made = make_optimizer("cma_es", n_dims=generator.n_dims, seed=unit, n_codes=5)
        return Search(made, lambda features: features @ weights[unit])

    together = evolve_together(generator, network.features, [search(0), search(9)], 2)
    (alone,) = evolve_together(generator, network.features, [search(9)], 2)
    np.testing.assert_array_equal(together[1].scores, alone.scores)
    np.testing.assert_array_equal(together[1].best_image, alone.best_image)


def test_says_what_does_not_fit(generator):
    with pytest.raises(ConfigError, match="codes have 12 dimensions, and those of an optimizer 5"):
        evolve(generator, brightness(0), make_optimizer("cma_es", n_dims=5), 3)
    with pytest.raises(ConfigError, match="at least 1; got 0"):
        evolve(generator, brightness(0), optimizer(0), 0)
    with pytest.raises(ConfigError, match=r"generation 0 got .*10 that are not finite"):
        evolve(generator, lambda images: np.full(len(images), np.nan), optimizer(0), 3)
    with pytest.raises(ConfigError, match=r"shape \(10, 1\)"):
        evolve(generator, lambda images: np.zeros((len(images), 1)), optimizer(0), 3)


def test_other_peoples_code_finds_it_where_it_was() -> None:
    from signseg_rig import visualization

    assert visualization.evolve is evolve
