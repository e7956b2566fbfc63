"""The documentation is built without a complaint, is read without a network, and its code runs."""

from __future__ import annotations

import importlib
import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import tomli_w
import yaml

from signseg_rig.experiment import read_experiment
from signseg_rig.plugins import GROUPS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
HOW_TO = {group: DOCS / "how_to" / f"{group.removesuffix('s')}.md" for group in GROUPS}
# How to read a recording system depends on the system: its page refers to an example instead.
WITHOUT_CODE = {"response_sources"}


def blocks(page: Path, language: str) -> list[str]:
    """The text of a page's blocks of one language."""
    pattern = rf"^```{language}(?: [^\n]*)?\n(.*?)^```$"
    return re.findall(pattern, page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def nav_pages() -> list[str]:
    """Pages of mkdocs.yml, in the order of the menu."""
    pages: list[str] = []

    def collect(entry: Any) -> None:
        match entry:
            case str():
                pages.append(entry)
            case list():
                for one in entry:
                    collect(one)
            case dict():
                for one in entry.values():
                    collect(one)

    collect(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])
    return pages


class Resources(HTMLParser):
    """What a browser loads with a page: all addresses but those of links to follow."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        names = {"src", "srcset", "data", "poster", "action"}
        if tag == "link" and values.get("rel") not in {"canonical", "next", "prev"}:
            names.add("href")
        self.addresses += [values[name] for name in names & values.keys()]
        self.addresses += re.findall(r"url\(([^)]*)\)", values.get("style", ""))


def build(root: Path, folder: Path) -> str:
    """Build a site as `make docs` does, without a network, and return what was complained of."""
    nowhere = "http://127.0.0.1:9"
    done = subprocess.run(
        # With --quiet it would not count the warnings that --strict forbids.
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=root,
        env={
            **os.environ,
            "NO_MKDOCS_2_WARNING": "1",
            "http_proxy": nowhere,
            "https_proxy": nowhere,
        },
        check=False,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    said = done.stdout + done.stderr
    complaints = [line for line in said.splitlines() if line and not line.startswith("INFO ")]
    assert (done.returncode == 0) == (not complaints), said
    return "\n".join(complaints)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, in a place of its own."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    assert build(ROOT, folder) == ""
    return folder


UNTRUE_DOCSTRING = '''
def newcomer() -> None:
    """Do nothing.

    Parameters
    ----------
    gone : int
    """


__all__ += ["newcomer"]
'''
BREACHES = {
    "a link that leads nowhere": ("docs/rig.md", "[x](nowhere.md)", "'nowhere.md'"),
    "a heading that is not there": ("docs/rig.md", "[x](glossary.md#nothing)", "'#nothing'"),
    "a picture that is not there": ("docs/rig.md", "![x](nothing.png)", "'nothing.png'"),
    "a name that is not public": ("docs/rig.md", "[x][signseg_rig.signs.Gone]", "signs.Gone"),
    "a page without a place in the menu": ("docs/lonely.md", "# Lonely", "lonely.md"),
    "a parameter that is not there": ("signseg_rig/signs/__init__.py", UNTRUE_DOCSTRING, "'gone'"),
}


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a build says where everything was done that it should notice."""
    root = tmp_path_factory.mktemp("spoiled")
    for name in ("docs", "tools", "signseg_rig", "protocols", "simulators"):
        unneeded = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, root / name, ignore=unneeded)
    for name in ("mkdocs.yml", "README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, root)
    for name, text, _ in BREACHES.values():
        with (root / name).open("a", encoding="utf-8") as file:
            file.write(f"\n{text}\n")
    return build(root, root / "site")


@pytest.mark.parametrize("breach", BREACHES)
def test_build_notices(complaints: str, breach: str) -> None:
    assert BREACHES[breach][2] in complaints


def test_every_page_of_the_menu_is_built_and_none_is_empty(site: Path) -> None:
    pages = nav_pages()
    assert len(set(pages)) == len(pages) > 20
    for page in pages:
        built = site / Path(page).with_suffix(".html")
        article = built.read_text(encoding="utf-8").split("<article", 1)[1].split("</article>")[0]
        assert article.count("<h1") == 1, page
        assert len(re.sub(r"<[^>]*>|\s+", " ", article).split()) > 100, page


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert pages
    for page in pages:
        addresses = Resources(page).addresses
        assert len(addresses) > 2, page
        elsewhere = [one for one in addresses if re.match(r"\s*['\"]?(\w+:)?//", one)]
        assert elsewhere == [], page


def test_styles_load_nothing_from_elsewhere(site: Path) -> None:
    for style in sorted(site.rglob("*.css")):
        text = style.read_text(encoding="utf-8")
        assert re.findall(r"@import|url\(\s*['\"]?(?:\w+:)?//", text) == [], style


def test_search_works_without_a_server(site: Path) -> None:
    """Its index is a script, as browsers let no page read another file of a folder."""
    assert "signseg_rig.signs.ablate" in (site / "search" / "search_index.js").read_text()
    worker = (DOCS / "assets" / "iframe-worker.js").read_text(encoding="utf-8")
    assert "Permission is hereby granted" in worker


@pytest.mark.parametrize("page", sorted((DOCS / "api").glob("*.md")), ids=lambda page: page.stem)
def test_every_public_name_is_documented(site: Path, page: Path) -> None:
    if page.stem == "index":
        linked = re.findall(r"\]\((\w+)\.md\)", page.read_text(encoding="utf-8"))
        assert {*linked, "index"} == {one.stem for one in page.parent.glob("*.md")}
        return
    package = f"signseg_rig.{page.stem}"
    built = (site / "api" / f"{page.stem}.html").read_text(encoding="utf-8")
    ids = set(re.findall(r'id="([^"]*)"', built))
    # A function may be documented under the module of the same name, which hides it from Griffe.
    missing = [
        name
        for name in importlib.import_module(package).__all__
        if not ids & {f"{package}.{name}", f"{package}.{name}.{name}"}
    ]
    assert missing == []


@pytest.mark.parametrize("group", GROUPS)
def test_code_of_a_how_to_page_passes_its_kit(group: str, monkeypatch: pytest.MonkeyPatch) -> None:
    page = HOW_TO[group]
    kit = f"check_{page.stem}"
    assert f"signseg_rig.testing.{kit}" in page.read_text(encoding="utf-8")
    assert bool(blocks(page, "python")) == (group not in WITHOUT_CODE)
    if group in WITHOUT_CODE:
        return
    module = ModuleType(f"how_to_{page.stem}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for block in blocks(page, "python"):
        exec(compile(block, page, "exec", dont_inherit=True), vars(module))
    tests = [value for name, value in vars(module).items() if name.startswith("test_")]
    assert tests
    assert kit in vars(module)
    for test in tests:
        test()


@pytest.mark.parametrize("group", GROUPS)
def test_how_to_pages_announce_what_they_use(group: str) -> None:
    page = HOW_TO[group]
    announced, *used = [tomllib.loads(block) for block in blocks(page, "toml")]
    ((name, _target),) = announced["project"]["entry-points"][f"signseg_rig.{group}"].items()
    assert bool(used) == (group not in WITHOUT_CODE)
    assert all(f"'kind': '{name}'" in str(one) for one in used)


def test_python_stands_nowhere_else_in_how_to_pages() -> None:
    """Else it would not be tried."""
    pages = {page for page in (DOCS / "how_to").rglob("*.md") if blocks(page, "python")}
    assert pages == {page for group, page in HOW_TO.items() if group not in WITHOUT_CODE}


@pytest.mark.slow
def test_first_experiment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its commands run, one after the other, and what it shows of their output comes out."""
    page = DOCS / "first_experiment.md"
    (experiment,) = blocks(page, "toml")
    (tmp_path / "first.toml").write_text(experiment)
    commands = [line for block in blocks(page, "bash") for line in block.splitlines()]
    assert [line.split()[1] for line in commands] == ["check", "run", "report", "resume"]
    printed = "".join(said_by(command, tmp_path) for command in commands)
    words = " ".join(re.sub(r"[┃│]", " ", printed).split())
    shown = [line for block in blocks(page, "text") for line in block.splitlines()]
    # Its numbers are those of one computer.
    labels = [re.split(r"  +| \(", line)[0] for line in shown]
    missing = [label for label in labels if label not in words]
    assert missing == []
    (reading,) = blocks(page, "python")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        exec(compile(reading, page, "exec", dont_inherit=True), {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "The record is whole."


def said_by(command: str, folder: Path) -> str:
    """What a command of the page prints."""
    program, *arguments = command.split()
    assert program == "signseg-rig"
    done = subprocess.run(
        [sys.executable, "-m", "signseg_rig", *arguments],
        cwd=folder,
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "COLUMNS": "200"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_settings_of_the_rig_page_fit_its_example(tmp_path: Path) -> None:
    for block in blocks(DOCS / "rig.md", "toml"):
        table = tomllib.loads((ROOT / "examples" / "03_rig.toml").read_text(encoding="utf-8"))
        for name, settings in tomllib.loads(block).items():
            is_other = settings.get("kind", table[name].get("kind")) != table[name].get("kind")
            table[name] = ({} if is_other else table[name]) | settings
        file = tmp_path / "rig.toml"
        file.write_text(tomli_w.dumps(table))
        read_experiment(file)


def test_each_word_of_the_glossary_is_explained_once() -> None:
    lines = (DOCS / "glossary.md").read_text(encoding="utf-8").splitlines()
    words = [one for one, after in itertools.pairwise(lines) if after.startswith(":   ")]
    assert len(words) > 40
    assert sorted(words) == sorted(set(words))
