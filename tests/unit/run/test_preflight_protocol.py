"""What a protocol's settings refer to is looked up in the rest of the file before a run."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from signseg_rig.experiment import Experiment
from signseg_rig.run.preflight import check_experiment
from signseg_rig.settings import Problem

Check = Callable[..., list[Problem]]


@pytest.fixture
def check(
    synthetic_plugins: Path, toy_plugins: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Check:
    """Check an evolution of two threads whose score, generator or references are others."""
    monkeypatch.chdir(tmp_path)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"

    def check(**changes: Any) -> list[Problem]:
        def thread(name: str, **changed: Any) -> dict[str, Any]:
            return {
                "name": name,
                "generator": "linear",
                "optimizer": {"kind": "cma_es"},
                "score": {"kind": "channel", "unit": "unit_0"},
            } | changed

        second = {key: changes[key] for key in ("generator", "score") if key in changes}
        source = {"kind": "simulated", "population": {"kind": "pixels", "n_units": 2}}
        references = {"kind": "random_codes", "generator": "linear"}
        table = {
            "run": {"name": "toy"},
            "wire": {"address": address},
            "display": {"kind": "headless"},
            "response_source": changes.get("response_source", source),
            "generators": {"linear": {"kind": "linear"}},
            "protocol": {
                "kind": "evolution",
                "n_generations": changes.get("n_generations", 6),
                "stopping": changes.get("stopping"),
                "references": changes.get("references", references),
                "threads": [thread("a"), thread("b", **second)],
            },
        }
        return check_experiment(Experiment.model_validate(table))

    return check


def only(problems: list[Problem], *key: str | int) -> Problem:
    (problem,) = problems
    assert problem.key == key
    return problem


def test_nothing_is_wrong_where_all_is_there(check: Check) -> None:
    assert check() == []


def test_a_run_too_short_for_a_verdict_is_said_to_be(check: Check) -> None:
    problem = only(check(n_generations=5), "protocol", "n_generations")
    assert problem.severity == "warning"
    assert "tested with 6 blocks or more" in problem.message
    stopping = {"min_generations": 5, "patience_generations": 2}
    problem = only(
        check(n_generations=40, stopping=stopping), "protocol", "stopping", "min_generations"
    )
    assert problem.severity == "warning"


def test_an_unknown_generator_is_found(check: Check) -> None:
    problem = only(check(generator="linea"), "protocol", "threads", 1, "generator")
    assert problem.severity == "error"
    assert "Thread 'b' names the generator 'linea'. Did you mean 'linear'?" in problem.message


def test_an_unknown_generator_of_references_is_found(check: Check) -> None:
    problems = check(references={"kind": "random_codes", "generator": "liner"})
    problem = only(problems, "protocol", "references", "generator")
    assert "names the generator 'liner'. Did you mean 'linear'?" in problem.message


def test_an_unknown_unit_is_found(check: Check) -> None:
    problems = check(score={"kind": "mean", "units": ["unit_1", "unit_7"]})
    problem = only(problems, "protocol", "threads", 1, "score", "units", 1)
    assert problem.severity == "error"
    assert "Thread 'b' names the unit 'unit_7'." in problem.message


def test_units_that_only_the_recording_system_knows_are_said_not_to_be_checked(
    check: Check,
) -> None:
    problem = only(check(response_source={"kind": "toy_device"}), "protocol", "threads")
    assert problem.severity == "warning"
    assert "has the units 'unit_0' was not checked" in problem.message


def test_all_problems_are_told_at_once(check: Check) -> None:
    problems = check(
        generator="linea",
        score={"kind": "channel", "unit": "unit_9"},
        references={"kind": "random_codes", "generator": "liner"},
    )
    assert [problem.key[1:] for problem in problems] == [
        ("threads", 1, "score", "unit"),
        ("threads", 1, "generator"),
        ("references", "generator"),
    ]


def test_units_of_one_name_are_found(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    from signseg_rig.testing.synthetic import PixelPopulation

    names = ("unit_0", "unit_1", "unit_0")
    monkeypatch.setattr(PixelPopulation, "foreseen_unit_names", lambda _settings: names)
    problem = only(check(), "response_source")
    assert problem.severity == "error"
    assert "several units of one name: 'unit_0'" in problem.message


@pytest.mark.parametrize(
    ("make", "n_images", "what"),
    [
        (lambda folder: None, None, "There is no folder"),
        (lambda folder: folder.mkdir(), None, "holds 0 images"),
        (lambda folder: save(folder, "L"), 50, "holds 1 images"),
        (lambda folder: save(folder, "I;16"), None, "a.png: has pixels of mode 'I;16'"),
        (lambda folder: save(folder, "LA"), None, "a.png: has transparent pixels"),
        (lambda folder: cut(save(folder, "L")), None, "a.png: image file is truncated"),
    ],
    ids=["no folder", "empty", "too few", "16-bit", "transparent", "truncated"],
)
def test_reference_images_that_cannot_be_used_are_found(
    check: Check, tmp_path: Path, make: Callable[[Path], object], n_images: int | None, what: str
) -> None:
    make(tmp_path / "images")
    table = {"kind": "folder", "path": str(tmp_path / "images"), "n_images": n_images}
    problem = only(check(references=table), "protocol", "references", "path")
    assert problem.severity == "error"
    assert what in problem.message


def test_reference_images_that_n_images_leaves_out_are_told(check: Check, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    save(folder, "L")
    for name in ("b", "c"):
        Image.new("L", (8, 8)).save(folder / f"{name}.png")
    table = {"kind": "folder", "path": str(folder), "n_images": 2}
    problem = only(check(references=table), "protocol", "references", "n_images")
    assert problem.severity == "warning"
    assert "Of the 3 images" in problem.message
    assert "only the first 2 by name are shown, up to 'b.png'" in problem.message
    assert check(references=table | {"n_images": 3}) == []


def save(folder: Path, mode: str) -> Path:
    folder.mkdir()
    image = Image.effect_noise((64, 64), 50) if mode == "L" else Image.new(mode, (8, 8))
    image.save(folder / "a.png")
    return folder / "a.png"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def test_a_unit_that_the_readout_lacks_is_found_without_weights(check: Check) -> None:
    network = {"kind": "alexnet", "random_seed": 1}
    population = {"kind": "readout_population", "units": ["unit_0", "tenc"], "network": network}
    problems = check(response_source={"kind": "simulated", "population": population})
    key = ("response_source", "population", "units")
    population_problems = [one for one in problems if one.key[:3] == key]
    assert [one.key[3] for one in population_problems] == [0, 1]
    assert ["Did you mean 'tench'" in one.message for one in population_problems] == [False, True]
    assert all("among its 1000." in one.message for one in population_problems)


def test_a_protocol_that_cannot_be_checked_does_not_hide_the_rest(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    from signseg_protocols.evolution import Evolution

    def crash(*_arguments: object) -> list[Problem]:
        raise ZeroDivisionError("in the plugin")

    monkeypatch.setattr(Evolution, "misfits", crash)
    problem = only(check(), "protocol")
    assert problem.message == "'evolution' cannot be checked: ZeroDivisionError: in the plugin."
