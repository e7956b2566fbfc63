"""Pooled features against loops; a cache that is filled once and mends itself."""

import os

import numpy as np
import pytest

from signseg_rig.errors import ConfigError
from signseg_rig.interfaces import Network, Readout
from signseg_rig.neurons import FeatureCache, FeatureReader
from signseg_rig.neurons.features import PORTION


class PixelNetwork(Network):
    """Its map is the image; it counts the images that it has computed."""

    layer_names = ("map", "mean")
    unit_names = ("unit",)
    size = (6, 4)

    def __init__(self, version=1):
        self.identity = {"kind": "pixel", "version": version}
        self.n_computed = 0

    def features(self, images, layer=None):
        self.n_computed += len(images)
        values = images.astype(np.float32).transpose(0, 3, 1, 2)
        return values.reshape(len(images), -1) if layer == "map" else values.mean(axis=(2, 3))

    def layer_shape(self, layer):
        return (3, *self.size) if layer == "map" else (3,)

    @property
    def readout(self):
        return Readout(np.ones((1, 3)), np.zeros(1))


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (5, 6, 4, 3), dtype=np.uint8)


def test_pooling_averages_equal_shares(images):
    features = FeatureReader(PixelNetwork(), "map", 2).features(images)
    expected = np.empty((5, 3, 2, 2))
    for row in range(2):
        for column in range(2):
            part = images[:, 3 * row : 3 * row + 3, 2 * column : 2 * column + 2]
            expected[:, :, row, column] = part.mean(axis=(1, 2))
    np.testing.assert_allclose(features, expected.reshape(5, -1), rtol=1e-6)
    assert features.dtype == np.float32


def test_pooling_shares_positions_that_do_not_divide(images):
    features = FeatureReader(PixelNetwork(), "map", 4).features(images).reshape(5, 3, 4, 4)
    # Six rows on four: the first and half of the second, and so on; columns as they are.
    first = (images[:, 0] + 0.5 * images[:, 1]) / 1.5
    second = (0.5 * images[:, 1].astype(float) + images[:, 2]) / 1.5
    np.testing.assert_allclose(features[:, :, 0], first.transpose(0, 2, 1), rtol=1e-5)
    np.testing.assert_allclose(features[:, :, 1], second.transpose(0, 2, 1), rtol=1e-5)


class SignedNetwork(PixelNetwork):
    """Its values are as often below 0 as above."""

    def features(self, images, layer=None):
        return super().features(images, layer) - np.float32(127.5)


def test_split_features_are_both_halves(images):
    network = SignedNetwork()
    whole = FeatureReader(network, "map", 2)
    split = FeatureReader(network, "map", 2, "split")
    assert split.shape == (6, 2, 2)
    assert split.is_rectified
    assert not whole.is_rectified
    features = split.features(images)
    assert features.min() == 0
    positive, negative = np.split(features, 2, axis=1)
    assert (np.minimum(positive, negative) == 0).all()
    np.testing.assert_array_equal(positive - negative, whole.features(images))
    with pytest.raises(ConfigError, match="rectify should be one of as_is, split; got 'both'"):
        FeatureReader(network, "map", 2, "both")


def test_split_features_are_kept_once(images, tmp_path):
    network = SignedNetwork()
    whole, split = (FeatureReader(network, "map", 2, rectify) for rectify in ("as_is", "split"))
    FeatureCache(tmp_path, whole).features(images)
    found = FeatureCache(tmp_path, split).features(images)
    assert network.n_computed == len(images)
    np.testing.assert_array_equal(found, split.features(images))


def test_default_is_what_the_readout_reads(images):
    network = PixelNetwork()
    reader = FeatureReader(network)
    assert reader.spec.layer == "mean"
    assert reader.shape == (3,)
    np.testing.assert_array_equal(reader.features(images), network.features(images))


def test_key_is_of_all_that_matters():
    keys = {
        FeatureReader(PixelNetwork(version), layer, pool_px).spec.key
        for version, layer, pool_px in [
            (1, "map", 2),
            (2, "map", 2),
            (1, "map", 4),
            (1, "mean", None),
        ]
    }
    assert len(keys) == 4
    again = FeatureReader(PixelNetwork(), "map", 2).spec.key
    assert again in keys


@pytest.mark.parametrize(
    ("layer", "pool_px", "message"),
    [
        ("mean", 2, "has 3 features and no map"),
        ("map", 5, "from 1 to 4 for the layer 'map', whose map is 6 x 4; got 5"),
        ("map", 0, "got 0"),
    ],
)
def test_says_what_cannot_be_pooled(layer, pool_px, message):
    with pytest.raises(ConfigError, match=message):
        FeatureReader(PixelNetwork(), layer, pool_px)


def test_not_finite_is_an_error(images):
    class Diverging(PixelNetwork):
        def features(self, images, layer=None):
            features = super().features(images, layer)
            features[-1, 0] = np.nan
            return features

    with pytest.raises(ConfigError, match=r"layer 'mean'.*image 4 of 5"):
        FeatureReader(Diverging()).features(images)


class TestCache:
    def test_computes_each_image_once(self, images, tmp_path):
        network = PixelNetwork()
        reader = FeatureReader(network, "map", 2)
        told = []
        first = FeatureCache(tmp_path, reader).features(images, on_progress=told.append)
        assert told == [1, 2, 3, 4, 5]
        assert network.n_computed == 5
        again = FeatureCache(tmp_path, reader).features(images[::-1])
        assert network.n_computed == 5
        np.testing.assert_array_equal(again[::-1], first)
        np.testing.assert_array_equal(first, reader.features(images))

    def test_computes_together_what_is_missing_and_of_one_size(self, images, tmp_path, monkeypatch):
        network = PixelNetwork()
        reader = FeatureReader(network)
        FeatureCache(tmp_path, reader).features(images[1:2])
        asked = []
        compute = network.features
        monkeypatch.setattr(
            network, "features", lambda images, layer: asked.append(images.shape) or compute(images)
        )
        wide = np.zeros((6, 9, 3), np.uint8)
        given = [*images, wide, images[0]]
        found = FeatureCache(tmp_path, reader).features(given)
        assert asked == [(4, 6, 4, 3), (1, 6, 9, 3)]
        np.testing.assert_array_equal(found, [compute(image[None])[0] for image in given])

    def test_takes_images_in_portions(self, tmp_path):
        taken = []

        def images():
            for index in range(PORTION + 3):
                taken.append(index)
                yield np.full((6, 4, 3), index, np.uint8)

        told = []
        cache = FeatureCache(tmp_path, FeatureReader(PixelNetwork()))
        cache.features(images(), on_progress=lambda n_done: told.append((n_done, len(taken))))
        assert told[0] == (1, PORTION)
        assert told[-1] == (PORTION + 3, PORTION + 3)

    def test_another_network_layer_or_pooling_is_not_mixed_up(self, images, tmp_path):
        FeatureCache(tmp_path, FeatureReader(PixelNetwork(), "map", 2)).features(images)
        other = PixelNetwork(version=2)
        FeatureCache(tmp_path, FeatureReader(other, "map", 2)).features(images)
        assert other.n_computed == 5

    def test_goes_on_after_an_interruption(self, images, tmp_path):
        reader = FeatureReader(PixelNetwork())
        FeatureCache(tmp_path, reader).features(images[:3])
        network = PixelNetwork()
        FeatureCache(tmp_path, FeatureReader(network)).features(images)
        assert network.n_computed == 2

    @pytest.mark.parametrize("damage", [b"", b"garbage", None])
    def test_damaged_files_are_computed_again(self, images, tmp_path, damage):
        reader = FeatureReader(PixelNetwork())
        expected = FeatureCache(tmp_path, reader).features(images)
        for path in tmp_path.rglob("*.npy"):
            content = path.read_bytes()
            path.write_bytes(content[:-4] if damage is None else damage)
        network = PixelNetwork()
        found = FeatureCache(tmp_path, FeatureReader(network)).features(images)
        np.testing.assert_array_equal(found, expected)
        assert network.n_computed == 5

    def test_leaves_no_drafts(self, images, tmp_path):
        FeatureCache(tmp_path, FeatureReader(PixelNetwork())).features(images)
        assert not list(tmp_path.rglob("*.part"))

    def test_a_draft_of_another_machine_is_left_alone(self, images, tmp_path):
        cache = FeatureCache(tmp_path, FeatureReader(PixelNetwork()))
        cache.features(images[:1])
        (kept,) = tmp_path.rglob("*.npy")
        theirs = kept.with_name(f"{kept.name}.{os.getpid()}.part")
        theirs.write_bytes(b"half")
        kept.unlink()
        cache.features(images[:1])
        assert theirs.read_bytes() == b"half"

    def test_a_folder_that_cannot_be_written_says_what_to_do(self, images, tmp_path):
        (tmp_path / "cache").write_text("a file in the place of the folder")
        cache = FeatureCache(tmp_path / "cache", FeatureReader(PixelNetwork()))
        with pytest.raises(ConfigError, match=r"cannot be kept as .*Not a dir.*--cache-dir"):
            cache.features(images)

    def test_a_full_disk_says_what_to_do(self, images, small_disk):
        small_disk.fill()
        cache = FeatureCache(small_disk.path / "cache", FeatureReader(PixelNetwork()))
        with pytest.raises(ConfigError, match="No space left on device"):
            cache.features(images)

    def test_no_images(self, tmp_path):
        assert FeatureCache(tmp_path, FeatureReader(PixelNetwork())).features([]).shape == (0, 3)
