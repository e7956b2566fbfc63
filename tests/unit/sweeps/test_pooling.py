"""Which sweeps may be pooled: those of other networks, made and measured alike."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from signseg_rig.errors import ConfigError
from signseg_rig.sweeps import (
    SweepImages,
    SweepSettings,
    SweepStudy,
    Table,
    require_poolable,
    settings_that_differ,
)
from signseg_rig.weights import find_weights

IDENTITY = {"kind": "resnet18", "weights_sha256": "a" * 64, "input_size_px": 224}


def study_of(name: str, identity: dict[str, str | int] | None = None, **changed: object):
    """A study of which only settings and network are looked at."""
    settings = {
        "name": name,
        "units": ["wig", "tench"],
        "network": {"kind": "resnet18", "random_seed": 1},
        "generator": {"kind": "dcgan_faces"},
        "optimizer": {"kind": "cma_es", "n_codes": 4},
        "metrics": {"spectra": {"kind": "spectra"}},
    } | changed
    return SweepStudy(
        images=SweepImages(SweepSettings.model_validate(settings), {}),
        network=identity or IDENTITY | {"weights_sha256": f"random, seed {name}"},
        numbers=[],
        described={},
        table=Table([]),
        comparisons=[],
    )


def check(one: SweepStudy, other: SweepStudy) -> dict[str, dict[str, str]]:
    studies = {study.settings.name: study for study in (one, other)}
    require_poolable(studies)
    return settings_that_differ(studies)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    for folder in ("images", "copies", "others"):
        (tmp_path / folder).mkdir()
        Image.fromarray(pixels + (folder == "others")).save(tmp_path / folder / "a.png")
    return tmp_path


@pytest.mark.parametrize(
    "changed",
    [{"input_size_px": 112}, {"preprocessing": "other"}, {}],
)
def test_a_network_stays_the_same_whatever_it_sees(changed):
    with pytest.raises(ConfigError, match=r"'a' and 'b' are of one network, resnet18 \(aaaaaaaa"):
        check(study_of("a", IDENTITY), study_of("b", IDENTITY | changed, seed=3, units=["mask"]))


@pytest.mark.parametrize(
    "changed",
    [{"kind": "resnet50"}, {"weights_sha256": "b" * 64}, {"activation": "tanh"}],
)
def test_another_kind_other_weights_or_another_nonlinearity_make_another_network(changed):
    assert check(study_of("a", IDENTITY), study_of("b", IDENTITY | changed)) == {}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"n_generations": 2}, r"n_generations \(40 and 2\)"),
        ({"optimizer": {"kind": "cma_es", "n_codes": 8}}, r"optimizer.n_codes \(4 and 8\)"),
        ({"optimizer": {"kind": "random_search"}}, r"optimizer.kind \(cma_es and random_search\)"),
        ({"generator": {"kind": "dcgan_faces", "random_seed": 1}}, r"generator.random_seed \("),
        ({"metrics": {}}, r"metrics.spectra.kind \(spectra and absent\)"),
        (
            {"metrics": {"spectra": {"kind": "spectra", "low_below_cycles": 4.0}}},
            r"metrics.spectra.low_below_cycles \(8.0 and 4.0\)",
        ),
    ],
)
def test_what_is_made_or_measured_otherwise_is_not_pooled(changed, said):
    with pytest.raises(ConfigError, match=f"'a' and 'b' .* differ in .*{said}"):
        check(study_of("a"), study_of("b", **changed))


def test_judges_are_the_same_for_all_networks():
    def judged_by(*seeds: int) -> dict[str, object]:
        networks = [{"kind": "alexnet", "random_seed": seed} for seed in seeds]
        return {"metrics": {"alike": {"kind": "representational_similarity", "networks": networks}}}

    assert check(study_of("a", **judged_by(1, 2)), study_of("b", **judged_by(1, 2))) == {}
    with pytest.raises(
        ConfigError, match=r"networks.1..random_seed \(2 and 3\).* One list of judges"
    ):
        check(study_of("a", **judged_by(1, 2)), study_of("b", **judged_by(1, 3)))


def test_weights_count_by_what_is_in_their_file_and_not_by_where_it_lies(tmp_path):
    copy = shutil.copy(find_weights("dcgan_faces"), tmp_path / "copy.pth")
    same = study_of("b", generator={"kind": "dcgan_faces", "weights_path": str(copy)})
    assert check(study_of("a"), same) == {"generator.weights_path": {"a": "absent", "b": str(copy)}}
    Path(copy).write_bytes(Path(copy).read_bytes() + b"\0")
    with pytest.raises(ConfigError, match="weights of generator"):
        check(study_of("a"), same)


def test_how_something_was_computed_may_differ_and_is_listed():
    other = study_of(
        "b",
        n_together=8,
        network={"kind": "resnet18", "random_seed": 1, "batch_size": 4},
        generator={"kind": "dcgan_faces", "batch_size": 2},
    )
    assert check(study_of("a"), other) == {
        "n_together": {"a": 4, "b": 8},
        "network.batch_size": {"a": 1, "b": 4},
        "generator.batch_size": {"a": 1, "b": 2},
    }


def test_conditions_units_and_repeats_may_differ_and_are_listed():
    other = study_of("b", units=["mask"], signs=["positive"], n_repeats=3, traits={"x": 1.0})
    many = [str(index) for index in range(9)]
    long = study_of("b", units=many)
    assert check(study_of("a"), long)["units"] == {
        "a": "wig, tench",
        "b": "0, 1, 2, 3, 4, 5, 6, 7, and 1 more",
    }
    ends = [study_of(name, units=[*many, name]) for name in ("a", "b")]
    assert check(*ends)["units"] == {
        name: f"0, 1, 2, 3, 4, 5, 6, 7, 8, {name}" for name in ("a", "b")
    }
    assert check(study_of("a"), other) == {
        "units": {"a": "wig, tench", "b": "mask"},
        "signs": {"a": "positive, negative", "b": "positive"},
        "n_repeats": {"a": 2, "b": 3},
    }


def test_a_hidden_layer_has_a_name_in_each_network_but_images_and_scope_are_the_same(images):
    def hidden(name: str, layer: str, folder: str, **more: object) -> SweepStudy:
        return study_of(name, hidden={"layer": layer, "images": str(images / folder)} | more)

    one = hidden("a", "conv1", "images")
    assert set(check(one, hidden("b", "layer4.1.conv2", "copies"))) == {
        "hidden.layer",
        "hidden.images",
    }
    with pytest.raises(ConfigError, match=r"contents of hidden.images"):
        check(one, hidden("b", "conv1", "others"))
    with pytest.raises(ConfigError, match=r"hidden.scope \(unit and matrix\)"):
        check(one, hidden("b", "conv1", "images", scope="matrix"))
    with pytest.raises(ConfigError, match=r"what is ablated \(a hidden layer and the readout\)"):
        check(one, study_of("b"))


def test_neuron_models_of_other_files_may_read_one_network(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)
    one, other, same = (
        study_of(name, IDENTITY, neurons=str(tmp_path / file))
        for name, file in (("a", "one"), ("b", "two"), ("c", "one"))
    )
    assert set(check(one, other)) == {"neurons"}
    with pytest.raises(ConfigError, match="'a' and 'c' are of the neuron models of one file"):
        check(one, same)
    with pytest.raises(ConfigError, match="what is ablated"):
        check(one, study_of("d"))
