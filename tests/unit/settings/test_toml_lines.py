"""Every key of a TOML document has the line on which its statement begins."""

import tomllib
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from signseg_rig.settings.toml_lines import KeyPath, key_lines

CASES = {
    "keys and tables": (
        "# a comment\n\na = 1\n[t]\nb = 2 # [not.a.table]\n\n[t.u]\nc = 3",
        {("a",): 3, ("t",): 4, ("t", "b"): 5, ("t", "u"): 7, ("t", "u", "c"): 8},
    ),
    "dotted keys": (
        "a.b.c = 1\na.d = 2\n[t]\nx.y = 3\n",
        {
            ("a",): 1,
            ("a", "b"): 1,
            ("a", "b", "c"): 1,
            ("a", "d"): 2,
            ("t",): 3,
            ("t", "x"): 4,
            ("t", "x", "y"): 4,
        },
    ),
    "multi-line strings that look like TOML": (
        "a = \"\"\"\n[t]\nb = 1\n\"\"\"\nc = '''\nd = 2\n'''\ne = 5\n",
        {("a",): 1, ("c",): 5, ("e",): 8},
    ),
    "multi-line arrays": (
        "a = [\n  1, # ]\n\n  [2,\n   3],\n]\nb = 4\n",
        {("a",): 1, ("a", 0): 2, ("a", 1): 4, ("a", 1, 0): 4, ("a", 1, 1): 5, ("b",): 7},
    ),
    "inline tables": (
        "\na = { b = 1, c = { d = [{ e = 2 }] } }\n",
        {
            ("a",): 2,
            ("a", "b"): 2,
            ("a", "c"): 2,
            ("a", "c", "d"): 2,
            ("a", "c", "d", 0): 2,
            ("a", "c", "d", 0, "e"): 2,
        },
    ),
    "arrays of tables": (
        "[[a]]\nx = 1\n[[a]]\n[a.b]\ny = 2\n[[a.c]]\n[[a.c]]\nz = 3\n[[a]]\n[[a.c]]\nz = 4\n",
        {
            ("a",): 1,
            ("a", 0): 1,
            ("a", 0, "x"): 2,
            ("a", 1): 3,
            ("a", 1, "b"): 4,
            ("a", 1, "b", "y"): 5,
            ("a", 1, "c"): 6,
            ("a", 1, "c", 0): 6,
            ("a", 1, "c", 1): 7,
            ("a", 1, "c", 1, "z"): 8,
            ("a", 2): 9,
            ("a", 2, "c"): 10,
            ("a", 2, "c", 0): 10,
            ("a", 2, "c", 0, "z"): 11,
        },
    ),
    "an outer table after the inner one": (
        "[a.b]\nx = 1\n[a]\ny = 2\n",
        {("a",): 3, ("a", "b"): 1, ("a", "b", "x"): 2, ("a", "y"): 4},
    ),
    "quoted keys": (
        '"a.b" = 1\n["c d".\'e]\']\n"#" = 2\n',
        {("a.b",): 1, ("c d",): 2, ("c d", "e]"): 2, ("c d", "e]", "#"): 3},
    ),
    "indented statements": ("  [a]\n\tb = 1\n", {("a",): 1, ("a", "b"): 2}),
    "line separators that are none in TOML": (
        'a = "x\u2028y\x85z"\nb = 1\n',
        {("a",): 1, ("b",): 2},
    ),
    "nothing": ("# only a comment", {}),
}


@pytest.mark.parametrize("case", CASES)
def test_lines(case: str) -> None:
    text, expected = CASES[case]
    assert key_lines(text) == expected


@pytest.mark.parametrize("case", CASES)
def test_lines_are_the_same_with_the_line_ends_of_windows(case: str) -> None:
    text, expected = CASES[case]
    assert key_lines(text.replace("\n", "\r\n")) == expected


def test_a_broken_document_is_refused() -> None:
    with pytest.raises(tomllib.TOMLDecodeError):
        key_lines("a = 1\nb = [\n")


keys = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=6)
scalars = st.integers(-9, 9) | st.text(st.characters(codec="utf-8", exclude_characters="\r"))
documents = st.dictionaries(
    keys,
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=12,
    ),
    max_size=4,
)


def all_paths(value: Any, path: KeyPath = ()) -> set[KeyPath]:
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    found = {path} if path else set()
    return found.union(*(all_paths(item, (*path, key)) for key, item in items))


@given(documents, st.booleans())
def test_every_key_has_a_line(document: dict[str, Any], multiline_strings: bool) -> None:
    text = tomli_w.dumps(document, multiline_strings=multiline_strings)
    assert key_lines(text).keys() == all_paths(tomllib.loads(text))


@given(st.lists(st.sampled_from(["key", "comment", "table", "array", "string", "blank"])))
def test_lines_are_those_on_which_statements_were_written(kinds: list[str]) -> None:
    rows: list[str] = []
    expected: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, kind in enumerate(kinds):
        name, line = f"k{number}", len(rows) + 1
        path = (name,) if kind == "table" else (*table, name)
        statement = {
            "key": f"{name} = {number}",
            "comment": f"# {name} = [",
            "table": f"[{name}]",
            "array": f"{name} = [ # ]\n]",
            "string": f'{name} = """\n[{name}]\n{name} = 0"""',
            "blank": " ",
        }[kind]
        rows += statement.split("\n")
        if kind not in ("comment", "blank"):
            expected[path] = line
        if kind == "table":
            table = path
    assert key_lines("\n".join(rows)) == expected
