"""Whatever stands in a file of settings, reading it ends in settings or in sentences.

SIGNSEG_FUZZ_EXAMPLES=100000 tries many more files than a test run has time for.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signseg_rig.experiment import Experiment
from signseg_rig.run.preflight import check_experiment
from signseg_rig.settings import read_as_far_as_possible
from signseg_rig.studies import DaleSettings
from signseg_rig.sweeps import SweepSettings

N_EXAMPLES = int(os.environ.get("SIGNSEG_FUZZ_EXAMPLES", "60"))
EXAMPLES = Path(__file__).parents[2] / "examples"
MODELS: dict[str, Any] = {
    "02_dry_run.toml": Experiment,
    "03_rig.toml": Experiment,
    "06_dale_index.toml": DaleSettings,
    "07_sweep.toml": SweepSettings,
}
HOW = ("value", "value", "value", "key", "remove", "repeat", "letters")
VALUES = (
    "nan", "inf", "-inf", "1e308", "-1e308", "1e-320", "9" * 400, "0x" + "f" * 900, "0b1", "+5",
    "9223372036854775808", "-1", "0", "100000000000000000000000.5", "true", "[]", "{}", "[[[[]]]]",
    "{a.b.c=1}", '[1,"a",{}]', "[nan, 1]", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", '""',
    '"a\\u0000b"', '"\\U0001F600"', '"\\ud7ff"', '"~nobody/x"', '"/dev/zero"', '"["', '"tcp://[::1"',
    '"tcp://[::1]:99999"', '"' + "x" * 3000 + '"', '{kind="x"}', '{kind="cma_es"}', '{kind=["a"]}',
)  # fmt: skip
PIECES = (
    b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\r", b'"""', b"'''", b"[", b"]", b"{",
    b"}", b"=", b".", b"#", b"\\", b'"', b",", b"[[a]]\n", b"[a.b]\n", b"x.y=1\n", b"a." * 50,
)  # fmt: skip


@st.composite
def crafted(draw: st.DrawFn) -> tuple[bytes, Any]:
    """Spoil an example: take rows away, repeat them, give other values, insert bytes."""
    name = draw(st.sampled_from(sorted(MODELS)))
    rows = (EXAMPLES / name).read_text(encoding="utf-8").split("\n")
    for _ in range(draw(st.integers(1, 5))):
        place = draw(st.integers(0, len(rows) - 1))
        how = draw(
            st.sampled_from(["value", "value", "value", "key", "remove", "repeat", "letters"])
        )
        key, equals, _ = rows[place].partition("=")
        if how == "value" and equals:
            rows[place] = f"{key}= {draw(st.sampled_from(VALUES))}"
        elif how == "key":
            rows.insert(place, f"k = {draw(st.sampled_from(VALUES))}")
        elif how == "remove" and len(rows) > 1:
            del rows[place]
        elif how == "repeat":
            rows.insert(place, draw(st.sampled_from(rows)))
        else:
            cut = draw(st.integers(0, len(rows[place])))
            rows[place] = rows[place][:cut] + draw(st.text(max_size=2)) + rows[place][cut + 1 :]
    content = "\n".join(rows).encode("utf-8", "surrogatepass")
    for piece in draw(st.lists(st.sampled_from(PIECES), max_size=2)):
        place = draw(st.integers(0, len(content)))
        content = content[:place] + piece + content[place:]
    return content, MODELS[name]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("crafted") / "file.toml"


@settings(
    max_examples=N_EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(case=crafted())
def test_crafted_files_end_in_settings_or_sentences(file: Path, case: tuple[bytes, Any]) -> None:
    content, model = case
    file.write_bytes(content)
    reading = read_as_far_as_possible(file, model)
    problems = list(reading.problems)
    assert reading.settings is not None or problems
    if isinstance(reading.settings, Experiment):
        problems += reading.locate(check_experiment(reading.settings, reading.doubtful))
    assert all(problem.message and len(str(problem)) < 5000 for problem in problems)
