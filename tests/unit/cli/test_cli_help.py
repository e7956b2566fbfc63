"""The command line as a whole: help is light, verbs are lazy, errors are sentences."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner

from signseg_rig import __version__, cli

HEAVY = {"torch", "psychopy", "pyglet", "neo", "matplotlib", "pydantic", "zmq", "numpy", "scipy"}
runner = CliRunner()


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
    )


def test_help_lists_every_verb_and_imports_nothing_heavy() -> None:
    done = python(
        "import sys, signseg_rig.cli as cli\n"
        "sys.argv = ['signseg-rig', '--help']\n"
        "try:\n    cli.main()\n"
        "finally:\n"
        "    import json\n"
        "    print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    assert done.returncode == 0
    modules = set(json.loads(done.stderr.splitlines()[-1]))
    assert modules & HEAVY == set()
    assert {name for name in modules if name.startswith("signseg_rig.cli.")} == {
        "signseg_rig.cli.console"
    }
    for verb, text in cli.VERBS.items():
        assert verb in done.stdout
        assert text.split()[0] in done.stdout


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_has_a_module(verb: str) -> None:
    assert find_spec(f"signseg_rig.cli.{verb}") is not None


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_shows_its_own_help(verb: str) -> None:
    result = runner.invoke(cli.app, [verb, "--help"])
    assert result.exit_code == 0, result.output
    assert f"signseg-rig {verb}" in result.output or f"root {verb}" in result.output


def parameters_of(command, names):
    for parameter in command.params:
        if parameter.name != "help" and not getattr(parameter, "hidden", False):
            yield " ".join(names), parameter
    for name, inner in getattr(command, "commands", {}).items():
        yield from parameters_of(inner, [*names, name])


# Such words lean on what stands above, and an option is looked up alone.
LEANING = (
    "Likewise",
    "Its ",
    "Of ",
    "For ",
    "Also",
    "Same",
    "The same",
    "Ditto",
    "And ",
    "How much of",
)


@pytest.mark.parametrize("verb", cli.VERBS)
def test_the_help_of_an_option_says_all_by_itself(verb: str) -> None:
    for command, parameter in parameters_of(cli.load_verb(verb), [verb]):
        text, name = str(parameter.help), f"{command} {parameter.name}"
        assert text.endswith("."), f"{name}: {text}"
        assert text[0].isupper(), f"{name}: {text}"
        assert len(text.split()) >= 3, f"{name}: {text}"
        assert not text.startswith(LEANING), f"{name}: {text}"


def test_only_the_verb_that_is_called_is_imported() -> None:
    done = python(
        "import sys, signseg_rig.cli as cli\n"
        "cli.app(['keys', '--help'], standalone_mode=False)\n"
        "print(*(name for name in sys.modules if name.startswith('signseg_rig.cli.')))"
    )
    assert done.stdout.splitlines()[-1].split() == [
        "signseg_rig.cli.console",
        "signseg_rig.cli.keys",
    ]


def test_an_unknown_verb_gets_a_suggestion() -> None:
    result = runner.invoke(cli.app, ["chekc"])
    assert result.exit_code == 2
    assert "Did you mean 'check'?" in result.output


def test_no_verb_shows_the_help() -> None:
    assert "plugins" in runner.invoke(cli.app, []).output


def test_version() -> None:
    result = runner.invoke(cli.app, ["--version"])
    assert result.output == f"signseg-rig {__version__}\n"


def test_the_module_runs_as_the_command_does() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "signseg_rig", "--version"], check=True, capture_output=True
    )
    assert done.stdout.decode().split() == ["signseg-rig", __version__]


@pytest.fixture
def taken(tmp_path: Path) -> str:
    (tmp_path / "loop.key").touch()
    return str(tmp_path)


def test_an_error_is_a_sentence_without_a_traceback(taken: str) -> None:
    done = python(f"import sys, signseg_rig.cli as c; sys.argv[1:] = ['keys', {taken!r}]; c.main()")
    assert done.returncode == cli.FAILED_EXIT_CODE == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"Error: {taken} holds keys already")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "environment"), [(["--debug"], {}), ([], {"SIGNSEG_DEBUG": "1"})]
)
def test_debug_shows_the_traceback(
    taken: str, arguments: list[str], environment: dict[str, str]
) -> None:
    done = python(
        f"import sys, signseg_rig.cli as c; sys.argv[1:] = {[*arguments, 'keys', taken]!r}; "
        "c.main()",
        **environment,
    )
    assert done.returncode != 0
    assert "Traceback" in done.stderr
    assert "ConfigError" in done.stderr


def test_what_a_pipe_cannot_encode_is_escaped(tmp_path: Path) -> None:
    """A pipe on Windows has an old code page; the name of a folder must not end a verb."""
    folder = str(tmp_path / "λ")
    done = python(
        f"import sys, signseg_rig.cli as c; sys.argv[1:] = ['keys', {folder!r}]; c.main()",
        PYTHONIOENCODING="cp1252",
        PYTHONUTF8="0",
    )
    assert done.returncode == 0, done.stderr
    assert "\\u03bb" in done.stdout


@pytest.mark.parametrize("verb", ["check", "run", "resume", "report", "predict", "choose", "keys"])
def test_what_the_system_says_of_a_path_is_told_in_a_sentence(verb: str) -> None:
    options = ["--images", "x"] if verb == "predict" else []
    result = runner.invoke(cli.app, [verb, "x" * 3000, *options])
    assert result.exit_code in (1, 2)
    assert not isinstance(result.exception, OSError)
    assert "File name too long" in result.output
    result = runner.invoke(cli.app, ["--debug", verb, "x" * 3000, *options])
    assert result.exit_code in (1, 2)
