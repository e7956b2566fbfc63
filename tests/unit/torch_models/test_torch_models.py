"""What all torch models do alike: settings, weights and seeds."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from signseg_rig.errors import WeightsError
from signseg_rig.torch_models import ModelSettings, model_problems, trained_model
from signseg_rig.weights import file_sha256


@pytest.mark.parametrize(("device", "n_images"), [("cpu", 1), ("cuda", 32), ("mps", 32)])
def test_the_batch_size_suits_the_device_unless_it_is_set(device, n_images):
    assert ModelSettings(device=device).batch_size == n_images
    assert ModelSettings(device=device, batch_size=5).batch_size == 5


def build():
    return nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))


def weights_of(model):
    return torch.cat([parameter.flatten() for parameter in model.parameters()])


def test_drawn_weights_are_those_of_the_seed_and_of_nothing_else():
    models = [
        trained_model("alexnet", ModelSettings(random_seed=seed), build) for seed in (1, 1, 2)
    ]
    (first, name), (again, _), (other, _) = models
    assert name == "random, seed 1"
    assert weights_of(first).equal(weights_of(again))
    assert not weights_of(first).equal(weights_of(other))
    with torch.random.fork_rng():
        torch.manual_seed(1)
        assert weights_of(first).equal(weights_of(build()))


def test_threads_that_draw_at_once_draw_what_each_would_alone():
    def build_many():
        return nn.Sequential(*(nn.Linear(300, 300) for _ in range(10)))

    def drawn(seed):
        model, _ = trained_model("alexnet", ModelSettings(random_seed=seed), build_many)
        return weights_of(model)

    seeds = [1, 2, 3] * 4
    alone = {seed: drawn(seed) for seed in set(seeds)}
    before = torch.default_generator.get_state()
    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(drawn, seeds))
    assert all(found.equal(alone[seed]) for seed, found in zip(seeds, together, strict=True))
    assert torch.default_generator.get_state().equal(before)


def test_generator_that_everybody_shares_is_left_as_it_was(tmp_path):
    before = torch.default_generator.get_state()
    trained_model("alexnet", ModelSettings(random_seed=1), build)

    def fails():
        torch.rand(3)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        trained_model("alexnet", ModelSettings(random_seed=1), fails)
    assert torch.default_generator.get_state().equal(before)


def test_model_of_a_file(tmp_path):
    own = build()
    path = tmp_path / "own.pth"
    torch.save(own.state_dict(), path)
    model, sha256 = trained_model("alexnet", ModelSettings(weights_path=path), build)
    assert weights_of(model).equal(weights_of(own))
    assert sha256 == file_sha256(path)
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    torch.save({"other": torch.ones(1)}, path)
    with pytest.raises(WeightsError, match="is missing"):
        trained_model("alexnet", ModelSettings(weights_path=path), build)


def test_no_file_is_trusted_to_run_what_is_in_it():
    for table in ({"trusts_pickle": True}, {"trusts_pickle": 1, "random_seed": 3}):
        with pytest.raises(ValueError, match="trusts_pickle is no setting any more"):
            ModelSettings(**table)
    # Records of earlier versions have the default.
    assert ModelSettings.model_validate({"trusts_pickle": False}) == ModelSettings()


def test_weights_have_one_origin(tmp_path):
    with pytest.raises(ValueError, match="weights_path and random_seed exclude each other"):
        ModelSettings(weights_path=tmp_path, random_seed=1)


def test_problems_are_told_before_a_model_is_loaded(monkeypatch, tmp_path):
    monkeypatch.setenv("SIGNSEG_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    missing, device = model_problems("alexnet", ModelSettings(device="cuda:99"))
    assert "Weights for 'alexnet' are missing" in missing
    assert "no device 'cuda:99'" in device
    assert model_problems("alexnet", ModelSettings(random_seed=1)) == []
