"""A population of neuron models tells before a run whether its network is the right one."""

from pathlib import Path

import numpy as np
import pytest

from signseg_rig.neurons import FeatureSpec, NeuronModels
from signseg_simulators.neuron_models import NeuronModelPopulation, NeuronModelPopulationSettings


@pytest.fixture
def neuron_file(tmp_path: Path) -> Path:
    identity = {"kind": "efficientnet_lite0", "weights_sha256": "0" * 64, "input_size_px": 64}
    models = NeuronModels(
        unit_ids=("a",),
        coef=np.ones((1, 3)),
        intercept=np.zeros(1),
        feature_mean=np.zeros(3),
        n_components=np.array([1]),
        features=FeatureSpec(identity, "penultimate"),
    )
    models.save(tmp_path / "a.neurons")
    return tmp_path / "a.neurons"


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ({"kind": "efficientnet_lite0", "input_size_px": 64}, None),
        ({"kind": "efficientnet_lite0"}, "input_size_px is 224, fitted was 64. Set"),
        (
            {"kind": "alexnet", "input_size_px": 64},
            "kind is 'alexnet', fitted was 'efficientnet_lite0'. Set",
        ),
    ],
)
def test_check_compares_the_network(
    neuron_file: Path, network: dict[str, object], expected: str | None
) -> None:
    settings = NeuronModelPopulationSettings(path=neuron_file, network=network)
    problems = NeuronModelPopulation.problems(settings)
    assert len(problems) == (expected is not None)
    if expected is not None:
        assert expected in problems[0]


def test_units_of_the_file_are_told_without_the_network(neuron_file: Path, tmp_path: Path) -> None:
    settings = NeuronModelPopulationSettings(path=neuron_file)
    assert NeuronModelPopulation.foreseen_unit_names(settings) == ("a",)
    missing = NeuronModelPopulationSettings(path=tmp_path / "none.neurons")
    assert NeuronModelPopulation.foreseen_unit_names(missing) is None
