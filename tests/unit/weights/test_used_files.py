"""Which weight files settings use."""

import pytest

from signseg_rig.errors import WeightsMissingError
from signseg_rig.metrics.objectness import ObjectnessSettings
from signseg_rig.metrics.perceptual import LpipsSettings
from signseg_rig.networks.checkpoints import SimSiamSettings
from signseg_rig.settings import InputPath, PluginChoice, Settings
from signseg_rig.torch_models import ModelSettings
from signseg_rig.weights import file_sha256, find_weights, used_weights


class Chooses(Settings):
    network: PluginChoice
    generator: PluginChoice


def chooses(network, generator):
    return Chooses.model_construct(
        network=PluginChoice.model_construct(group="networks", kind="alexnet", settings=network),
        generator=PluginChoice.model_construct(
            group="generators", kind="dcgan_faces", settings=generator
        ),
    )


def test_weights_that_settings_use_are_hashed_once_each(tmp_path, monkeypatch):
    own = tmp_path / "own.pth"
    own.write_bytes(b"weights")
    faces = find_weights("dcgan_faces")
    used = used_weights(chooses(ModelSettings(weights_path=own), ModelSettings()))
    assert used == {str(own): file_sha256(own), str(faces): file_sha256(faces)}
    used = used_weights(chooses(ModelSettings(random_seed=3), ModelSettings()))
    assert used == {str(faces): file_sha256(faces)}
    head = tmp_path / "head.pth"
    head.write_bytes(b"readout")
    two_files = SimSiamSettings(weights_path=own, head_path=head)
    used = used_weights(chooses(two_files, ModelSettings(random_seed=3)))
    assert used == {str(path): file_sha256(path) for path in (own, head)}
    drawn = SimSiamSettings(random_seed=3, head_path=head)
    used = used_weights(chooses(drawn, ModelSettings(random_seed=3)))
    assert used == {str(head): file_sha256(head)}
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("SIGNSEG_WEIGHTS", str(tmp_path))
    with pytest.raises(WeightsMissingError):
        used_weights(chooses(ModelSettings(), ModelSettings()))


class Pattern(Settings):
    path: InputPath


class Chosen(Settings):
    patterns: tuple[Pattern, ...]


def test_files_of_tables_within_a_plugins_are_hashed_too(tmp_path):
    path = tmp_path / "pattern.npy"
    path.write_bytes(b"pattern")
    choice = PluginChoice.model_construct(
        group="protocols", kind="a", settings=Chosen(patterns=(Pattern(path=path),))
    )
    chosen = chooses(ModelSettings(random_seed=1), ModelSettings(random_seed=1))
    for settings in (choice, chosen.model_copy(update={"network": choice})):
        assert used_weights(settings) == {str(path): file_sha256(path)}


def test_files_that_metrics_use_by_default_are_hashed_too():
    choice = PluginChoice(group="metrics", kind="objectness", settings=ObjectnessSettings())
    detector = find_weights("yolov3_tiny")
    assert used_weights(choice) == {str(detector): file_sha256(detector)}
    assert LpipsSettings(trunk="squeeze").weights_name == "squeezenet1_1_torchvision"
