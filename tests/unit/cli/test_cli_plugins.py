"""``signseg-rig plugins``: what is installed, and why any of it does not work."""

import json

import pytest
from typer.testing import CliRunner

from signseg_rig.cli import app

runner = CliRunner()


@pytest.fixture
def labs(plugin_shelf) -> None:
    plugin_shelf.install("goodlab", {"optimizers/good": "Good"}, source="class Good: ...")
    plugin_shelf.install("brokenlab", {"optimizers/broken": "Broken"}, source="import no_such_lib")


def test_lists_names_origins_and_faults(labs: None) -> None:
    result = runner.invoke(app, ["plugins"])
    assert result.exit_code == 0
    rows = [" ".join(row.split()) for row in result.output.splitlines()]
    assert rows.index("optimizers") < rows.index("good goodlab:Good (goodlab 1.5)")
    fault = rows[rows.index("broken brokenlab:Broken (brokenlab 1.5)") + 1]
    assert fault.startswith("does not work: ")
    assert "No module named 'no_such_lib'" in fault
    assert any(row.endswith("HeadlessDisplay (signseg-rig 0.1.0)") for row in rows)


def test_json(labs: None) -> None:
    listed = json.loads(runner.invoke(app, ["plugins", "--json"]).output)
    found = {item["name"]: item for item in listed if item["distribution"].endswith("lab")}
    assert found["good"] == {
        "group": "optimizers",
        "name": "good",
        "target": "goodlab:Good",
        "distribution": "goodlab",
        "version": "1.5",
        "fault": None,
    }
    assert "no_such_lib" in found["broken"]["fault"]


def test_a_name_claimed_twice_does_not_work(plugin_shelf) -> None:
    for lab in ("firstlab", "secondlab"):
        plugin_shelf.install(lab, {"metrics/same": "Same"}, source="class Same: ...")
    listed = json.loads(runner.invoke(app, ["plugins", "--json"]).output)
    same = [item for item in listed if item["name"] == "same"]
    assert [item["distribution"] for item in same] == ["firstlab", "secondlab"]
    assert all("Two plugins claim the name 'same'" in item["fault"] for item in same)
