"""DeePSiM and BigGAN: published layers and counts, weight files of all dialects, statistics."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from pytorch_pretrained_biggan.model import BigGANBatchNorm

from signseg_rig.errors import ConfigError, WeightsError, WeightsMissingError
from signseg_rig.generators import load_generator
from signseg_rig.generators.biggan import BLOCKS_256, BLOCKS_512, at_truncation
from signseg_rig.generators.deepsim import DECONVOLUTIONS, LINEAR_LAYERS, XDREAM_NAMES

# Channels and size after every layer, as published with the Caffe model.
PUBLISHED = {
    **dict.fromkeys(("defc7", "defc6", "defc5"), (4096,)),
    "deconv5": (256, 8, 8),
    "conv5_1": (512, 8, 8),
    "deconv4": (256, 16, 16),
    "conv4_1": (256, 16, 16),
    "deconv3": (128, 32, 32),
    "conv3_1": (128, 32, 32),
    "deconv2": (64, 64, 64),
    "deconv1": (32, 128, 128),
    "deconv0": (3, 256, 256),
}
NAMES = (*LINEAR_LAYERS, *(name for name, *_ in DECONVOLUTIONS))


@pytest.fixture(scope="module")
def deepsim():
    return load_generator("deepsim_fc6", random_seed=2)


@pytest.fixture(scope="module")
def biggan():
    return load_generator("biggan_deep_128", random_seed=2)


@pytest.fixture(scope="module")
def state(deepsim):
    """Weights of DeePSiM without biases in its convolutions, as XDream has them."""
    state = {key: value.clone() for key, value in deepsim._network.state_dict().items()}
    for name in NAMES[3:]:
        state[f"{name}.bias"].zero_()
    return state


def test_layers_and_parameters_of_deepsim_are_those_published(deepsim):
    network, shapes = deepsim._network, {}
    for name in PUBLISHED:
        network.get_submodule(name).register_forward_hook(
            lambda _module, _inputs, output, name=name: shapes.update(
                {name: tuple(output.shape[1:])}
            )
        )
    deepsim.render(np.zeros((1, 4096)))
    assert shapes == PUBLISHED
    counts = {name: value.numel() for name, value in network.named_parameters()}
    assert sum(counts.values()) == 56_097_891
    biases = sum(counts[f"{name}.bias"] for name in NAMES[3:])
    assert sum(counts.values()) - biases == 56_096_256


def test_images_of_deepsim_are_its_output_plus_the_mean_in_rgb(deepsim):
    codes = deepsim.sample_codes(2, np.random.default_rng(0))
    with torch.no_grad():
        bgr = deepsim._network(torch.from_numpy(codes).float()).numpy()
    rgb = bgr[:, ::-1].transpose(0, 2, 3, 1) + np.array([123.0, 117.0, 104.0])
    images = deepsim.render(codes)
    assert images.shape == (2, 256, 256, 3)
    assert np.abs(images - np.clip(rgb, 0, 255)).max() < 0.51


@pytest.mark.parametrize("nested", ["", "G."])
@pytest.mark.parametrize("numbered", ["", ".1"])
def test_both_sets_of_names_give_the_same_images(nested, numbered, state, tmp_path):
    caffe, xdream = {}, {}
    for name, other in zip(NAMES, XDREAM_NAMES, strict=True):
        own = name + numbered * name.startswith("defc")
        caffe[f"{nested}{own}.weight"] = xdream[f"{other}.weight"] = state[f"{name}.weight"]
        caffe[f"{nested}{own}.bias"] = state[f"{name}.bias"]
        if name in LINEAR_LAYERS:
            xdream[f"{other}.bias"] = state[f"{name}.bias"]
    torch.save(caffe, tmp_path / "upconvGAN_fc6.pt")
    torch.save(xdream, tmp_path / "fc6.pt")
    codes = np.random.default_rng(1).standard_normal((1, 4096))
    one, other = (
        load_generator("deepsim_fc6", str(tmp_path / name)).render(codes)
        for name in ("upconvGAN_fc6.pt", "fc6.pt")
    )
    assert np.array_equal(one, other)
    assert one.std() > 5


def test_other_files_are_refused_by_their_first_names(state, tmp_path):
    torch.save({"conv1.weight": torch.ones(2)}, tmp_path / "other.pt")
    with pytest.raises(WeightsError, match=r"defc7\.weight is missing"):
        load_generator("deepsim_fc6", str(tmp_path / "other.pt"))
    torch.save(state, tmp_path / "fc6.pt")
    with pytest.raises(WeightsError, match=r"defc7\.weight has shape \(4096, 4096\)"):
        load_generator("deepsim_fc8", str(tmp_path / "fc6.pt"))


@pytest.mark.parametrize("kind", ["deepsim_fc6", "biggan_deep_256"])
def test_missing_weights_say_what_to_run(kind, monkeypatch, tmp_path):
    monkeypatch.setenv("SIGNSEG_WEIGHTS", str(tmp_path))
    with pytest.raises(WeightsMissingError, match=f"signseg-rig weights fetch {kind}"):
        load_generator(kind)


def test_codes_that_do_not_fit_are_refused(deepsim):
    with pytest.raises(ConfigError, match=r"\(n, 4096\); got \(2, 100\)"):
        deepsim.render(np.zeros((2, 100)))
    with pytest.raises(ConfigError, match="code 1 of 2 is not"):
        deepsim.render(np.array([np.zeros(4096), np.full(4096, np.inf)]))


@pytest.mark.parametrize("truncation", [0.43, 0.58, 0.94, 0.14, 0.7, 1.0, 0.005])
def test_statistics_at_any_truncation_are_interpolated(truncation):
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(51, 4))
    expected = [np.interp(truncation, np.linspace(0, 1, 51), column) for column in rows.T]
    found = at_truncation(torch.from_numpy(rows), truncation).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_the_package_alone_would_take_the_wrong_statistics():
    """What `at_truncation` is for: should this fail, the package has been repaired."""
    norm = BigGANBatchNorm(1, conditional=False)
    norm.running_means.copy_(torch.arange(51.0)[:, None])
    norm.weight.data.fill_(1)
    norm.bias.data.zero_()
    at_045 = norm(torch.zeros(1, 1, 1, 1), 0.435).item()
    assert at_045 != pytest.approx(-21.75, abs=0.1)


@pytest.mark.parametrize("truncation", [0.43, 0.58])
def test_the_statistics_of_the_truncation_are_used(truncation, biggan, tmp_path):
    generator = biggan._generator
    state = {f"generator.{key}": value.clone() for key, value in generator.state_dict().items()}
    state["embeddings.weight"] = torch.randn(128, 1000, generator=torch.Generator().manual_seed(1))
    rng = np.random.default_rng(0)
    for key, rows in state.items():
        if key.endswith(("running_means", "running_vars")):
            # Small means: large ones would leave nothing of random weights but a uniform gray.
            center, spread = (0, 0.1) if key.endswith("means") else (1, 0.3)
            values = rng.normal(center, spread, tuple(rows.shape))
            rows.copy_(torch.from_numpy(np.abs(values) if center else values))
    torch.save(state, tmp_path / "whole.bin")
    # The same file with every row already that of the truncation.
    for key, rows in state.items():
        if key.endswith(("running_means", "running_vars")):
            own = [np.interp(truncation, np.linspace(0, 1, 51), one) for one in rows.numpy().T]
            rows.copy_(torch.tensor(own).expand_as(rows))
    torch.save(state, tmp_path / "settled.bin")
    codes = biggan.sample_codes(1, np.random.default_rng(4))
    images = [
        load_generator("biggan_deep_128", str(tmp_path / name), truncation=used).render(codes)
        for name, used in (("whole.bin", truncation), ("settled.bin", 0.2))
    ]
    difference = np.abs(images[0].astype(int) - images[1])
    assert difference.max() <= 1  # of rounding
    assert images[0].std() > 5


def test_halves_of_the_code_are_searched_alone(biggan):
    rng = np.random.default_rng(5)
    whole = biggan.sample_codes(2, rng)
    whole[1, :128] = whole[0, :128]
    expected = biggan.render(whole)
    noise = load_generator("biggan_deep_128", random_seed=2, search="noise", class_index=7)
    embedding = noise._embeddings[7]
    assert noise.n_dims == 128
    both = np.hstack([whole[0, :128], embedding])[None]
    assert np.array_equal(noise.render(whole[:1, :128]), biggan.render(both))
    classes = load_generator("biggan_deep_128", random_seed=2, search="class", noise_seed=3)
    images = classes.render(whole[:, 128:])
    assert not np.array_equal(images[0], images[1])
    again = np.hstack([np.repeat(classes._noise, 2, axis=0), whole[:, 128:]])
    assert np.array_equal(images, biggan.render(again))
    assert not np.array_equal(expected[0], images[0])


def test_noise_is_truncated():
    generator = load_generator("biggan_deep_128", random_seed=0, truncation=0.5, search="noise")
    codes = generator.sample_codes(200, np.random.default_rng(0))
    assert np.abs(codes).max() <= 1.0
    # Standard deviation of a normal cut at two deviations.
    assert codes.std() == pytest.approx(0.5 * 0.8796, rel=0.02)


def test_weights_of_early_torch_lack_one_singular_vector(biggan, tmp_path):
    generator = biggan._generator
    state = {f"generator.{key}": value.clone() for key, value in generator.state_dict().items()}
    state["embeddings.weight"] = torch.zeros(128, 1000)
    torch.save(state, tmp_path / "new.bin")
    old = {key: value for key, value in state.items() if not key.endswith("weight_v")}
    old |= {
        key.removesuffix("_orig"): value
        for key, value in state.items()
        if key.endswith("weight_orig")
    }
    torch.save(old, tmp_path / "old.bin")
    codes = biggan.sample_codes(1, np.random.default_rng(4))
    new, early = (
        load_generator("biggan_deep_128", str(tmp_path / name)).render(codes).astype(int)
        for name in ("new.bin", "old.bin")
    )
    assert np.abs(new - early).max() <= 2


def test_larger_images_have_more_blocks():
    """From 4 x 4 pixels each block that scales up doubles the size."""
    for blocks, size_px in ((BLOCKS_256, 256), (BLOCKS_512, 512)):
        assert 4 * 2 ** sum(is_up for is_up, _, _ in blocks) == size_px
        assert all(a[2] == b[1] for a, b in itertools.pairwise(blocks))


def test_the_largest_draws():
    """Through the kit it would take a minute; it differs from the others in its blocks alone."""
    generator = load_generator("biggan_deep_512", random_seed=0)
    images = generator.render(generator.sample_codes(1, np.random.default_rng(0)))
    assert images.shape == (1, 512, 512, 3)
    assert images.std() > 5


def test_images_of_random_weights_are_not_blank(deepsim, biggan):
    for generator in (deepsim, biggan):
        images = generator.render(generator.sample_codes(2, np.random.default_rng(0)))
        assert images.std(axis=(1, 2)).mean() > 10
        assert images.astype(float).std(axis=0).mean() > 5


def test_tensors_of_other_shapes_are_a_sentence(tmp_path):
    """The right singular vector of early files is computed from what should be two matrices."""
    state = {
        "generator.gen_z.weight_orig": torch.ones(3),
        "generator.gen_z.weight_u": torch.ones(2),
    }
    torch.save(state, tmp_path / "other.bin")
    with pytest.raises(WeightsError, match="other shapes than its names promise"):
        load_generator("biggan_deep_128", str(tmp_path / "other.bin"))
