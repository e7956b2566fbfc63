"""A sweep is studied wherever it was computed."""

import numpy as np
import pytest
from typer.testing import CliRunner

from signseg_rig.cli import app
from signseg_rig.sweeps import (
    Result,
    ResultFolder,
    list_tasks,
    read_sweep,
    study_sweep,
    write_sweep,
)

METRICS = """
[metrics.similarity]
kind = "representational_similarity"
networks = [
    { kind = "efficientnet_lite0", random_seed = 1, input_size_px = 32, batch_size = 4 },
]
"""
# No machine has so many.
MISSING = 'device = "cuda:99"'


def on_missing_devices(text):
    return (
        text.replace('kind = "dcgan_faces"', f'kind = "dcgan_faces"\n{MISSING}')
        .replace("input_size_px = 32", f"input_size_px = 32\n{MISSING}", 1)
        .replace("random_seed = 1", f"random_seed = 1, {MISSING}")
    )


def computed(settings):
    """Give a sweep results that are the same whatever they are kept under."""
    rng = np.random.default_rng(0)
    for task in list_tasks(settings):
        one = np.array(rng.random())
        image = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        scores = np.full((settings.n_generations, 4), one)
        result = Result(np.zeros(100), image, scores, *(one, one, one, one))
        ResultFolder(settings.folder).write(task.key, result)
    (settings.folder / "sweep.toml").write_text(write_sweep(settings))
    return settings.folder


@pytest.fixture
def text(sweep_file):
    return (
        (sweep_file.read_text() + METRICS)
        .replace("n_repeats = 1", "n_repeats = 2")
        .replace('kind = "dcgan_faces"', 'kind = "dcgan_faces"\nbatch_size = 4')
    )


def test_a_sweep_of_devices_that_are_not_here_is_measured_on_those_that_are(
    sweep_file, text, recwarn
):
    sweep_file.write_text(text)
    here = study_sweep(computed(read_sweep(sweep_file)))
    assert not recwarn
    sweep_file.write_text(on_missing_devices(text).replace('"small"', '"away"'))
    folder = computed(read_sweep(sweep_file))
    said = []
    away = study_sweep(folder, on_warning=said.append)
    (warning,) = said
    assert "The sweep names devices that are not here: cuda:99 (here c" in warning
    assert away.settings.network.settings.device == "cuda:99"
    assert away.images.n_missing == 0
    assert away.network == here.network
    assert any(one.measure.startswith("similarity.") for one in away.numbers)
    for one, other in zip(away.numbers, here.numbers, strict=True):
        assert (one.unit, one.condition, one.repeat, one.measure) == (
            other.unit,
            other.condition,
            other.repeat,
            other.measure,
        )
        np.testing.assert_allclose(one.value, other.value, rtol=1e-4, atol=1e-5)


def test_the_command_says_on_what_it_measures(sweep_file, text):
    sweep_file.write_text(on_missing_devices(text))
    answer = CliRunner().invoke(app, ["report", str(computed(read_sweep(sweep_file)))])
    assert answer.exit_code == 0, answer.output
    assert "Warning: The sweep names devices" in " ".join(answer.stderr.split())
