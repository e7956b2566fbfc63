"""Experiment files: read, refused with every problem and its line, written out in full."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signseg_rig.errors import ConfigError
from signseg_rig.experiment import Experiment, read_experiment, write_experiment
from signseg_rig.settings import Problem, read_as_far_as_possible

BROKEN = """\
version = 1
verson = 1

[run]
nam = "toy"
seed = -1

[display]
kind = "toy_vod"

[wire]
heartbeat_interval_s = 4.0

[stimulus]
size_deg = '''
wide'''
fixation = { diametre_deg = 0.3, color_rgb = [0, 0, 300] }

[generators."no good"]
kind = "toy_void"

[protocol]
kind = "toy_climb"
references = { kind = "folder", n_images = 0 }
pauses_s = [
    1.0,
    "long",
]

[[protocol.threads]]
name = "a"
optimizer = { kind = "toy_climber", n_codes = 1 }

[[protocol.threads]]
optimiser = { kind = "toy_climber" }

[protocol.threads.optimizer]
kind = "toy_climber"
stepp = 1.0
"""

BROKEN_PROBLEMS = [
    (1, "response_source", "is missing; it has no default"),
    (2, "verson", "unknown key. Did you mean 'version'?"),
    (5, "run.nam", "unknown key. Did you mean 'name'?"),
    (6, "run.seed", "should be greater than or equal to 0; got -1"),
    (9, "display.kind", "There is no plugin 'toy_vod' in displays. Did you mean 'toy_void'? "),
    (
        12,
        "wire.heartbeat_interval_s",
        "heartbeat_timeout_s (5.0) should be at least twice heartbeat_interval_s (4.0)",
    ),
    (15, "stimulus.size_deg", "should be a valid number, unable to parse"),
    (17, "stimulus.fixation.color_rgb[2]", "should be less than or equal to 255; got 300"),
    (17, "stimulus.fixation.diametre_deg", "unknown key. Did you mean 'diameter_deg'?"),
    (19, "generators.no good", "String should match pattern"),
    (20, "generators.no good.kind", "There is no plugin 'toy_void' in generators. "),
    (24, "protocol.references.n_images", "should be greater than or equal to 1; got 0"),
    (24, "protocol.references.path", "is missing; it has no default"),
    (27, "protocol.pauses_s[1]", "should be a valid number, unable to parse"),
    (32, "protocol.threads[0].optimizer.n_codes", "should be greater than or equal to 2; got 1"),
    (34, "protocol.threads[1].name", "is missing; it has no default"),
    (35, "protocol.threads[1].optimiser", "unknown key. Did you mean 'optimizer'?"),
    (39, "protocol.threads[1].optimizer.stepp", "unknown key. Did you mean 'step'?"),
]


def find_problems(path: Path) -> list[Problem]:
    return read_as_far_as_possible(path, Experiment).problems


@pytest.fixture
def broken(toy_plugins, tmp_path: Path) -> Path:
    path = tmp_path / "broken.toml"
    path.write_text(BROKEN, encoding="utf-8")
    return path


def edited(path: Path, old: str, new: str) -> Path:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_every_problem_is_found_at_once_with_its_line(broken: Path) -> None:
    found = sorted(find_problems(broken), key=lambda problem: (problem.line, problem.dotted_key))
    assert [(problem.line, problem.dotted_key) for problem in found] == [
        (line, key) for line, key, _ in BROKEN_PROBLEMS
    ]
    for problem, (_, _, message) in zip(found, BROKEN_PROBLEMS, strict=True):
        assert message in problem.message
    assert {problem.severity for problem in found} == {"error"}
    assert {problem.path for problem in found} == {broken}


def test_problems_come_in_the_order_of_the_file(broken: Path) -> None:
    lines = [problem.line for problem in find_problems(broken)]
    assert lines == sorted(line for line in lines if line is not None)


def test_reading_lists_every_problem_one_per_line(broken: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_experiment(broken)
    heading, *rows = str(caught.value).split("\n")
    assert heading == f"{broken} cannot be used; it has {len(BROKEN_PROBLEMS)} problems:"
    assert rows == [str(problem) for problem in find_problems(broken)]
    assert f"{broken}:5: run.nam: unknown key. Did you mean 'name'?" in rows


def test_one_problem_is_no_problems(toy_experiment: Path) -> None:
    edited(toy_experiment, 'name = "toy"', 'name = "toy"\nsed = 1')
    with pytest.raises(ConfigError, match=r"it has 1 problem:\n.*:3: run\.sed: unknown key"):
        read_experiment(toy_experiment)


def test_a_good_file_is_read(toy_experiment: Path) -> None:
    experiment = read_experiment(toy_experiment)
    assert find_problems(toy_experiment) == []
    assert experiment.run.name == "toy"
    assert experiment.protocol.settings.threads[0].optimizer.kind == "toy_climber"


def test_a_wrong_choice_of_a_table_lists_the_choices(toy_experiment: Path) -> None:
    edited(toy_experiment, '"toy_climb"\n', '"toy_climb"\nreferences = { kind = "web" }\n')
    (problem,) = find_problems(toy_experiment)
    assert (problem.line, problem.dotted_key) == (12, "protocol.references.kind")
    assert problem.message == "should be one of 'folder', 'none'; got 'web'"


def test_a_missing_choice_of_a_table_lists_the_choices(toy_experiment: Path) -> None:
    edited(toy_experiment, '"toy_climb"\n', '"toy_climb"\nreferences = {}\n')
    (problem,) = find_problems(toy_experiment)
    assert problem.message == "should be one of 'folder', 'none'; it is missing"


def test_too_few_elements_are_told(toy_experiment: Path) -> None:
    text = toy_experiment.read_text()
    toy_experiment.write_text(text[: text.index("threads")] + "threads = []\n")
    (problem,) = find_problems(toy_experiment)
    assert problem.dotted_key == "protocol.threads"
    assert "at least 1 item" in problem.message


def test_long_values_are_shown_in_part(toy_experiment: Path) -> None:
    edited(toy_experiment, '"toy"', f'"{"toy " * 100}"')
    (problem,) = find_problems(toy_experiment)
    assert problem.line == 2
    assert len(problem.message) < 250


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('[run]\nname = "a\n', 2, "Illegal character"),
        ("[run]\nname = 'a'\nname = 'b'\n", 3, "Cannot overwrite a value"),
        ("[run]\n\n[run]\n", 3, "Cannot declare"),
        ("[run]\nunits = [1,\n 2\n\n", 3, "Unclosed array; the statement begins on line 2"),
        ("run: name\n", 1, "Expected '='"),
    ],
)
def test_toml_errors_have_their_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    (problem,) = [one for one in find_problems(path) if "TOML" in one.message]
    assert problem.line == line
    assert problem.message.startswith("is not valid TOML: ")
    assert message in problem.message


def test_a_missing_file_is_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    with pytest.raises(ConfigError, match="there is no such file") as caught:
        read_experiment(path)
    assert str(path) in str(caught.value)


def test_a_folder_is_no_experiment_file(tmp_path: Path) -> None:
    (problem,) = find_problems(tmp_path)
    assert "cannot be read" in problem.message


@pytest.mark.parametrize(
    ("data", "line"),
    [(b'[run]\n# caf\xe9\nname = "a"\n', 2), ('[run]\nname = "a"\n'.encode("utf-16"), 1)],
    ids=["latin-1", "utf-16"],
)
def test_other_encodings_are_told(tmp_path: Path, data: bytes, line: int) -> None:
    path = tmp_path / "encoded.toml"
    path.write_bytes(data)
    (problem,) = find_problems(path)
    assert problem.line == line
    assert "is not UTF-8 text" in problem.message


def test_a_byte_order_mark_and_windows_line_ends_are_fine(toy_experiment: Path) -> None:
    text = toy_experiment.read_text(encoding="utf-8")
    expected = read_experiment(toy_experiment)
    toy_experiment.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert read_experiment(toy_experiment) == expected
    edited(toy_experiment, "kind = 'toy_void'".replace("'", '"'), 'kind = "vd"')
    assert [problem.line for problem in find_problems(toy_experiment)] == [5]


def test_input_paths_are_relative_to_the_file(
    toy_experiment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = toy_experiment.read_text()
    text = text.replace('"toy_device"', '"toy_device"\nweights_path = "weights/w.pt"')
    text += '[protocol.references]\nkind = "folder"\npath = "../images"\n'
    text += '[wire]\nkeys_dir = "keys"\n'
    folder = tmp_path / "experiments"
    folder.mkdir()
    (folder / "a.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    experiment = read_experiment(Path("experiments/a.toml"))
    assert experiment.response_source.settings.weights_path == folder / "weights" / "w.pt"
    references = experiment.protocol.settings.references
    assert references.path.resolve() == tmp_path / "images"
    assert experiment.wire.keys_dir == folder / "keys"
    assert experiment.run.out_dir == Path("runs")


def test_a_written_experiment_means_the_same_in_another_folder(
    toy_experiment: Path, tmp_path: Path
) -> None:
    edited(toy_experiment, '"toy_device"', '"toy_device"\nweights_path = "w.pt"')
    experiment = read_experiment(toy_experiment)
    copy = tmp_path / "elsewhere" / "experiment.toml"
    copy.parent.mkdir()
    copy.write_text(write_experiment(experiment), encoding="utf-8")
    assert read_experiment(copy) == experiment
    assert read_experiment(copy).setup_sha256() == experiment.setup_sha256()


def test_every_default_is_spelled_out(toy_experiment: Path) -> None:
    table = tomllib.loads(write_experiment(read_experiment(toy_experiment)))
    assert table["stimulus"]["fixation"]["color_rgb"] == [255, 0, 0]
    assert table["invalid_trials"]["policy"] == "repeat"
    assert table["protocol"]["threads"][0]["optimizer"] == {
        "kind": "toy_climber",
        "n_codes": 10,
        "step": 0.5,
    }


def test_locate_finds_the_key_or_the_table_it_would_be_in(toy_experiment: Path) -> None:
    keys = [("protocol", "threads", 0, "name"), ("display", "host"), ("monitor", "gamma"), ()]
    problems = [Problem("Mend it.", key) for key in keys]
    found = read_as_far_as_possible(toy_experiment, Experiment).locate(problems)
    assert {problem.key: problem.line for problem in found} == dict(
        zip(keys, [12, 4, 1, 1], strict=True)
    )
    assert {problem.path for problem in found} == {toy_experiment}


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("is odd", ("a", "b", 0, "c")), "a.b[0].c: is odd"),
        (Problem("Alone."), "Alone."),
        (Problem("is odd", ("a",), path=Path("f.toml"), line=3), "f.toml:3: a: is odd"),
        (Problem("is gone", path=Path("f.toml")), "f.toml: is gone"),
    ],
)
def test_a_problem_reads_as_compilers_write(problem: Problem, text: str) -> None:
    assert str(problem) == text


texts = st.text(st.characters(codec="utf-8"), max_size=20)
positions = st.tuples(st.floats(-90, 90), st.floats(-90, 90))
tables = st.fixed_dictionaries(
    {
        "run": st.fixed_dictionaries(
            {"name": st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,10}\Z")},
            optional={"seed": st.integers(0, 2**63 - 1), "starts_display": st.booleans()},
        ),
        "display": st.fixed_dictionaries(
            {"kind": st.sampled_from(["toy_void", "toy_screen"])}, optional={"host": texts}
        ),
        "response_source": st.fixed_dictionaries(
            {"kind": st.just("toy_device")},
            optional={"host": texts, "weights_path": st.sampled_from(["w", "../w", "/w", "é ü"])},
        ),
        "protocol": st.fixed_dictionaries(
            {
                "kind": st.just("toy_climb"),
                "threads": st.lists(
                    st.fixed_dictionaries(
                        {
                            "name": texts,
                            "optimizer": st.fixed_dictionaries(
                                {"kind": st.just("toy_climber")},
                                optional={
                                    "n_codes": st.integers(2, 10**6),
                                    "step": st.floats(0, exclude_min=True, allow_infinity=False),
                                },
                            ),
                        }
                    ),
                    min_size=1,
                    max_size=3,
                ),
            },
            optional={
                "pauses_s": st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=3),
                "references": st.sampled_from(
                    [{"kind": "none"}, {"kind": "folder", "path": "x", "n_images": 3}]
                ),
            },
        ),
    },
    optional={
        "monitor": st.fixed_dictionaries(
            {},
            optional={
                "gamma": st.floats(0, 5, exclude_min=True),
                "calibrated_on": texts,
                "width_cm": st.floats(0.1, 1000),
            },
        ),
        "stimulus": st.fixed_dictionaries(
            {}, optional={"position_deg": positions, "on_ms": st.floats(0.001, 60000)}
        ),
    },
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("written") / "experiment.toml"


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=tables)
def test_a_written_experiment_reads_back_equal(
    toy_plugins, scratch: Path, table: dict[str, Any]
) -> None:
    experiment = Experiment.model_validate(table)
    scratch.write_text(write_experiment(experiment), encoding="utf-8", newline="\n")
    assert read_experiment(scratch) == experiment
