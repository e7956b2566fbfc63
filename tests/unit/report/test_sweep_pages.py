"""Reports of one and of several sweeps, from the command to the tables behind the figures."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from signseg_rig.cli import app
from signseg_rig.errors import ConfigError
from signseg_rig.sweeps import (
    Condition,
    Result,
    ResultFolder,
    SweepSettings,
    list_tasks,
    read_sweep,
    study_sweep,
)

runner = CliRunner()

SWEEP = """\
name = "{name}"
out_dir = "{out_dir}"
units = ["wig", "tench", "daisy"]
strengths = [0.5, 1.0]
control_strengths = [0.5]
controls = ["number", "magnitude"]
n_repeats = 2
n_control_draws = 2
n_generations = 1
traits = {{ robust_accuracy = {robustness} }}
network = {{ kind = "efficientnet_lite0", input_size_px = 32, random_seed = {network} }}
generator = {{ kind = "dcgan_faces" }}
optimizer = {{ kind = "cma_es", n_codes = 4 }}
metrics = {{ spectra = {{ kind = "spectra" }} }}
"""
EFFECT = {"intact": 0, "positive": -4, "negative": 1}


def make_sweep(
    out_dir: Path, name: str, robustness: float = 0.1, *, network: int = 0, **results: Any
) -> Path:
    """Write results of a sweep in which an ablation changes scores by a known amount."""
    (out_dir / name).mkdir(parents=True)
    file = out_dir / name / "sweep.toml"
    file.write_text(
        SWEEP.format(name=name, out_dir=out_dir, robustness=robustness, network=network)
    )
    write_results(read_sweep(file), robustness, **results)
    return out_dir / name


def write_results(
    settings: SweepSettings,
    robustness: float = 0.1,
    *,
    n_missing: int = 0,
    has_contrast: bool = True,
) -> None:
    folder = ResultFolder(settings.folder)
    tasks = list_tasks(settings)
    rng = np.random.default_rng(int(robustness * 100))
    for task in tasks[: len(tasks) - n_missing]:
        condition = task.condition
        change = 0 if condition.control else EFFECT[condition.sign] * condition.strength
        level = 20 + change * (1 + robustness) + 0.01 * rng.normal()
        folder.write(
            task.key,
            Result(
                best_code=np.zeros(100),
                best_image=rng.integers(0, 256, (64, 64, 3), dtype=np.uint8) * has_contrast,
                scores=np.array([[level, level - 1]]),
                intact_score=np.array(level),
                n_removed=np.array(round(10 * condition.strength)),
                realized_strength=np.array(condition.strength),
                # There is twice as much of the positive weights as of the negative ones.
                removed_magnitude=np.array(
                    condition.strength * (2 if condition.sign == "positive" else 1)
                ),
            ),
        )


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_report_of_a_sweep(tmp_path):
    sweep = make_sweep(tmp_path, "one")
    result = runner.invoke(app, ["report", str(sweep)])
    assert result.exit_code == 0, result.output
    assert result.stdout.strip().endswith(str(sweep / "report.html"))
    page = (sweep / "report.html").read_text(encoding="utf-8")
    assert "3 units of efficientnet_lite0, 2 repeats" in page
    assert "54 evolutions; written" in page
    assert page.count("data:image/png;base64,") == 2
    assert "://" not in page
    for name in ("images", "changes"):
        with Image.open(sweep / "figures" / f"{name}.png") as figure:
            assert min(figure.size) > 200
    tests = {
        (row["measure"], row["sign"], row["strength"], row["against_control"], row["compared"]): row
        for row in rows_of(sweep / "tests.csv")
        if not row["control"]
    }
    row = tests["reached_activation", "positive", "1.0", "", ""]
    assert row["against_sign"] == "intact"
    bounds = float(row["difference_low"]), float(row["difference_high"])
    assert float(row["difference"]) == pytest.approx(-4.4, abs=0.05)
    assert bounds[0] <= float(row["difference"]) <= bounds[1]
    # The means stand beside nothing that might be taken for their bounds.
    assert float(row["mean"]) - float(row["mean_against"]) == pytest.approx(
        float(row["difference"])
    )
    assert not {"low", "high"} & row.keys()
    assert row["n_units"] == "3"
    assert f"{float(row['difference']):.3g}" in page
    row = tests["intact_response", "positive", "0.5", "magnitude", ""]
    assert float(row["difference"]) == pytest.approx(-2.2, abs=0.05)
    # Where 1 is removed of both: half of the positive weights, and all of the negative ones.
    row = tests["intact_response", "positive", "1.0", "", "at equal magnitude removed"]
    assert (row["against_sign"], float(row["place"])) == ("negative", 1)
    assert float(row["difference"]) == pytest.approx(1.1 * (-2 - 1), abs=0.05)
    mean = tests["intact_response", "positive", "", "", "mean over equal magnitude removed"]
    assert float(mean["difference"]) == pytest.approx(1.1 * (-2 - 1) / 2, abs=0.05)
    numbers = rows_of(sweep / "numbers.csv")
    assert len([one for one in numbers if one["measure"] == "intact_response"]) == 54
    assert len([one for one in numbers if one["measure"] == "spectra.slope"]) == 27
    assert not (sweep / "areas.csv").exists()


def words_of(page: Path) -> str:
    return " ".join(re.sub("<[^>]*>", " ", page.read_text(encoding="utf-8")).split())


def test_tables_and_page_tell_what_was_tested_over_how_many_and_what_three_units_can_show(tmp_path):
    sweep = make_sweep(tmp_path, "one")
    result = runner.invoke(app, ["report", str(sweep), "--json"])
    assert result.exit_code == 0, result.output
    tests = rows_of(sweep / "tests.csv")
    told = [
        {key: "" if value is None else str(value) for key, value in one.items()}
        for one in json.loads(result.stdout)["tests"]
    ]
    assert told == tests
    families = {one["family"]: one["n_in_family"] for one in tests}
    # Ablations and controls against intact; 0.5 against two kinds; two strengths and their mean at
    # equal magnitude and at equal number.
    assert families["spectra.slope against intact"] == "8"
    assert families["spectra.slope against matched random weights"] == "4"
    assert families["spectra.slope positive against negative"] == "6"
    assert families["reached_activation against intact"] == "0"
    for one in tests:
        assert one["note"].startswith(("not tested", "too few: no outcome has p below 0.25"))
        is_tested = not one["note"].startswith("not tested")
        assert bool(one["p_value"]) == bool(one["q_value"]) == bool(one["smallest_p"]) == is_tested
    words = words_of(sweep / "report.html")
    assert "too few: no outcome has p below 0.25" in words
    assert "Without control, and so not tested: positive 1 removed, negative 1 removed" in words
    assert "Random weights are drawn 2 times" in words


def test_a_report_writes_over_nothing_that_a_link_leads_to(tmp_path):
    sweep = make_sweep(tmp_path, "one")
    kept = tmp_path / "kept.txt"
    kept.write_text("mine")
    for name in ("tests.csv", "numbers.csv", "report.html"):
        (sweep / name).symlink_to(kept)
    assert runner.invoke(app, ["report", str(sweep)]).exit_code == 0
    assert kept.read_text() == "mine"
    assert (sweep / "tests.csv").read_text(encoding="utf-8").startswith("measure,sign")


def test_a_sweep_that_still_goes_on(tmp_path):
    sweep = make_sweep(tmp_path, "going", n_missing=52)
    assert runner.invoke(app, ["report", str(sweep)]).exit_code == 0
    page = (sweep / "report.html").read_text(encoding="utf-8")
    assert "2 evolutions, 52 more are missing" in page


def test_report_tells_software_and_that_it_changed(tmp_path):
    sweep = make_sweep(tmp_path, "one")
    manifests = [
        {"python": "3.11.7 (main)", "plugins": [], "distributions": {"Torch": version, "rich": "1"}}
        for version in ("2.6.0", "2.7.1")
    ]
    page = sweep / "report.html"
    for n_manifests in (1, 2):
        (sweep / "manifest.json").write_text(json.dumps(manifests[:n_manifests]))
        assert runner.invoke(app, ["report", str(sweep)]).exit_code == 0
        text = " ".join(re.sub("<[^>]*>", " ", page.read_text(encoding="utf-8")).split())
        assert ("2 kinds of software" in text) == (n_manifests == 2)
    assert "python 3.11.7 3.11.7 torch 2.6.0 2.7.1 Settings" in text


def test_report_as_json(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sweeps = [make_sweep(tmp_path, name, network=ord(name)) for name in ("a", "b")]
    result = runner.invoke(app, ["report", *map(str, sweeps), "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["report"] == str(Path("sweeps-compared") / "report.html")
    assert [one["sweep"] for one in told["sweeps"]] == ["a", "b"]
    first = told["sweeps"][0]
    assert (first["n_results"], first["n_missing"]) == (54, 0)
    assert first["report"] == str(sweeps[0] / "report.html")
    tests = {
        (one["measure"], one["sign"], one["strength"], one["family"]): one for one in first["tests"]
    }
    family = "reached_activation against intact"
    assert tests["reached_activation", "positive", 1.0, family]["difference"] == pytest.approx(
        -4.4, abs=0.05
    )
    assert {one["note"] for one in told["pooled"]} == {
        "no interval: 2 networks, and 3 are the fewest"
    }
    assert {one["difference_low"] for one in told["pooled"]} == {None}
    assert {one["n_sweeps"] for one in told["pooled"]} == {2}
    assert told["correlations"] == []


def test_the_network_that_neuron_models_read_does_not_judge(tmp_path):
    sweep = make_sweep(tmp_path, "neurons")
    file = sweep / "sweep.toml"
    text = file.read_text().partition("metrics =")[0]
    (sweep / "some.neurons").write_bytes(b"hashed only")
    judges = '[{ kind = "efficientnet_lite0", input_size_px = 64, random_seed = 0 }]'
    file.write_text(
        f'{text}neurons = "{sweep / "some.neurons"}"\n'
        f'[metrics.alike]\nkind = "representational_similarity"\nnetworks = {judges}\n'
    )
    write_results(read_sweep(file))
    with pytest.raises(ConfigError, match="Add others to 'networks'"):
        study_sweep(sweep)


def test_results_of_neuron_models_name_their_convention(tmp_path):
    conventions, pages, anyway = {}, {}, {}
    for name in ("classes", "neurons"):
        sweep = make_sweep(tmp_path, name)
        if name == "neurons":
            (sweep / "some.neurons").write_bytes(b"hashed only")
            file = sweep / "sweep.toml"
            named = f'neurons = "{sweep / "some.neurons"}"\nsigned_features_anyway = true\n'
            file.write_text(named + file.read_text())
            write_results(read_sweep(file))
        result = runner.invoke(app, ["report", str(sweep), "--json"])
        assert result.exit_code == 0, result.output
        rows = rows_of(sweep / "numbers.csv")
        told = json.loads(result.stdout)["convention"]
        conventions[name] = {told or "", *(row["convention"] for row in rows)}
        anyway[name] = {row["signed_features_anyway"] for row in rows}
        pages[name] = (sweep / "report.html").read_text(encoding="utf-8")
    assert conventions == {"classes": {""}, "neurons": {"raw"}}
    assert anyway == {"classes": {"False"}, "neurons": {"True"}}
    assert "convention raw" in pages["neurons"]
    assert "convention" not in pages["classes"]


def test_sweep_that_was_moved_is_reported_where_it_lies(tmp_path):
    sweep = make_sweep(tmp_path / "there", "one")
    moved = sweep.rename(tmp_path / "elsewhere")
    result = runner.invoke(app, ["report", str(moved)])
    assert result.exit_code == 0, result.output
    assert (moved / "report.html").is_file()
    assert not sweep.exists()


def test_sweeps_of_several_networks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    robustness = (0.1, 0.9, 0.5, 0.3)
    sweeps = [
        make_sweep(tmp_path, f"net{index}", one, network=index)
        for index, one in enumerate(robustness)
    ]
    result = runner.invoke(app, ["report", *map(str, sweeps), "--out", "all"])
    assert result.exit_code == 0, result.output
    assert result.stdout.split()[-1] == str(Path("all") / "report.html")
    page = (tmp_path / "all" / "report.html").read_text(encoding="utf-8")
    assert "Sweeps of 4 networks" in page
    assert page.count("data:image/png;base64,") == 2
    rho = {
        (row["measure"], row["sign"], row["strength"], row["control"]): row
        for row in rows_of(tmp_path / "all" / "correlations.csv")
    }
    row = rho["reached_activation", "positive", "1.0", ""]
    assert float(row["spearman"]) == pytest.approx(-1)
    assert float(row["p_value"]) == float(row["smallest_p"]) == pytest.approx(2 / 24)
    assert row["note"] == "too few: no outcome has p below 0.0833"
    assert row["spearman_low"] == ""
    assert row["family"] == "conditions of reached_activation with robust_accuracy"
    assert row["n_in_family"] == "8"
    pooled = rows_of(tmp_path / "all" / "pooled.csv")
    assert {one["n_sweeps"] for one in pooled} == {"4"}
    assert {one["n_units"] for one in pooled} == {"12"}
    first = next(one for one in pooled if (one["sign"], one["strength"]) == ("positive", "1.0"))
    # Intact units reach 20, and activations are pooled as shares of that.
    share = -4 * (1 + np.mean(robustness)) / 20
    assert float(first["difference"]) == pytest.approx(share, abs=0.003)
    assert first["unit"] == "share of what intact units reach"
    changes = rows_of(tmp_path / "all" / "changes.csv")
    assert {one["sweep"] for one in changes} == {sweep.name for sweep in sweeps}


def test_two_networks_are_pooled_and_the_page_says_what_a_correlation_needs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sweeps = [make_sweep(tmp_path, name, network=ord(name)) for name in ("a", "b")]
    assert runner.invoke(app, ["report", *map(str, sweeps)]).exit_code == 0
    page = (tmp_path / "sweeps-compared" / "report.html").read_text(encoding="utf-8")
    assert "a trait has to be known of four or more networks" in page
    words = words_of(tmp_path / "sweeps-compared" / "report.html")
    assert "2 networks allow no interval and no test of what holds for networks in general" in words


def test_page_names_what_is_not_known_of_a_network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sweeps = [
        make_sweep(tmp_path, name, network=ord(name), has_contrast=name != "b") for name in "abc"
    ]
    result = runner.invoke(app, ["report", *map(str, sweeps)])
    assert result.exit_code == 0, result.output
    n_sweeps = {
        row["measure"]: row["n_sweeps"]
        for row in rows_of(tmp_path / "sweeps-compared" / "pooled.csv")
    }
    assert n_sweeps == {"reached_activation": "3", "intact_response": "3"} | dict.fromkeys(
        ("spectra.low_share", "spectra.high_share", "spectra.slope"), "2"
    )
    page = (tmp_path / "sweeps-compared" / "report.html").read_text(encoding="utf-8")
    assert "spectra.slope (not of b)" in page
    assert "reached_activation (not of" not in page


def test_sweeps_of_one_network_are_not_pooled_as_if_they_were_of_two(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sweeps = [make_sweep(tmp_path, name, network=ord(name)) for name in "abc"]
    again = make_sweep(tmp_path, "again", network=ord("b"))
    text = (again / "sweep.toml").read_text()
    # Other units, another seed and another size of images make no other network.
    (again / "sweep.toml").write_text(
        text.replace("px = 32", "px = 64")
        .replace('"wig"', '"mask"')
        .replace("units", "seed = 1\nunits")
    )
    write_results(read_sweep(again / "sweep.toml"))
    result = runner.invoke(app, ["report", *map(str, [*sweeps, again])])
    assert result.exit_code == 1
    said = " ".join(result.stderr.split())
    assert "'b' and 'again' are of one network, efficientnet_lite0 (random, seed 98)" in said
    assert "put them into one sweep" in said
    assert not (tmp_path / "sweeps-compared").exists()


def test_page_lists_what_sweeps_differ_in_and_may(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sweeps = [make_sweep(tmp_path, name, network=ord(name)) for name in "ab"]
    text = (sweeps[1] / "sweep.toml").read_text()
    (sweeps[1] / "sweep.toml").write_text(
        text.replace("px = 32", "px = 64")
        .replace("n_repeats = 2", "n_repeats = 3")
        .replace("[0.5, 1.0]", "[0.5, 0.8, 1.0]")
    )
    write_results(read_sweep(sweeps[1] / "sweep.toml"))
    manifest = {"python": "3.11.7 (main)", "plugins": [], "distributions": {"torch": "2.7.1"}}
    (sweeps[1] / "manifest.json").write_text(json.dumps([manifest]))
    result = runner.invoke(app, ["report", *map(str, sweeps)])
    assert result.exit_code == 0, result.output
    page = (tmp_path / "sweeps-compared" / "report.html").read_text(encoding="utf-8")
    text = " ".join(re.sub("<[^>]*>", " ", page).split())
    told = text.partition("What the sweeps differ in setting a b ")[2].partition(" All else")[0]
    assert told == (
        "n_repeats 2 3 network.input_size_px 32 64 network.random_seed 97 98 software.python "
        "absent 3.11.7 software.torch absent 2.7.1 strengths 0.5, 1.0 0.5, 0.8, 1.0"
    )
    pooled = rows_of(tmp_path / "sweeps-compared" / "pooled.csv")
    # Without a strength are means over all that is removed of both signs.
    assert {one["strength"] for one in pooled} == {"", "0.5", "1.0"}


def test_neuron_models_are_counted_by_their_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sweeps = [make_sweep(tmp_path, name) for name in "ab"]
    for sweep in sweeps:
        (sweep / "some.neurons").write_text(f"hashed only, {sweep.name}")
        text = (sweep / "sweep.toml").read_text()
        (sweep / "sweep.toml").write_text(f'neurons = "{sweep / "some.neurons"}"\n{text}')
        write_results(read_sweep(sweep / "sweep.toml"))
    assert runner.invoke(app, ["report", *map(str, sweeps)]).exit_code == 0
    page = (tmp_path / "sweeps-compared" / "report.html").read_text(encoding="utf-8")
    assert "Sweeps of 2 sets of neuron models" in page
    assert "Those of one animal, or of one recording on two networks, are not independent" in page


def test_sweeps_of_one_name_cannot_be_told_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sweeps = [make_sweep(tmp_path / one, "same", network=ord(one)) for one in ("a", "b")]
    result = runner.invoke(app, ["report", *map(str, sweeps)])
    assert result.exit_code == 1
    assert "Rename a folder" in " ".join(result.stderr.split())


def test_one_sweep_has_its_report_in_its_folder(tmp_path):
    sweep = make_sweep(tmp_path, "one")
    result = runner.invoke(app, ["report", str(sweep), "--out", str(tmp_path / "elsewhere")])
    assert result.exit_code == 1
    assert "leave --out" in " ".join(result.stderr.split())


def test_runs_and_sweeps_do_not_mix(tmp_path):
    sweep = make_sweep(tmp_path, "one")
    result = runner.invoke(app, ["report", str(sweep), str(tmp_path)])
    assert result.exit_code == 1
    assert "holds no sweep (no sweep.toml)" in " ".join(result.stderr.split())


def test_conditions_are_named_as_people_do():
    from signseg_rig.report.sweep_figures import label_of

    assert label_of(Condition()) == "intact"
    assert label_of(Condition("positive", 0.5)) == "positive 0.5 removed"
    assert label_of(Condition("negative", 1.0, "number")) == "random, number of negative 1"
    assert label_of(Condition("both", 0.7, "both_signs")) == "both signs 0.7 removed"
