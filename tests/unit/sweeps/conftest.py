"""A small sweep of real models."""

from pathlib import Path

import pytest

SWEEP = """\
name = "small"
units = ["wig", "tench"]
strengths = [0.5, 1.0]
control_strengths = [0.5]
n_repeats = 1
n_control_draws = 1
n_generations = 2

[network]
kind = "efficientnet_lite0"
input_size_px = 32

[generator]
kind = "dcgan_faces"

[optimizer]
kind = "cma_es"
n_codes = 4
"""


@pytest.fixture
def sweep_file(tmp_path: Path) -> Path:
    path = tmp_path / "sweep.toml"
    path.write_text(f"out_dir = '{tmp_path}'\n{SWEEP}")
    return path
