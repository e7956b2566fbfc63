"""Fit, predict, ablate, and a run with the fitted neurons, as a user types them."""

import contextlib
import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import tomli_w
from PIL import Image
from typer.testing import CliRunner

from signseg_rig.cli import app
from signseg_rig.experiment import WireSettings
from signseg_rig.networks import load_network
from signseg_rig.neurons import FeatureReader, FeatureSigns, NeuronModels
from signseg_rig.records import RunReader

N_IMAGES, N_UNITS = 40, 3


def signseg_rig(*arguments: object, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "signseg_rig", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "120"},
        stdin=subprocess.DEVNULL,
        timeout=200,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of images, and three neurons that read a layer of the network, with noise."""
    folder = tmp_path_factory.mktemp("recording")
    rng = np.random.default_rng(0)
    images = np.empty((N_IMAGES, 64, 64, 3), dtype=np.uint8)
    (folder / "images").mkdir()
    for index in range(N_IMAGES):
        small = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        picture = Image.fromarray(small).resize((64, 64), Image.Resampling.BICUBIC)
        picture.save(folder / "images" / f"image{index:02}.png")
        images[index] = np.asarray(picture)
    network = load_network("efficientnet_lite0", input_size_px=64)
    features = FeatureReader(network, "blocks.3", 2).features(images)
    centred = features - features.mean(axis=0)
    drive = centred @ np.linalg.svd(centred, full_matrices=False)[2][:N_UNITS].T
    rates = 20 + 6 * (drive / drive.std(axis=0)).T
    trials = rates[:, :, None] + rng.normal(0, 3, (N_UNITS, N_IMAGES, 4))
    np.save(folder / "rates.npy", trials)
    return folder


@pytest.fixture(scope="module")
def fitted(recording: Path) -> tuple[Path, list[dict[str, Any]]]:
    """The models of the recording, and the table that was printed."""
    out = recording / "three.neurons"
    output = signseg_rig(
        "fit",
        *("--responses", recording / "rates.npy", "--images", recording / "images"),
        *("--layer", "blocks.3", "--pool-px", 2, "--rectify", "split"),
        *("--set", "input_size_px=64"),
        *("--compare", "ridge", "--compare", "positive-only"),
        *("--out", out, "--cache-dir", recording / "cache", "--json"),
    )
    return out, json.loads(output)


def test_fit_prints_and_writes_what_it_found(fitted: tuple[Path, list[dict[str, Any]]]) -> None:
    path, table = fitted
    assert [row["unit"] for row in table] == ["0", "1", "2"]
    for row in table:
        assert row["n_images"] == N_IMAGES
        assert row["n_trials"] == 4 * N_IMAGES
        assert row["gate"] == "passed"
        assert 0.8 < row["reliability"] < 1
        assert 0.6 < row["test_r"] < row["ceiling_r"]
        assert row["p_value"] == pytest.approx(1 / 201)  # of the 200 shuffles by default
        assert row["features_below_0"] == 0
    models = NeuronModels.load(path)
    assert models.features.layer == "blocks.3"
    assert models.features.rectify == "split"
    assert models.signs == FeatureSigns(is_rectified=True, negative_share=0.0)
    assert models.features.network["input_size_px"] == 64
    assert models.fit == {
        "seed": 0,
        "n_folds": 10,
        "n_components": list(range(1, 26)),
        "n_shuffles": 200,
        "shuffle_blocks": 0,
    }
    assert len(models.image_sha256) == N_IMAGES
    assert models.quality["test_r"].tolist() == [row["test_r"] for row in table]
    report = path.with_name("three-report")
    page = (report / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 4
    assert "0.0% are below 0" in page
    assert "The smallest p_value that 200 shuffles can give is 0.005." in page
    assert "any order of the images is as likely" in page
    for name in ("predictions", "ceiling", "spectra", "comparisons"):
        assert (report / "figures" / f"{name}.png").stat().st_size > 5000
    with (report / "comparisons.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["model"] for row in rows} == {"pls", "ridge", "positive-only"}
    assert len(rows) == 3 * N_UNITS


def test_predict_gives_what_the_models_say(
    fitted: tuple[Path, list[dict[str, Any]]], recording: Path
) -> None:
    path, _ = fitted
    options = ("--images", recording / "images", "--cache-dir", recording / "cache")
    rates = json.loads(signseg_rig("predict", path, *options, "--json"))
    measured = np.load(recording / "rates.npy").mean(axis=2)
    predicted = np.array([[rates[name][unit] for name in sorted(rates)] for unit in "012"])
    for unit in range(N_UNITS):
        assert np.corrcoef(predicted[unit], measured[unit])[0, 1] > 0.8
    out = recording / "new" / "ablated.csv"
    signseg_rig("predict", path, *options, "--sign", "positive", "--out", out)
    with out.open() as file:
        ablated = list(csv.DictReader(file))
    models = NeuronModels.load(path)
    network = load_network("efficientnet_lite0", input_size_px=64)
    image = np.asarray(Image.open(recording / "images" / "image07.png"))
    expected = models.ablate("positive", 1).predict_images(image[None], network)[0]
    np.testing.assert_allclose([float(ablated[7][unit]) for unit in "012"], expected, atol=1e-3)


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text elsewhere")
def test_rates_of_an_image_whose_name_is_no_text_are_written(
    fitted: tuple[Path, list[dict[str, Any]]], recording: Path, tmp_path: Path
) -> None:
    path, _ = fitted
    picture = (recording / "images" / "image07.png").read_bytes()
    (tmp_path / os.fsdecode(b"caf\xe9.png")).write_bytes(picture)
    out = tmp_path / "rates.csv"
    options = ("--images", tmp_path, "--cache-dir", recording / "cache", "--out", out)
    signseg_rig("predict", path, *options)
    with out.open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["image"] == r"caf\udce9.png"


@pytest.fixture(scope="module")
def signed(recording: Path) -> tuple[Path, str]:
    """Models of features of both signs, and what was printed."""
    out = recording / "signed.neurons"
    result = CliRunner().invoke(
        app,
        [
            *("fit", "--responses", str(recording / "rates.npy")),
            *("--images", str(recording / "images"), "--cache-dir", str(recording / "cache")),
            *("--layer", "blocks.3", "--pool-px", "2", "--set", "input_size_px=64"),
            *("--n-shuffles", "0", "--out", str(out)),
        ],
        env={"COLUMNS": "80"},
    )
    assert result.exit_code == 0, result.output
    return out, result.stdout


def test_fit_says_that_features_take_both_signs(signed: tuple[Path, str], recording: Path) -> None:
    path, printed = signed
    assert re.search(r"[45]\d\.\d% are below 0: the signs of weights are\s+arbitrary", printed)
    assert max(map(len, printed.splitlines()[:-2])) <= 80
    assert "normalized_ev" not in printed  # a heading that says so in letters of one cell
    page = (recording / "signed-report" / "report.html").read_text(encoding="utf-8")
    assert "the signs of weights are arbitrary" in page
    signs = NeuronModels.load(path).signs
    assert signs is not None
    assert 0.4 < signs.negative_share < 0.6


@pytest.mark.parametrize(
    "verb", [["predict", "--sign", "positive"], ["ablate", "--strengths", "0,1"]]
)
def test_ablation_by_sign_of_signed_features_has_to_be_asked_for(
    signed: tuple[Path, str], recording: Path, tmp_path: Path, verb: list[str]
) -> None:
    path, _ = signed
    command = [
        *(verb[0], str(path), *verb[1:], "--images", str(recording / "images"), "--json"),
        *("--cache-dir", str(recording / "cache")),
        *(["--report", str(tmp_path / "report")] if verb[0] == "ablate" else []),
    ]
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 1
    said = " ".join(refused.output.split())
    assert "blocks.3 of efficientnet_lite0, pooled to 2 x 2, are arbitrary" in said
    assert "--rectify split" in said
    asked = CliRunner().invoke(app, [*command, "--signed-features-anyway"])
    assert asked.exit_code == 0, asked.output
    found = json.loads(asked.stdout)
    rows = found.values() if isinstance(found, dict) else found
    assert all(row["signed_features_anyway"] for row in rows)


def test_models_of_one_sign_are_not_compared_on_signed_features(
    recording: Path, tmp_path: Path
) -> None:
    command = [
        *("fit", "--responses", str(recording / "rates.npy")),
        *("--images", str(recording / "images"), "--cache-dir", str(recording / "cache")),
        *("--layer", "blocks.3", "--pool-px", "2", "--set", "input_size_px=64"),
        *("--n-shuffles", "0", "--compare", "positive-only", "--out", str(tmp_path / "x")),
    ]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1
    assert "positive-only, which read blocks.3" in " ".join(result.output.split())


def test_choose_asks_the_neurons(recording: Path, tmp_path: Path) -> None:
    table = {
        "name": "both",
        "out_dir": str(tmp_path / "choices"),
        "network": {"kind": "efficientnet_lite0", "input_size_px": 64},
        "layer": "blocks.3",
        "pool_px": 2,
        "rectify": "split",
        "share": 0.25,
        "n_folds": 4,
        "n_draws": 2,
        "max_components": 5,
        "sessions": {
            name: {"responses": "rates.npy", "images": "images"} for name in ("one", "two")
        },
    }
    file = recording / "choices.toml"
    file.write_text(tomli_w.dumps(table))
    command = ["choose", str(file), "--cache-dir", str(recording / "cache")]
    result = CliRunner().invoke(app, [*command, "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [one["session"] for one in found["tests"]] == ["one"] * 7 + ["two"] * 7 + [""] * 7
    assert all("too few" in one["remark"] for one in found["tests"])
    assert all(one["p_value"] is None for one in found["tests"])
    page = Path(found["report"]).read_text(encoding="utf-8")
    assert "too few: 3 neurons" in page
    assert "too few: 2 sessions" in page
    assert page.count("data:image/png;base64,") == 1
    with Path(found["report"]).with_name("neurons.csv").open() as rows:
        assert len(list(csv.DictReader(rows))) == 2 * N_UNITS * 10
    printed = CliRunner().invoke(app, command, env={"COLUMNS": "80"}).stdout
    assert "No p and no interval" in printed
    assert "cannot be told from it" in " ".join(printed.split())
    assert max(map(len, printed.splitlines()[:-1])) <= 80
    assert "\u2026" not in printed
    assert "positive - negative, equal magnitude" in printed
    file.write_text(tomli_w.dumps({**table, "rectify": "as_is"}))
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 1
    assert "models of session one, which read blocks.3" in " ".join(refused.output.split())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_rates_that_cannot_be_written_are_a_sentence(
    fitted: tuple[Path, list[dict[str, Any]]], recording: Path
) -> None:
    path, _ = fitted
    options = ("--images", recording / "images", "--cache-dir", recording / "cache")
    said = signseg_rig("predict", path, *options, "--out", "/dev/full", code=1)
    assert "/dev/full cannot be written: No space left on device. Make room there" in said


def test_ablate_writes_curves_and_prints_a_summary(
    fitted: tuple[Path, list[dict[str, Any]]], recording: Path
) -> None:
    path, _ = fitted
    output = signseg_rig(
        "ablate",
        *(path, "--images", recording / "images", "--cache-dir", recording / "cache"),
        *("--strengths", "0,0.5,1", "--report", recording / "ablation"),
    )
    assert "as many, random" in output
    with (recording / "ablation" / "ablation.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == N_UNITS * 3 * 7 * 2
    assert (recording / "ablation" / "ablation.png").stat().st_size > 20_000


@pytest.mark.parametrize(("n_images", "strengths"), [(N_IMAGES, "1"), (1, "0,0.5,1")])
def test_ablate_draws_what_can_be_known(
    fitted: tuple[Path, list[dict[str, Any]]], recording: Path, n_images: int, strengths: str
) -> None:
    """Nothing correlates over one image, nor with all weights of a sign removed."""
    path, _ = fitted
    folder = recording / f"first-{n_images}"
    folder.mkdir()
    for image in sorted((recording / "images").iterdir())[:n_images]:
        (folder / image.name).write_bytes(image.read_bytes())
    signseg_rig(
        "ablate",
        *(path, "--images", folder, "--cache-dir", recording / "cache"),
        *("--strengths", strengths, "--report", folder / "ablation"),
    )
    assert (folder / "ablation" / "ablation.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("command", "arguments", "message"),
    [
        ("predict", ["--strength", "0.7"], "but not which. Give --sign positive"),
        ("predict", ["--convention", "centered"], "but not which. Give --sign positive"),
        ("predict", ["--sign", "upwards"], "upwards"),
        ("ablate", ["--strengths", "0,2"], "numbers from 0 to 1, such as 0,0.3,0.7,1; got '0,2'"),
        ("ablate", ["--strengths", "nan"], "got 'nan'"),
        ("ablate", ["--strengths", "half"], "got 'half'"),
    ],
)
def test_wishes_for_an_ablation_are_checked_first(
    fitted: tuple[Path, list[dict[str, Any]]],
    recording: Path,
    tmp_path: Path,
    command: str,
    arguments: list[str],
    message: str,
) -> None:
    path, _ = fitted
    options = ["--images", str(recording / "images"), "--cache-dir", str(tmp_path / "cache")]
    result = CliRunner().invoke(app, [command, str(path), *options, *arguments])
    assert result.exit_code == 1
    assert message in " ".join(result.output.split())
    assert not (tmp_path / "cache").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_fit_that_is_terminated_takes_its_workers_along(
    fitted: tuple[Path, list[dict[str, Any]]], recording: Path, tmp_path: Path
) -> None:
    command = [
        *(sys.executable, "-m", "signseg_rig", "fit"),
        *("--responses", recording / "rates.npy", "--images", recording / "images"),
        *("--layer", "blocks.3", "--pool-px", 2, "--set", "input_size_px=64"),
        *("--n-shuffles", 1_000_000, "--cache-dir", recording / "cache"),
        *("--out", tmp_path / "never.neurons"),
    ]
    with subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        main, workers = psutil.Process(process.pid), []
        try:
            while sum("popen_loky" in " ".join(one.info["cmdline"] or ()) for one in workers) < 2:
                assert process.poll() is None
                children = main.children(recursive=True)
                workers = [one for one in psutil.process_iter(["cmdline"]) if one in children]
            process.terminate()
            process.wait(timeout=60)
            _, alive = psutil.wait_procs(workers, timeout=30)
            assert not alive
        finally:
            process.kill()
            for worker in workers:
                with contextlib.suppress(psutil.NoSuchProcess):
                    worker.kill()


def test_fitted_neurons_answer_in_a_run(
    fitted: tuple[Path, list[dict[str, Any]]],
    experiment_of: Callable[..., dict[str, Any]],
    wire: WireSettings,
    tmp_path: Path,
) -> None:
    path, _ = fitted
    table = experiment_of(wire, n_generations=6)
    table["response_source"] = {
        "kind": "simulated",
        "population": {
            "kind": "neuron_models",
            "path": str(path),
            "units": ["2", "0"],
            "network": {"kind": "efficientnet_lite0", "input_size_px": 64},
        },
    }
    for thread, unit in zip(table["protocol"]["threads"], ("2", "0"), strict=True):
        thread["score"]["unit"] = unit
    file = tmp_path / "experiment.toml"
    file.write_text(tomli_w.dumps(table))
    assert json.loads(signseg_rig("check", file, "--json"))["problems"] == []
    signseg_rig("run", file, "--run-dir", tmp_path / "run")
    models = NeuronModels.load(path).select(["2", "0"])
    truth = np.load(tmp_path / "run" / "ground_truth.npz")
    np.testing.assert_array_equal(truth["weights"], models.coef)
    with RunReader.open(tmp_path / "run") as reader:
        assert reader.result() is not None
        assert len(list(reader.told())) == 12
    wrong = file.read_text().replace("input_size_px = 64", "input_size_px = 96")
    file.write_text(wrong)
    message = " ".join(signseg_rig("run", file, "--run-dir", tmp_path / "other", code=1).split())
    assert "input_size_px is 96, fitted was 64" in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layer", "blocks.99"], "has no layer 'blocks.99'"),
        (["--set", "input_size"], "--set should be KEY=VALUE"),
        (["--set", "size=3"], "cannot be made with these settings"),
        (["--network", "alexnot"], "alexnot"),
        (["--compare", "ridgee"], "no model ridgee to compare with; there are ridge"),
        (["--window-s", "0.2"], "--window-s should be two times in seconds, such as 0.05,0.2"),
        (["--window-s", "0.2,1.0"], "'response_window_s' means nothing"),  # it was understood
        (["--leave-out", "blank"], "No presentation is of 'blank'"),
        (["--shuffle-blocks", "41"], "can be cut into 2 to 40 blocks; got 41"),
        (["--n-folds", "41"], "from 2 to 40"),
        (["--pool-px", "99"], "pool_px should be from 1 to"),
    ],
)
def test_fit_says_what_is_wrong(recording: Path, arguments: list[str], message: str) -> None:
    command = [
        "fit",
        *("--responses", recording / "rates.npy", "--images", recording / "images"),
        *("--set", "input_size_px=64", "--layer", "blocks.3"),
        *("--out", recording / "none.neurons", "--cache-dir", recording / "cache", *arguments),
    ]
    result = CliRunner().invoke(app, [*map(str, command)])
    assert result.exit_code == 1
    error = result.output
    assert message in " ".join(error.split())
    assert not (recording / "none.neurons").exists()


@pytest.mark.parametrize(
    ("out", "report", "message"),
    [
        ("images", "report", "images is a folder; a file would be written there"),
        ("rates.npy/x/a.neurons", "report", "cannot be written: Not a directory"),
        ("new/a.neurons", "rates.npy", "rates.npy is a file; a folder would be written there"),
        ("/proc/new/a.neurons", "report", "/proc/new/a.neurons cannot be written"),
    ],
)
def test_fit_checks_first_that_it_can_write(
    recording: Path, tmp_path: Path, out: str, report: str, message: str
) -> None:
    before = set(recording.iterdir())
    command = [
        "fit",
        *("--responses", recording / "rates.npy", "--images", recording / "images"),
        *("--out", recording / out, "--report", recording / report),
        *("--cache-dir", tmp_path / "cache"),
    ]
    result = CliRunner().invoke(app, [*map(str, command)])
    assert result.exit_code == 1
    assert message in " ".join(result.output.split())
    assert not (tmp_path / "cache").exists()
    assert set(recording.iterdir()) == before


def test_everything_that_does_not_fit_together_is_one_report(recording: Path) -> None:
    rates = np.load(recording / "rates.npy")[:, :, 0]
    rates[0, 3] = np.inf
    rates[1] = 4.0
    np.save(recording / "wrong.npy", rates)
    command = [
        "fit",
        *("--responses", recording / "wrong.npy", "--images", recording / "images"),
        *("--out", recording / "none.neurons"),
    ]
    result = CliRunner().invoke(app, [*map(str, command)])
    assert result.exit_code == 1
    error = result.output
    assert "infinite" in error
    assert "1 warning)" in " ".join(error.split())
