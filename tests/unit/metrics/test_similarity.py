import itertools

import numpy as np
import pytest

from signseg_rig.errors import ConfigError, WeightsError
from signseg_rig.interfaces import MetricContext
from signseg_rig.metrics.similarity import (
    RepresentationalSimilarity,
    SimilaritySettings,
    mean_cosine,
)
from signseg_rig.networks import load_network

SMALL = {"kind": "efficientnet_lite0", "input_size_px": 64}
LARGER = {"kind": "efficientnet_lite0", "input_size_px": 96}


def ensemble(*networks):
    return RepresentationalSimilarity(SimilaritySettings(networks=networks))


@pytest.fixture(scope="module")
def two():
    return ensemble(SMALL, LARGER)


@pytest.fixture(scope="module")
def sets():
    """Condition, intact and random images: the first two are noisy copies of one image."""
    rng = np.random.default_rng(0)
    image = np.kron(rng.integers(0, 256, (1, 4, 4, 3)), np.ones((1, 16, 16, 1)))
    intact = image + rng.normal(0, 20, (4, 64, 64, 3))
    noisy = image + rng.normal(0, 40, (3, 64, 64, 3))
    random = np.kron(rng.integers(0, 256, (5, 4, 4, 3)), np.ones((1, 16, 16, 1)))
    return [np.clip(one, 0, 255).astype(np.uint8) for one in (noisy, intact, random)]


def cosine(u, v):
    return sum(u * v) / np.sqrt(sum(u * u) * sum(v * v))


def brute_force(a, b=None):
    pairs = itertools.combinations(a, 2) if b is None else itertools.product(a, b)
    return np.mean([cosine(u, v) for u, v in pairs])


def test_mean_cosine_is_that_of_every_pair(rng):
    a, b = rng.normal(1, 1, (5, 7)), rng.normal(size=(3, 7))
    assert mean_cosine(a, b) == pytest.approx(brute_force(a, b))
    assert mean_cosine(a) == pytest.approx(brute_force(a))


def test_a_row_without_direction_has_no_pairs(rng):
    a, b = rng.normal(size=(4, 3)), rng.normal(size=(2, 3))
    with_zeros = np.insert(a, 1, 0, axis=0)
    assert mean_cosine(with_zeros, b) == pytest.approx(mean_cosine(a, b))
    assert mean_cosine(with_zeros) == pytest.approx(mean_cosine(a))
    assert np.isnan(mean_cosine(np.zeros((2, 3)), b))
    assert np.isnan(mean_cosine(a[:1]))


def test_values_are_the_cosines_of_each_networks_features(two, sets):
    images, intact, random = sets
    values = two.measure(images, intact, MetricContext(random_images=random))
    networks = [load_network(**settings) for settings in (SMALL, LARGER)]
    for index, network in enumerate(networks):
        features = [network.features(one).astype(float) for one in sets]
        center = features[2][:2].mean(axis=0)
        features[2] = features[2][2:]
        for centering, (x, y, z) in (
            ("uncentered", features),
            ("centered", [one - center for one in features]),
        ):
            expected = {
                "across": brute_force(x, y),
                "within": brute_force(x),
                "within_intact": brute_force(y),
                "random": brute_force(z, y),
                "within_random": brute_force(z),
            }
            found = {
                name: values[f"{centering}.{name}.efficientnet_lite0_{index}"] for name in expected
            }
            assert found == pytest.approx(expected)


def test_mean_is_over_networks(two, sets):
    values = two.measure(*sets[:2], MetricContext(random_images=sets[2]))
    assert len(values) == 2 * 5 * 3
    for name in (name.removesuffix(".mean") for name in values if name.endswith(".mean")):
        each = [values[f"{name}.efficientnet_lite0_{index}"] for index in range(2)]
        assert values[f"{name}.mean"] == pytest.approx(np.mean(each))


def test_noisy_copies_are_more_like_the_intact_than_random_images_are(two, sets):
    values = two.measure(*sets[:2], MetricContext(random_images=sets[2]))
    assert values["centered.across.mean"] > values["centered.random.mean"] + 0.2
    same = two.measure(sets[1], sets[1], MetricContext(random_images=sets[2]))
    assert same["centered.within.mean"] == pytest.approx(same["centered.within_intact.mean"])
    # Each of four images has itself among its four pairs.
    expected = (3 * same["centered.within.mean"] + 1) / 4
    assert same["centered.across.mean"] == pytest.approx(expected)


def test_floor_is_of_other_images_than_the_centre(two, sets):
    """Random images that are like the intact ones show it; around themselves they could not."""
    images, intact, random = sets
    likewise = np.concatenate([random[:4], intact])
    values = two.measure(images, intact, MetricContext(random_images=likewise))
    assert values["centered.random.mean"] > 0.3
    assert values["centered.within_random.mean"] > 0.3
    one = two.measure(images, intact, MetricContext(random_images=random[:1]))
    assert np.isnan(one["centered.across.mean"])
    assert not np.isnan(one["uncentered.random.mean"])


def test_without_random_images_there_is_no_centre_and_no_floor(two, sets):
    values = two.measure(*sets[:2], MetricContext())
    is_nan = {name for name, value in values.items() if np.isnan(value)}
    expected = {name for name in values if name.startswith("centered") or "random" in name}
    assert is_nan == expected


def test_features_are_computed_once_and_not_mistaken(sets, random_images, monkeypatch):
    metric = ensemble(SMALL)
    (network,) = metric._networks.values()
    n_seen = []
    features = network.features
    monkeypatch.setattr(
        network, "features", lambda images: n_seen.append(len(images)) or features(images)
    )
    context = MetricContext(random_images=sets[2])
    first = metric.measure(*sets[:2], context)
    others = [random_images(2) for _ in range(4)]
    for other in others:
        assert metric.measure(sets[0], other, context) == pytest.approx(
            ensemble(SMALL).measure(sets[0], other, context), nan_ok=True
        )
    assert metric.measure(*sets[:2], context) == first
    assert sum(n_seen) == sum(map(len, [*sets, *others]))


def test_the_visualized_network_does_not_judge(sets, monkeypatch):
    metric = ensemble(SMALL, LARGER)
    first, second = metric._networks.values()
    monkeypatch.setattr(second, "identity", dict(second.identity) | {"weights_sha256": "other"})
    seen = MetricContext(visualized=dict(first.identity) | {"input_size_px": 224})
    values = metric.measure(*sets[:2], seen)
    name = "uncentered.across"
    assert np.isnan(values[f"{name}.efficientnet_lite0_0"])
    assert values[f"{name}.mean"] == values[f"{name}.efficientnet_lite0_1"]


def test_an_ensemble_of_the_visualized_network_alone_is_refused(sets):
    metric = ensemble(SMALL)
    (network,) = metric._networks.values()
    with pytest.raises(ConfigError, match="Add others"):
        metric.measure(*sets[:2], MetricContext(visualized=network.identity))


def test_the_same_network_twice_is_refused():
    with pytest.raises(ConfigError, match="twice"):
        ensemble(SMALL, SMALL)


def test_sets_of_other_sizes_are_refused(two, random_images):
    with pytest.raises(ConfigError, match="64 x 64 pixels cannot be compared"):
        two.measure(random_images(1), random_images(1, 32), MetricContext())


def test_tells_which_weights_judged_and_what_is_missing(two, tmp_path):
    description = two.describe()
    assert description["efficientnet_lite0_1.input_size_px"] == 96
    assert len(str(description["efficientnet_lite0_0.weights_sha256"])) == 64
    missing = SimilaritySettings(networks=(SMALL | {"weights_path": str(tmp_path / "no.pth")},))
    (problem,) = RepresentationalSimilarity.problems(missing)
    assert "no.pth" in problem


def test_features_that_are_not_finite_are_no_similarity(sets, monkeypatch):
    """Of half a network's values: a cosine would be NaN, or leave them out."""
    metric = ensemble(SMALL)
    (network,) = metric._networks.values()
    features = network.features(sets[0])
    features[0, :3] = np.inf
    monkeypatch.setattr(network, "features", lambda images: features[: len(images)])
    with pytest.raises(WeightsError, match="gives 3 of 3840 values that are not finite"):
        metric._features(next(iter(metric._networks)), sets[0])
