"""A survey of Dale indices: channels taken apart by brute force, random signs, and the report."""

import csv
import itertools
import json
import os
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats
from typer.testing import CliRunner

from signseg_rig.cli import app
from signseg_rig.errors import ConfigError
from signseg_rig.interfaces import WeightLayer
from signseg_rig.networks import load_network
from signseg_rig.report import write_dale_report
from signseg_rig.signs import dale_index
from signseg_rig.studies import (
    DaleSettings,
    LayerIndex,
    by_channel,
    correlate_with_accuracy,
    network_excess,
    read_survey,
    survey_networks,
)
from signseg_rig.studies.dale import _of_random_signs

RESNET = {"kind": "resnet18", "random_seed": 2}


def survey(out_dir: Path, **changes: object) -> DaleSettings:
    table = {"name": "small", "out_dir": out_dir, "networks": {"net": RESNET}}
    return DaleSettings.model_validate({**table, **changes})


@pytest.mark.parametrize("n_groups", [1, 2, 4])
def test_channels_are_those_found_one_by_one(n_groups):
    rng = np.random.default_rng(n_groups)
    n_out, n_in = 8, 4
    weights = rng.normal(size=(n_out, n_in // n_groups, 3, 2))
    layer = WeightLayer(weights, n_groups)
    incoming, outgoing = by_channel(layer, "incoming"), by_channel(layer, "outgoing")
    # As a convolution applies them: output `o` reads the inputs of its own group.
    read: dict[int, list[float]] = {channel: [] for channel in range(n_in)}
    for o, i, y, x in itertools.product(range(n_out), range(n_in // n_groups), range(3), range(2)):
        group = o // (n_out // n_groups)
        read[group * (n_in // n_groups) + i].append(weights[o, i, y, x])
    assert incoming.shape == (n_out, n_in // n_groups * 6)
    assert np.array_equal(incoming, [weights[o].ravel() for o in range(n_out)])
    assert outgoing.shape == (n_in, n_out // n_groups * 6)
    assert np.array_equal(np.sort(outgoing), np.sort(list(read.values())))


def test_linear_layers_are_rows_and_columns():
    weights = np.arange(6.0).reshape(2, 3)
    assert np.array_equal(by_channel(WeightLayer(weights), "incoming"), weights)
    assert np.array_equal(by_channel(WeightLayer(weights), "outgoing"), weights.T)


def test_random_signs_are_like_a_layer_that_was_just_initialised(tmp_path):
    layers = survey_networks(survey(tmp_path))
    assert len(layers) == 2 * 21  # the weighted layers of a ResNet18, both directions
    # The network's own weights are random here: both are draws from one distribution.
    p_values = [
        stats.ks_2samp(one.index, one.random_index, method="asymp").pvalue for one in layers
    ]
    assert min(p_values) > 0.001
    own = load_network(**{**RESNET, "random_seed": 77}).weight_layers()
    for one in layers:
        drawn_anew = dale_index(by_channel(own[one.layer], one.direction), axis=1)
        assert one.random_index.mean() == pytest.approx(drawn_anew.mean(), abs=0.02)
    assert all(abs(one.excess) < 0.01 for one in layers)
    assert [one.layer for one in layers if one.is_readout] == ["fc", "fc"]


@pytest.mark.parametrize("initialise", ["uniform", "normal"])
def test_random_signs_are_what_a_layer_that_is_initialised_anew_has(initialise):
    import torch

    n_channels, n_weights = 20_000, 9
    generator = torch.Generator().manual_seed(5)
    layer = torch.nn.Linear(n_weights, n_channels, device="meta").to_empty(device="cpu")
    with torch.no_grad():
        if initialise == "uniform":
            torch.nn.init.kaiming_uniform_(layer.weight, a=5**0.5, generator=generator)
        else:
            torch.nn.init.kaiming_normal_(layer.weight, generator=generator)
    drawn = dale_index(layer.weight.detach().numpy(), axis=1)
    computed = _of_random_signs(np.full(n_channels, n_weights), np.random.default_rng(0))
    # Nine weights have five indices: 5/9 to 9/9, as often as the binomial says.
    larger = np.arange(5, 10)
    expected = 2 * stats.binom.pmf(larger, n_weights, 0.5) * n_channels
    for one in (drawn, computed):
        counts = [np.count_nonzero(np.isclose(one * n_weights, count)) for count in larger]
        assert stats.chisquare(counts, expected).pvalue > 0.001


def test_the_same_seed_gives_the_same_survey(tmp_path):
    first, again, other = (
        survey_networks(survey(tmp_path, seed=seed))[-1].random_index for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_trained_readouts_are_more_of_one_sign_than_chance(tmp_path):
    networks = {"lite0": {"kind": "efficientnet_lite0"}}
    layers = survey_networks(survey(tmp_path, networks=networks))
    readouts = {one.direction: one for one in layers if one.is_readout}
    assert readouts["incoming"].index.shape == (1000,)
    assert readouts["outgoing"].index.shape == (1280,)
    for one in readouts.values():
        assert one.excess > 0.02
        assert one.zero_fraction.max() == 0


def layer_of(network: str, direction: str, index: float) -> LayerIndex:
    return LayerIndex(
        network=network,
        layer="fc",
        direction=direction,  # type: ignore[arg-type]
        is_readout=True,
        n_weights=10,
        index=np.array([index, np.nan]),
        random_index=np.array([0.5, np.nan]),
        zero_fraction=np.array([0.0, 1.0]),
    )


def test_excess_is_correlated_with_accuracy(tmp_path):
    names = "abcde"
    settings = survey(
        tmp_path,
        networks=dict.fromkeys(names, RESNET),
        accuracy={"a": 0.5, "b": 0.6, "c": 0.7, "d": 0.8, "e": 0.75},
    )
    excess = {"a": 0.01, "b": 0.02, "c": 0.03, "d": 0.05, "e": 0.04}
    layers = [
        layer_of(name, direction, 0.5 + sign * excess[name])
        for name in names
        for direction, sign in (("outgoing", 1), ("incoming", -1))
    ]
    outgoing, incoming = correlate_with_accuracy(settings, layers)
    assert (outgoing.direction, incoming.direction) == ("outgoing", "incoming")
    assert outgoing.spearman.coefficient == pytest.approx(1)
    assert incoming.spearman.coefficient == pytest.approx(-1)
    assert outgoing.spearman.p_value == pytest.approx(2 / 120)
    pearson = np.corrcoef(list(excess.values()), list(settings.accuracy.values()))[0, 1]
    assert outgoing.pearson.coefficient == pytest.approx(pearson)
    # Five networks allow no interval, and hardly a small p: of ten the coefficient has one.
    assert np.isnan([outgoing.pearson.low, outgoing.spearman.high]).all()
    assert network_excess(layers, "d", "outgoing") == pytest.approx(0.05)


def test_three_networks_are_too_few_to_correlate(tmp_path):
    names = "abc"
    accuracy = dict.fromkeys(names, 0.5)
    settings = survey(tmp_path, networks=dict.fromkeys(names, RESNET), accuracy=accuracy)
    layers = [layer_of(name, "outgoing", 0.6) for name in names]
    assert correlate_with_accuracy(settings, layers) == []


def test_out_dir_knows_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("USERPROFILE" if os.name == "nt" else "HOME", str(tmp_path))
    assert survey(Path("~/dale")).folder == tmp_path / "dale" / "small"


@pytest.mark.parametrize("name", [".", "..", "a/b"])
def test_a_name_is_one_of_a_folder_in_out_dir(tmp_path, name):
    with pytest.raises(ValidationError, match="name"):
        survey(tmp_path, name=name)


def test_report_of_layers_without_any_weight_left(tmp_path):
    nothing = LayerIndex(
        network="net",
        layer="gone",
        direction="outgoing",
        is_readout=True,
        n_weights=10,
        index=np.full(3, np.nan),
        random_index=np.full(3, np.nan),
        zero_fraction=np.ones(3),
    )
    layers = [nothing, layer_of("net", "incoming", 0.6)]
    page = write_dale_report(survey(tmp_path), layers).read_text(encoding="utf-8")
    assert "gone" in page
    with (tmp_path / "small" / "layers.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    assert (row["mean"], row["zero_fraction"]) == ("", "1.0")


def test_command_writes_the_report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("survey.toml").write_text(
        'name = "two"\n'
        "[networks]\n"
        'a = { kind = "efficientnet_lite0" }\n'
        'b = { kind = "resnet18", random_seed = 1 }\n'
    )
    result = CliRunner().invoke(app, ["dale", "survey.toml"])
    assert result.exit_code == 0, result.output
    assert result.stdout.split()[-1] == str(Path("dale") / "two" / "report.html")
    with Path("dale/two/layers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["network"] for row in rows} == {"a", "b"}
    readout = next(row for row in rows if (row["network"], row["layer"]) == ("a", "_fc"))
    assert f"{float(readout['mean']):.4f}" in result.stdout
    with Path("dale/two/channels.csv").open(newline="") as file:
        channels = list(csv.DictReader(file))
    assert len(channels) == sum(int(row["n_channels"]) for row in rows)
    named = [one for one in channels if one["name"]]
    assert {(one["layer"], one["direction"]) for one in named} == {
        ("_fc", "incoming"),
        ("fc", "incoming"),
    }
    assert next(one["channel"] for one in named if one["name"] == "wig") == "903"


def test_command_prints_json(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("survey.toml").write_text(
        'name = "one"\n[networks]\na = { kind = "resnet18", random_seed = 1 }\n'
    )
    result = CliRunner().invoke(app, ["dale", "survey.toml", "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["report"] == str(Path("dale") / "one" / "report.html")
    assert told["correlations"] == []
    assert len(told["layers"]) == 42
    readout = told["layers"][-1]
    assert (readout["layer"], readout["direction"]) == ("fc", "incoming")
    assert readout["mean"] - readout["random_mean"] == pytest.approx(readout["excess"])


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('name = "x"\n[networks]\n', "networks"),
        ('name = "x"\n[networks.a]\nkind = "resnet19"\n', "resnet18"),
        (
            'name = "x"\naccuracy = { b = 1 }\n[networks.a]\nkind = "resnet18"\n',
            "accuracy names b, which is none of the networks",
        ),
    ],
)
def test_says_what_is_wrong_in_a_survey(tmp_path, text, match):
    path = tmp_path / "survey.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=match):
        read_survey(path)


def test_a_readout_of_signed_features_is_surveyed_and_said(tmp_path):
    networks = {"relu": RESNET, "tanh": {**RESNET, "activation": "tanh"}}
    layers = survey_networks(survey(tmp_path, networks=networks))
    told = {one.network: one.reads for one in layers if one.is_readout}
    assert "never below 0" in told["relu"]
    assert "can be below 0, or nothing rules it out (activation tanh)" in told["tanh"]
    assert {one.reads for one in layers if not one.is_readout} == {""}
    page = write_dale_report(survey(tmp_path, networks=networks), layers)
    assert "activation tanh" in page.read_text(encoding="utf-8")
