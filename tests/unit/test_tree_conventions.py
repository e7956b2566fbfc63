"""Conventions that no linter knows, checked over every source file."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = (
    ROOT / "signseg_rig",
    ROOT / "protocols" / "signseg_protocols",
    ROOT / "simulators" / "signseg_simulators",
)
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50

# Whoever loads one of these runs whatever code the file brings along.
UNSAFE_FORMATS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
SAFE_PARTS = {"Parallel", "delayed"}
# A seed set here is shared with every library in the process: pass an rng instead.
GLOBAL_SEEDS = {"seed", "manual_seed", "manual_seed_all", "set_rng_state", "set_state"}
SEEDED_MODULES = {"random", "np.random", "numpy.random", "torch", "torch.random", "torch.cuda"}
OTHERS_ERRORS = {*dir(builtins), "PydanticCustomError"}
OPT_INS = {
    # The one place that unpickles, and makes of what a pickle names nothing but arrays.
    "finds_unsafe_format": ["signseg_rig/torch_models/array_pickles.py"],
    "finds_write_in_place": [
        "signseg_rig/cli/outputs.py",  # into a pipe or a device that the user named
        "signseg_rig/files/regular.py",  # behind what a log holds
        "signseg_rig/files/whole.py",  # a draft of its own
        "signseg_rig/weights/downloads.py",  # a draft, which is checked before it gets its name
    ],
    # The one that asks `conflicts`.
    "finds_conflict_told_alone": ["signseg_rig/settings/base.py"],
}
# What writes a file by itself, and the names of what may be given to it in place of a path.
WRITER = re.compile(
    r".*\.(savefig|imsave|imwrite|to_csv|tofile)|(np|torch)\.(save|savez|savez_compressed|savetxt)"
    r"|Image\..*\.save|(json|tomli_w)\.dump"
)
MODE_TO_WRITE = re.compile(r"[wax][bt]?\+?[bt]?|r[bt]?\+[bt]?")
OPEN_FILES = {"buffer", "content", "file"}
UNFINISHED = ("TODO", "FIXME", "XXX", "HACK")

Rule = Callable[[str], Iterator[tuple[int, str]]]


def finds_unsafe_format(source: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            # Sharing work among processes is safe; reading files with joblib is not.
            is_safe = node.module == "joblib" and {one.name for one in node.names} <= SAFE_PARTS
            names = [] if is_safe else [node.module or ""]
        else:
            continue
        for name in names:
            if name.partition(".")[0] in UNSAFE_FORMATS:
                yield node.lineno, f"imports {name}"


def finds_unsafe_load(source: str) -> Iterator[tuple[int, str]]:
    for call in _calls(source):
        name = ast.unparse(call.func)
        keywords = {word.arg: ast.unparse(word.value) for word in call.keywords}
        if name == "torch.load" and keywords.get("weights_only") != "True":
            yield call.lineno, "calls torch.load without weights_only=True"
        if keywords.get("allow_pickle", "False") != "False":
            yield call.lineno, f"calls {name} with allow_pickle"


def finds_global_seed(source: str) -> Iterator[tuple[int, str]]:
    for call in _calls(source):
        module, _, function = ast.unparse(call.func).rpartition(".")
        if module in SEEDED_MODULES and function in GLOBAL_SEEDS:
            yield call.lineno, f"calls {module}.{function}"


def finds_write_in_place(source: str) -> Iterator[tuple[int, str]]:
    """Look for files that a crash would leave half-written; `signseg_rig.files.whole` writes."""
    for call in _calls(source):
        name = ast.unparse(call.func)
        method = name.rpartition(".")[2]
        arguments = [*call.args, *(word.value for word in call.keywords)]
        parts = [part for one in arguments for part in ast.walk(one)]
        is_opened = method in {"open", "fdopen"} and any(
            isinstance(one, ast.Constant) and MODE_TO_WRITE.fullmatch(str(one.value))
            for one in parts
        )
        is_saved = WRITER.fullmatch(name) and not any(
            isinstance(one, ast.Name) and one.id in OPEN_FILES for one in parts
        )
        if is_opened or method in {"write_text", "write_bytes"} or is_saved:
            yield call.lineno, f"calls {name}"


def finds_long_file(source: str) -> Iterator[tuple[int, str]]:
    n_lines = len(source.splitlines())
    if n_lines > MAX_FILE_LINES:
        yield n_lines, f"has {n_lines} lines, and {MAX_FILE_LINES} are allowed"


def finds_long_function(source: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        # The docstring may be as long as it must; what counts is the code.
        body = node.body[1:] if ast.get_docstring(node) else node.body
        n_lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
        if n_lines > MAX_FUNCTION_LINES:
            yield node.lineno, f"{node.name} has {n_lines} lines of code"


def finds_unfinished_work(source: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(source.splitlines(), start=1):
        for word in UNFINISHED:
            if f"# {word}" in line:
                yield number, f"says {word}"


def finds_conflict_told_alone(source: str) -> Iterator[tuple[int, str]]:
    """Look for validators of whole tables, of which the first hides what others would say."""
    for call in _calls(source):
        mode = {word.arg: ast.unparse(word.value) for word in call.keywords}.get("mode")
        if ast.unparse(call.func).endswith("model_validator") and mode == "'after'":
            yield call.lineno, "validates a table; yield a Conflict from its conflicts()"


def finds_error_that_is_no_sentence(source: str) -> Iterator[tuple[int, str]]:
    """Look at the toolkit's errors only: pydantic makes sentences of a validator's ValueErrors."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args):
            continue
        name = ast.unparse(node.exc.func)
        if not name[0].isupper() or name in OTHERS_ERRORS:
            continue
        ending = _literal_ending(node.exc.args[-1])
        if ending is not None and not ending.rstrip().endswith((".", "?", "!")):
            yield node.lineno, f"raises a message that ends in {ending[-20:]!r}"


def _calls(source: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield node


def _literal_ending(message: ast.expr) -> str | None:
    """Give the text that a message ends in, None where it is known only when the program runs."""
    if isinstance(message, ast.JoinedStr):
        message = message.values[-1]
    if isinstance(message, ast.Constant) and isinstance(message.value, str):
        return message.value
    return None


LONG_FUNCTION = "def long():\n" + "    call()\n" * (MAX_FUNCTION_LINES + 1)
LONG_DOCSTRING = 'def short():\n    """Say.\n' + "\n" * MAX_FUNCTION_LINES + '    """\n    call()\n'
CASES: list[tuple[Rule, list[str], list[str]]] = [
    (
        finds_unsafe_format,
        [
            "import pickle",
            "import numpy, joblib",
            "from cloudpickle import dumps",
            "import os.path, shelve",
            "from joblib import Parallel, load",
        ],
        ["import json", "from pathlib import Path", "from joblib import Parallel, delayed"],
    ),
    (
        finds_unsafe_load,
        [
            "torch.load(path)",
            "torch.load(path, weights_only=False)",
            "np.load(path, allow_pickle=True)",
        ],
        [
            "torch.load(path, weights_only=True)",
            "np.load(path, allow_pickle=False)",
            "np.load(path)",
        ],
    ),
    (
        finds_global_seed,
        [
            "np.random.seed(1)",
            "torch.manual_seed(1)",
            "torch.cuda.manual_seed_all(1)",
            "random.seed()",
        ],
        ["np.random.default_rng(1)", "torch.Generator().manual_seed(1)", "named_rng(1, 'noise')"],
    ),
    (
        finds_write_in_place,
        [
            "path.open('w', newline='')",
            "open(path, mode='ab')",
            "path.write_text(text)",
            "np.save(path, array)",
            "figure.savefig(folder / 'a.png')",
        ],
        ["path.open('rb')", "open(path)", "np.save(buffer, array)", "write_whole(path, content)"],
    ),
    (finds_long_file, ["\n" * (MAX_FILE_LINES + 1)], ["\n" * MAX_FILE_LINES]),
    (finds_long_function, [LONG_FUNCTION], [LONG_DOCSTRING]),
    (
        finds_unfinished_work,
        ["x = 1  # TODO: tidy", "# FIXME"],
        ["# todos os santos", "HACKNEY = 1"],
    ),
    (
        finds_conflict_told_alone,
        ["@model_validator(mode='after')\ndef f(self): ..."],
        ["@model_validator(mode='before')\ndef f(table): ..."],
    ),
    (
        finds_error_that_is_no_sentence,
        [
            "raise WireError('bad frame')",
            "raise FrameError('size.', 'bad frame')",
            "raise WireError(f'{n} frames')",
        ],
        [
            "raise WireError(f'Got {n} frames.')",
            "raise WireError(explain(frame))",
            "raise ValueError('not so')",
        ],
    ),
]
RULES = [rule for rule, _, _ in CASES]


@pytest.mark.parametrize(("rule", "source"), [(rule, s) for rule, bad, _ in CASES for s in bad])
def test_rule_finds_a_breach(rule: Rule, source: str) -> None:
    assert list(rule(source))


@pytest.mark.parametrize(("rule", "source"), [(rule, s) for rule, _, good in CASES for s in good])
def test_rule_lets_good_code_pass(rule: Rule, source: str) -> None:
    assert not list(rule(source))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_sources_follow_the_convention(rule: Rule) -> None:
    breaches = {
        f"{path.relative_to(ROOT)}:{line} {what}": path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in sorted(package.rglob("*.py"))
        for line, what in rule(path.read_text(encoding="utf-8"))
    }
    assert list(breaches.values()) == OPT_INS.get(rule.__name__, []), list(breaches)


def test_every_package_is_marked_as_typed() -> None:
    assert [package.name for package in PACKAGES if not (package / "py.typed").is_file()] == []


@pytest.mark.parametrize("shelf", ["protocols", "simulators"])
def test_a_plugin_shelf_is_no_package(shelf: str) -> None:
    """Else `import protocols` would load a second copy of what is on the shelf."""
    assert list((ROOT / shelf).glob("*.py")) == []


def test_test_files_have_unique_names() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
