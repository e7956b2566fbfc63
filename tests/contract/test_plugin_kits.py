"""Every installed plugin of these groups passes the kit that is shipped for its authors."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from signseg_rig.errors import ResponseError
from signseg_rig.interfaces import (
    Generator,
    Metric,
    MetricContext,
    Optimizer,
    SimulatorContext,
    SourceContext,
    WeightLayer,
)
from signseg_rig.metrics.yolo import letterboxed
from signseg_rig.networks import load_network
from signseg_rig.networks.torchvision_networks import ResNet18
from signseg_rig.neurons import FeatureReader, NeuronModels
from signseg_rig.plugins import list_plugins, load_plugin
from signseg_rig.testing.generators import check_generator
from signseg_rig.testing.metrics import check_metric
from signseg_rig.testing.networks import check_network
from signseg_rig.testing.optimizers import check_optimizer
from signseg_rig.testing.response_sources import check_response_source
from signseg_rig.testing.simulators import check_simulator
from signseg_rig.testing.synthetic import (
    LinearGenerator,
    LinearGeneratorSettings,
    PixelPopulation,
    PixelPopulationSettings,
    PixelSource,
)
from signseg_rig.values import Chunk, FloatArray, ImageArray, SyncEvents
from signseg_rig.weights import PackageMember, find_entry


def names(group: str) -> list[str]:
    return [info.name for info in list_plugins(group) if info.distribution == "signseg-rig"]


NETWORK = {"kind": "efficientnet_lite0", "input_size_px": 64}
SETTINGS = {
    "readout_population": {"network": NETWORK, "units": ["wig", "tench"]},
    "neuron_models": {"network": NETWORK, "units": ["b", "a"]},
}


@pytest.mark.parametrize("name", names("optimizers"))
@pytest.mark.parametrize("n_dims", [5, 600])
def test_optimizer(name: str, n_dims: int) -> None:
    plugin = load_plugin("optimizers", name)
    check_optimizer(lambda rng: plugin(plugin.Config(), n_dims=n_dims, rng=rng))


# Of a minute on two processors; tests/unit/generators draws with it.
SLOW = {"biggan_deep_512"}


@pytest.mark.parametrize("name", sorted({*names("generators")} - SLOW))
def test_generator(name: str) -> None:
    """Where a generator's weights are not inside a package it has random ones."""
    plugin = load_plugin("generators", name)
    packaged = isinstance(find_entry(name).source, PackageMember)
    check_generator(plugin(plugin.Config(random_seed=None if packaged else 1)))


@pytest.mark.parametrize("name", names("networks"))
def test_network(name: str) -> None:
    """Where a network's weights are not inside a package it has random ones."""
    plugin = load_plugin("networks", name)
    packaged = isinstance(find_entry(name).source, PackageMember)
    seed = None if packaged else 1
    check_network(plugin(plugin.Config(input_size_px=64, random_seed=seed)))


def test_network_whose_readout_is_not_where_it_says() -> None:
    class Backwards(ResNet18):
        def weight_layers(self) -> dict[str, WeightLayer]:
            return dict(reversed(super().weight_layers().items()))

    network = Backwards(Backwards.Config(input_size_px=64, random_seed=1))
    with pytest.raises(AssertionError, match=r"head_name, 'fc', should be the last .* 'conv1'"):
        check_network(network)


@pytest.fixture
def neuron_file(tmp_path: Path) -> Path:
    """A file of two neurons that read a network's last features."""
    network = load_network("efficientnet_lite0", input_size_px=64)
    weights = network.readout.weights[:2].astype(np.float64)
    models = NeuronModels(
        unit_ids=("a", "b"),
        coef=weights,
        intercept=np.array([5.0, 10.0]),
        feature_mean=np.zeros(weights.shape[1]),
        n_components=np.array([1, 1]),
        features=FeatureReader(network).spec,
    )
    models.save(tmp_path / "two.neurons")
    return tmp_path / "two.neurons"


@pytest.mark.parametrize("name", names("simulators"))
def test_simulator(name: str, neuron_file: Path) -> None:
    plugin = load_plugin("simulators", name)
    settings = SETTINGS[name] | ({"path": neuron_file} if name == "neuron_models" else {})
    check_simulator(plugin(plugin.Config(**settings), SimulatorContext(seed=0)))


@pytest.fixture(scope="module")
def metric_settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    """Settings with untrained weights, in files as torchvision and ultralytics save them."""
    import torch
    import torchvision

    # Imports ultralytics without what it does on the side.
    letterboxed(np.zeros((1, 8, 8, 3), np.uint8), 32)
    from ultralytics import YOLO

    folder = tmp_path_factory.mktemp("weights")
    torch.save(torchvision.models.alexnet(weights=None).state_dict(), folder / "alexnet.pth")
    YOLO("yolov8n.yaml").save(folder / "yolo.pt")
    return {
        "lpips": {"weights_path": folder / "alexnet.pth"},
        "objectness": {"weights_path": folder / "yolo.pt", "input_size_px": 64},
        "representational_similarity": {"networks": [NETWORK]},
        "spectra": {},
    }


@pytest.mark.parametrize("name", names("metrics"))
def test_metric(name: str, metric_settings: dict[str, dict[str, object]]) -> None:
    plugin = load_plugin("metrics", name)
    check_metric(plugin(plugin.Config(**metric_settings[name])))


def test_simulated_source(synthetic_plugins: object) -> None:
    plugin = load_plugin("response_sources", "simulated")
    settings = plugin.Config.model_validate({"population": {"kind": "pixels"}})
    check_response_source(lambda context: plugin(settings, context))


def test_every_response_source_is_checked() -> None:
    assert names("response_sources") == ["simulated"]


def test_synthetic_parts_keep_the_rules_too() -> None:
    check_generator(LinearGenerator(LinearGeneratorSettings()))
    check_simulator(PixelPopulation(PixelPopulationSettings(), SimulatorContext(seed=0)))
    check_response_source(pixel_source)


class SeedlessOptimizer(Optimizer):
    """Draws from a generator of its own: a run could not be resumed."""

    n_codes, n_dims = 4, 3

    def ask(self) -> FloatArray:
        return np.random.default_rng().standard_normal((4, 3))

    def tell(self, codes: FloatArray, scores: FloatArray) -> None:
        pass


class GrayGenerator(Generator):
    """Draws the same for every code."""

    n_dims, image_size_px = 3, 8

    def render(self, codes: FloatArray) -> np.ndarray:
        return np.full((len(codes), 8, 8, 3), 128, np.uint8)


class RestlessMetric(Metric):
    """Measures something else each time."""

    def measure(
        self, images: ImageArray, reference: ImageArray, context: MetricContext
    ) -> dict[str, float]:
        return {"value": float(np.random.default_rng().random())}

    def describe(self) -> dict[str, str | float]:
        return {"value": "chance"}


class PatchyMetric(RestlessMetric):
    """Has no value, rather than NaN, where there is none."""

    def measure(
        self, images: ImageArray, reference: ImageArray, context: MetricContext
    ) -> dict[str, float]:
        values = {"brightness": float(images.mean())}
        return values | ({"variety": float(images.std(axis=0).mean())} if len(images) > 1 else {})


class CarelessMetric(RestlessMetric):
    """Takes anything for an image."""

    def measure(
        self, images: ImageArray, reference: ImageArray, context: MetricContext
    ) -> dict[str, float]:
        return {"n_pixels": float(images.size)}


class SecretlyComparingMetric(RestlessMetric):
    """Compares with the intact unit's images, and says that it does not."""

    def measure(
        self, images: ImageArray, reference: ImageArray, context: MetricContext
    ) -> dict[str, float]:
        if images.shape[1:] != reference.shape[1:] or images.dtype != np.uint8 or not images.size:
            raise ValueError
        return {"difference": float(images.mean() - reference.mean())}

    def compares(self, value: str) -> bool:
        return False


def test_kit_for_metrics_finds_what_is_wrong() -> None:
    with pytest.raises(AssertionError, match="the second time"):
        check_metric(RestlessMetric())
    with pytest.raises(AssertionError, match="with NaN where there is no value"):
        check_metric(PatchyMetric())
    with pytest.raises(AssertionError, match="accepts no images"):
        check_metric(CarelessMetric())


def test_kit_for_metrics_finds_a_comparison_that_is_not_declared() -> None:
    with pytest.raises(AssertionError, match=r"Let it be True"):
        check_metric(SecretlyComparingMetric())


def test_kits_find_what_is_wrong() -> None:
    with pytest.raises(AssertionError, match="cannot be resumed"):
        check_optimizer(lambda _rng: SeedlessOptimizer())
    with pytest.raises(AssertionError, match="the same image"):
        check_generator(GrayGenerator())


def pixel_source(context: SourceContext) -> PixelSource:
    return PixelSource(PixelPopulationSettings(), context)


def faulty(**methods: object) -> Callable[[SourceContext], PixelSource]:
    kind = type("Faulty", (PixelSource,), methods)
    return lambda context: kind(PixelPopulationSettings(), context)  # type: ignore[no-any-return]


def _lose_edges(self: PixelSource) -> Chunk | None:
    chunk = PixelSource.poll(self)
    return chunk and replace(chunk, sync=SyncEvents.none())


def _promise_too_much(self: PixelSource) -> Chunk | None:
    chunk = PixelSource.poll(self)
    assert chunk is None or chunk.complete_until_s is not None
    return chunk and replace(chunk, complete_until_s=chunk.complete_until_s + 0.5)


def _name_unknown_units(self: PixelSource) -> Chunk | None:
    chunk = PixelSource.poll(self)
    return chunk and replace(chunk, spike_units=chunk.spike_units + 2)


def _never_finish(self: PixelSource) -> Chunk | None:
    chunk = PixelSource.poll(self)
    return chunk and replace(chunk, complete_until_s=None)


def _sleep(self: PixelSource) -> Chunk | None:
    time.sleep(0.5)
    return PixelSource.poll(self)


def _stop_slowly(_self: PixelSource) -> None:
    time.sleep(0.5)


@pytest.mark.parametrize(
    ("methods", "rule"),
    [
        ({"poll": _lose_edges}, "rising edges on the first sync line"),
        ({"poll": _promise_too_much}, "came after it was said"),
        ({"poll": _name_unknown_units}, "places among 2 names"),
        ({"poll": _never_finish}, "and no more"),
        ({"poll": _sleep}, "has to return at once"),
        ({"stop": _stop_slowly}, "to stop; at most"),
    ],
)
def test_kit_for_sources_finds_what_is_wrong(
    methods: dict[str, object], rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signseg_rig.testing.response_sources.PATIENCE_S", 1.0)
    with pytest.raises(AssertionError, match=rule):
        check_response_source(faulty(**methods))


def test_source_that_bears_no_stop_after_a_failed_start_is_found() -> None:
    def stop(self: Any) -> None:
        raise ResponseError("It was never started.")

    with pytest.raises(AssertionError, match="start failed at once"):
        check_response_source(faulty(stop=stop))
