"""One look at a file that is wrong in every way finds all of it, each with its own line."""

from __future__ import annotations

from pathlib import Path

import pytest

from signseg_rig.experiment import Experiment
from signseg_rig.run.preflight import check_experiment
from signseg_rig.settings import Problem, read_as_far_as_possible

# Misspelt keys and kinds, values out of bounds, quotes around a number, windows that end before
# they start; and behind these a name given twice, units, generators and folders that are not there,
# an image off the screen, and durations that the monitor cannot keep.
WRONG = """\
[run]
nme = "x"
seed = -1

[wire]
address = "tcp://127.0.0.1:{port}"

[display]
kind = "headles"

[monitor]
width_px = 1920
height_px = 1080
width_cm = 53.1
distance_cm = 57.0
refresh_rate_hz = 144

[stimulus]
on_ms = 100
off_ms = "100"
size_deg = 400.0
position_deg = [40.0, 0.0]
background_grey = 128

[windows]
evoked_s = [0.2, 0.05]
baseline_s = [0.0, 0.3]

[invalid_trials]
policy = "retry"

[response_source]
kind = "simulated"
[response_source.population]
kind = "readout_population"
units = ["wigg", "sunglass", "sunglass"]
network = {{ kind = "alexnet", random_seed = 1 }}

[generators.lines]
kind = "linea"

[protocol]
kind = "evolution"
n_generations = 5

[protocol.references]
kind = "folder"
path = "nosuch"

[[protocol.threads]]
name = "a"
generator = "line"
optimizer = {{ kind = "cmaes", n_codes = 6 }}
score = {{ kind = "contrast", preferred = "sunglas", other = "wig" }}

[[protocol.threads]]
name = "a"
generator = "lines"
optimizer = {{ kind = "genetic", n_codes = 8, n_conserved = 2 }}
[protocol.threads.score]
kind = "mean"
units = [
  "wigg",
  "tenchh",
]
"""

EXPECTED = [
    (2, "run.nme", "Did you mean 'name'?"),
    (3, "run.seed", "got -1"),
    (9, "display.kind", "Did you mean 'headless'?"),
    (19, "stimulus.on_ms", "14 frames"),
    (20, "stimulus.off_ms", "14 frames"),
    (20, "stimulus.off_ms", "should be a number without quotes; got '100'"),
    (21, "stimulus.size_deg", "got 400.0"),
    (22, "stimulus.position_deg", "lies off the screen"),
    (23, "stimulus.background_grey", "Did you mean 'background_gray'?"),
    (26, "windows.evoked_s", "got 0.2 to 0.05"),
    (27, "windows.baseline_s", "ends 300 ms after the onset"),
    (30, "invalid_trials.policy", "'repeat', 'drop' or 'abort'; got 'retry'"),
    (36, "response_source.population.units[0]", "Did you mean 'wig'"),
    (36, "response_source.population.units[2]", "more than once"),
    (40, "generators.lines.kind", "Did you mean 'linear'?"),
    (44, "protocol.n_generations", "6 blocks or more"),
    (48, "protocol.references.path", "There is no folder"),
    (52, "protocol.threads[0].generator", "Did you mean 'lines'?"),
    (53, "protocol.threads[0].optimizer.kind", "Did you mean 'cma_es'?"),
    (54, "protocol.threads[0].score.other", "names the unit 'wig'"),
    (54, "protocol.threads[0].score.preferred", "Did you mean 'sunglass'?"),
    (57, "protocol.threads[1].name", "names of their own"),
    (64, "protocol.threads[1].score.units[1]", "names the unit 'tenchh'"),
]


def found_in(path: Path) -> list[Problem]:
    reading = read_as_far_as_possible(path, Experiment)
    if reading.settings is None:
        return reading.problems
    further = check_experiment(reading.settings, reading.doubtful)
    found = [*reading.problems, *reading.locate(further)]
    return sorted(found, key=lambda one: (one.line, one.dotted_key, one.message))


@pytest.fixture
def write(synthetic_plugins: Path, toy_plugins: object, tmp_path: Path, free_port: int) -> object:
    def write(text: str) -> Path:
        path = tmp_path / "wrong.toml"
        path.write_text(text.replace("{port}", str(free_port)), encoding="utf-8")
        return path

    return write


def test_every_problem_is_found_in_one_round(write) -> None:
    found = found_in(write(WRONG.replace("{{", "{").replace("}}", "}")))
    assert [(one.line, one.dotted_key) for one in found] == [one[:2] for one in EXPECTED]
    for problem, (_, _, message) in zip(found, EXPECTED, strict=True):
        assert message in problem.message


def test_what_is_said_does_not_come_from_what_stands_in_for_a_mistake(write) -> None:
    """The width, the generator's kind and the unit are wrong; what needs them is not judged."""
    text = """\
[run]
name = "x"
[wire]
address = "tcp://127.0.0.1:{port}"
[display]
kind = "headless"
[monitor]
width_cm = "wide"
[stimulus]
size_deg = 5.0
position_deg = [24.0, 0.0]
[response_source]
kind = "nothing alike"
[generators.lines]
kind = "nothing alike"
[protocol]
kind = "evolution"
n_generations = "many"
references = { kind = "random_codes", generator = "lines" }
[[protocol.threads]]
name = "a b"
generator = "line"
optimizer = { kind = "cma_es", n_codes = 6 }
score = { kind = "channel", unit = "u" }
"""
    assert [(one.line, one.dotted_key) for one in found_in(write(text))] == [
        (8, "monitor.width_cm"),
        (13, "response_source.kind"),
        (15, "generators.lines.kind"),
        (18, "protocol.n_generations"),
        (21, "protocol.threads[0].name"),
        (22, "protocol.threads[0].generator"),
    ]


def test_a_statement_that_is_no_toml_hides_no_other_problem(write) -> None:
    text = """\
[run]
name = "x
seed = -1
[wire]
address = "tcp://127.0.0.1:{port}"
[display]
kind = "headless"
[stimulus]
on_ms = 100
off_ms = = 3
fixation = { diametre_deg = 0.3 }
[response_source]
kind = "simulated"
population = { kind = "pixels" }
[protocol]
kind = "toy_climb"
threads = [
  { name = "a", optimizer = { kind = "toy_climber", n_codes = 1 } },
"""
    assert [(one.line, one.dotted_key) for one in found_in(write(text))] == [
        (2, ""),
        (3, "run.seed"),
        (10, ""),
        (11, "stimulus.fixation.diametre_deg"),
        (18, ""),
    ]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('"100"', "should be a number without quotes; got '100'"),
        ("true", "should be a number without quotes; got true"),
        ("1979-05-27", "should be a valid number; got 1979-05-27"),
        ('"a"', "unable to parse string as a number; got 'a'"),
    ],
)
def test_a_number_of_another_kind_is_one_problem(toy_experiment, value: str, message: str) -> None:
    text = toy_experiment.read_text()
    toy_experiment.write_text(f"{text}[stimulus]\nsize_deg = {value}\n")
    (problem,) = read_as_far_as_possible(toy_experiment, Experiment).problems
    assert (problem.line, problem.dotted_key) == (14, "stimulus.size_deg")
    assert problem.message.endswith(message)


def test_truth_is_not_a_number(toy_experiment) -> None:
    text = toy_experiment.read_text().replace("[run]", "[run]\nstarts_display = 1")
    toy_experiment.write_text(text)
    (problem,) = read_as_far_as_possible(toy_experiment, Experiment).problems
    assert problem.message == "should be true or false without quotes; got 1"
