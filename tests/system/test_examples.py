"""The examples run as their texts say."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def run(*command: object, environment: dict[str, str] | None = None, **options: Any) -> str:
    process = subprocess.run(
        [sys.executable, *map(str, command)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        timeout=280,
        **options,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def test_01_one_generation() -> None:
    assert "10 images of 64 px; best score" in run(EXAMPLES / "01_one_generation.py")


@pytest.mark.display
@pytest.mark.slow
def test_02_dry_run_in_a_real_window(tmp_path: Path, x_display: str) -> None:
    text = (
        (EXAMPLES / "02_dry_run.toml")
        .read_text()
        .replace("n_generations = 20", "n_generations = 4")
    )
    file = tmp_path / "short.toml"
    file.write_text(text.replace("[run]", '[run]\nout_dir = "runs"', 1))
    output = run(
        "-m", "signseg_rig", "run", file, "--json", environment={"DISPLAY": x_display}, cwd=tmp_path
    )
    result = json.loads(output)
    assert [row["n_generations"] for row in result["rows"]] == [4, 4]
    page = Path(tmp_path / result["report"]).read_text(encoding="utf-8")
    assert "wig-neuron" in page
    assert page.count("data:image/png;base64,") == 4
    assert "://" not in page.split("<pre>")[0]


@pytest.mark.parametrize("name", ["02_dry_run.toml", "03_rig.toml"])
def test_experiment_files_have_no_errors(name: str) -> None:
    problems = json.loads(run("-m", "signseg_rig", "check", EXAMPLES / name, "--json"))
    assert problems["problems"] == [] or all(
        one["severity"] == "warning" for one in problems["problems"]
    )


def test_the_experiment_of_the_readme_has_no_problems(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(\[run\].*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    file = tmp_path / "readme.toml"
    file.write_text(text)
    checked = json.loads(run("-m", "signseg_rig", "check", file, "--json"))
    # Its monitor is not a real one, and another test may listen at the address.
    keys = {one["key"] for one in checked["problems"]}
    assert keys <= {"monitor", "wire.address"}


def test_03_explains_every_setting() -> None:
    """Every field of the settings that it chooses is named in it, with or without a default."""
    from signseg_rig.experiment import read_experiment
    from signseg_rig.settings import PluginChoice, Settings

    def fields(value: object) -> set[str]:
        if isinstance(value, PluginChoice):
            return fields(value.settings)
        if isinstance(value, Settings):
            names = set(type(value).model_fields)
            return names.union(*(fields(getattr(value, name)) for name in names))
        if isinstance(value, dict):
            return set().union(*map(fields, value.values()))
        if isinstance(value, list | tuple):
            return set().union(*map(fields, value))
        return set()

    example = EXAMPLES / "03_rig.toml"
    assert not fields(read_experiment(example)) - set(re.findall(r"\w+", example.read_text()))


@pytest.mark.parametrize(("name", "n"), [("04_plugin_package", 2), ("10_response_source", 7)])
def test_plugin_packages(name: str, n: int) -> None:
    package = EXAMPLES / name
    output = run(
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        package,
        package / "tests",
        environment={"PYTHONPATH": str(package)},
        cwd=package,
    )
    assert f"{n} passed" in output


def test_04_names_every_group_and_where_its_interface_stands() -> None:
    text = (EXAMPLES / "04_plugin_package" / "README.md").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [name.split(".")[-1] for name in project["entry-points"]]
    # Its own plugin is a generator.
    assert [name for name in groups if name != "generators" and f".{name}`" not in text] == []
    named = re.findall(r"`(signseg_rig/[^`]*)`", text)
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.slow
def test_05_fits_recorded_neurons(tmp_path: Path) -> None:
    shared = os.environ.get("SIGNSEG_TEST_DATA", ROOT.parent / "shared" / "data")
    session = Path(shared, "v4_cowley", "201025")
    if not session.is_dir():
        pytest.skip(f"There are no recordings at {session}; set SIGNSEG_TEST_DATA.")
    output = run(EXAMPLES / "05_fit_neurons.py", session, tmp_path)
    found = re.search(r"89 neurons, 1200 images; median test r (\d\.\d+)", output)
    assert found is not None
    assert float(found[1]) >= 0.54
    shuffled = re.search(r"median r with shuffled images ([+-]\d\.\d+)", output)
    assert shuffled is not None
    assert abs(float(shuffled[1])) <= 0.05
    # Eleven strengths of both signs, each with two controls, and of all weights.
    assert (
        len(re.findall(r"^(?:random|positive|negative|both).* \d\.\d ", output, re.MULTILINE)) == 77
    )
    # Without positive weights models choose images that drive the neurons less.
    found = re.search(
        r"^positive - negative, equal share +(\S+) \[\S+ (\S+)\]", output, re.MULTILINE
    )
    assert found is not None
    assert float(found[1]) < float(found[2]) < 0
    for path in output.splitlines()[-3:]:
        assert Path(path).is_file()


def test_06_dale_index(tmp_path: Path) -> None:
    output = run("-m", "signseg_rig", "dale", EXAMPLES / "06_dale_index.toml", cwd=tmp_path)
    report = tmp_path / output.split()[-1]
    assert "lite2" in report.read_text(encoding="utf-8")
    assert "0.54" in output


def test_08_is_pooled_with_07() -> None:
    """It is the same sweep but for its network: else the two could not be pooled."""
    one, other = (
        tomllib.loads((EXAMPLES / name).read_text())
        for name in ("07_sweep.toml", "08_sweep_squeezenet.toml")
    )
    assert {key for key in one if one[key] != other.get(key)} == {"name", "network"}
    assert one.keys() == other.keys()


@pytest.mark.slow
def test_07_sweep(tmp_path: Path) -> None:
    text = (EXAMPLES / "07_sweep.toml").read_text()
    for long, short in (
        ("n_generations = 40", "n_generations = 2"),
        ("n_codes = 20", "n_codes = 4"),
        ("input_size_px = 112", "input_size_px = 32"),
    ):
        assert long in text
        text = text.replace(long, short)
    text = re.sub(r"units = \[[^]]*\]", 'units = ["wig", "tench"]', text)
    file = tmp_path / "short.toml"
    file.write_text(text)
    sweep = run("-m", "signseg_rig", "visualize", file, cwd=tmp_path).split()[-1]
    report = run("-m", "signseg_rig", "report", sweep, cwd=tmp_path).split()[-1]
    page = (tmp_path / report).read_text(encoding="utf-8")
    # Intact, six ablations and both signs twice each, four random controls three times.
    assert "56 evolutions; written" in page
    said = " ".join(page.split())
    assert "too few: no outcome has p below 0.5" in said
    assert "Random weights are drawn 3 times" in said
    assert "similarity.centered.across.mean" in page


def test_09_choices_is_read() -> None:
    from signseg_rig.studies import read_choice_settings

    settings = read_choice_settings(EXAMPLES / "09_choices.toml")
    assert settings.rectify == "split"
    assert list(settings.sessions) == ["201025", "210325"]
    assert settings.sessions["201025"].images == EXAMPLES / "v4" / "201025" / "images.zip"
