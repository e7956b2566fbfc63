"""What a recording system offers, before any run."""

import json
from pathlib import Path

import pytest
import tomli_w
from typer.testing import CliRunner

from signseg_rig.cli import app


@pytest.fixture
def experiment(tmp_path: Path, synthetic_plugins: Path) -> Path:
    table = {
        "run": {"name": "a"},
        "display": {"kind": "headless"},
        "response_source": {"kind": "simulated", "population": {"kind": "pixels", "n_units": 3}},
        "generators": {"linear": {"kind": "linear"}},
        "protocol": {
            "kind": "evolution",
            "n_generations": 1,
            "references": {"kind": "random_codes", "generator": "linear"},
            "threads": [
                {
                    "name": "a",
                    "generator": "linear",
                    "optimizer": {"kind": "cma_es"},
                    "score": {"kind": "channel", "unit": "a misspelt one"},
                }
            ],
        },
    }
    file = tmp_path / "a.toml"
    file.write_text(tomli_w.dumps(table), encoding="utf-8")
    return file


def test_units_and_lines_are_listed(experiment: Path) -> None:
    result = CliRunner().invoke(app, ["units", str(experiment)])
    assert result.exit_code == 0, result.output
    assert "3 units:\n  unit_0\n  unit_1\n  unit_2\n" in result.output
    assert "sync lines: sync" in result.output


def test_units_are_there_for_programs(experiment: Path) -> None:
    result = CliRunner().invoke(app, ["units", str(experiment), "--json"])
    told = json.loads(result.stdout)
    assert told["units"] == ["unit_0", "unit_1", "unit_2"]
    assert told["sample_rate_hz"] == 30_000
    assert told["has_watermark"] is True
