"""Whatever stands in a file of arrays, models, weights or keys, reading it ends or says why not.

SIGNSEG_FUZZ_EXAMPLES=100000 tries many more files than a test run has time for.
"""

from __future__ import annotations

import json
import os
import resource
import struct
import sys
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy.io
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from signseg_rig.datasets import read_recorded
from signseg_rig.errors import RigError
from signseg_rig.neurons import FeatureSigns, FeatureSpec, NeuronModels
from signseg_rig.sweeps import Result, ResultFolder
from signseg_rig.sweeps.software import read_software
from signseg_rig.torch_models.states import read_checkpoint
from signseg_rig.wire.keys import load_display_keys, load_loop_keys, make_keys

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
N_EXAMPLES = int(os.environ.get("SIGNSEG_FUZZ_EXAMPLES", "40"))
MAX_GROWTH_MIB = 400
RNG = np.random.default_rng(0)
RATES = RNG.gamma(2, 5, (6, 4))
PIECES = (
    *(b"\0", b"\xff", b"\xff" * 8, b"\x7f" * 8, b"\x80", b"\n", b",", b'"', b"[", b"{", b"}"),
    *(b"nan", b"inf", b"-1", b"1e400", b"9" * 4400, b"[" * 3000, b"null", b"\xe2\x80\xa8", b"'"),
    *(b"<f8", b"|O", b">U99", b"(99999999999, 4)", b"cos\nsystem\n(S'true'\ntR.", b"../../a", b"="),
    *(struct.pack("<Q", 2**63 - 1), struct.pack("<I", 2**32 - 1), struct.pack("<I", 2**20)),
    *(b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"\x93NUMPY\x03\x00"),
)


class Kind(NamedTuple):
    """Files of one kind: how one is made in a folder, which is spoilt, and how it is read."""

    make: Callable[[Path], Path]
    read: Callable[[Path], object]


def _make_result(folder: Path) -> Path:
    ResultFolder(folder).write(
        "key",
        Result(
            best_code=RNG.standard_normal(7),
            best_image=RNG.integers(0, 256, (4, 4, 3), dtype=np.uint8),
            scores=RNG.standard_normal((3, 5)),
            intact_score=np.array(1.5),
            n_removed=np.array(3),
            realized_strength=np.array(np.nan),
            removed_magnitude=np.array(0.25),
            software={"numpy": "2.0"},
        ),
    )
    return folder / "results" / "key.npz"


def _read_result(file: Path) -> None:
    result = ResultFolder(file.parents[1]).read("key")
    assert result.best_image.ndim == 3
    assert np.isfinite(result.scores).all()


def _make_manifest(folder: Path) -> Path:
    file = folder / "manifest.json"
    manifest = {
        "python": "3.11.7 (main)",
        "distributions": {"numpy": "2.0", "torch": "2.9"},
        "plugins": [{"distribution": "signseg-rig"}],
        "seed": 1,
        "weights_sha256": {},
    }
    file.write_text(json.dumps([manifest, manifest], indent=2), encoding="utf-8")
    return file


def _make_models(folder: Path) -> Path:
    spec = FeatureSpec({"kind": "net", "weights_sha256": "0" * 64, "input_size_px": 64}, "layer", 2)
    models = NeuronModels(
        unit_ids=("a", "b"),
        coef=RNG.standard_normal((2, 5)),
        intercept=np.ones(2),
        feature_mean=np.ones(5),
        n_components=np.array([2, 3]),
        features=spec,
        signs=FeatureSigns(is_rectified=True, negative_share=0.0),
        image_sha256=("a" * 64,),
        quality={"test_r": np.array([0.5, np.nan])},
        fit={"seed": 3},
    )
    models.save(folder / "models.neurons")
    return folder / "models.neurons"


def _read_models(file: Path) -> None:
    models = NeuronModels.load(file)
    assert models.predict(np.ones((1, models.coef.shape[1]))).shape == (1, len(models.unit_ids))


def _make_checkpoint(folder: Path) -> Path:
    file = folder / "weights.pt"
    state = {"module.layer.weight": torch.ones(3, 2), "module.layer.bias": torch.zeros(3)}
    torch.save({"state_dict": state, "epoch": 3, "args": ["a"]}, file)
    return file


def _read_weights(file: Path) -> None:
    for tensor in read_checkpoint(file).values():
        assert tensor.numel() < 2**28


def _make_keys(folder: Path) -> Path:
    make_keys(folder / "keys")
    return folder / "keys" / "loop.key_secret"


def _read_keys(file: Path) -> None:
    for load in (load_loop_keys, load_display_keys):
        with suppress(RigError):
            load(file.parent)
    load_loop_keys(file.parent)


def _make_csv(folder: Path) -> Path:
    file = folder / "rates.csv"
    rows = [f"{unit},{image},0,{rate:.3f}" for (image, unit), rate in np.ndenumerate(RATES)]
    file.write_text("unit,image,repeat,rate_hz\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return file


def _made(name: str, write: Callable[[Path], object]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        write(folder / name)
        return folder / name

    return make


def _read_rates(file: Path) -> None:
    data = read_recorded(file, {str(row): np.full((4, 4, 3), row, np.uint8) for row in range(6)})
    assert data.mean_rates_hz.shape == (data.n_units, data.n_images)


KINDS = {
    "sweep result": Kind(_make_result, _read_result),
    "manifest": Kind(_make_manifest, lambda file: read_software(file.parent)),
    "neuron models": Kind(_make_models, _read_models),
    "checkpoint": Kind(_make_checkpoint, _read_weights),
    "key": Kind(_make_keys, _read_keys),
    "csv": Kind(_make_csv, _read_rates),
    "npy": Kind(_made("rates.npy", lambda path: np.save(path, RATES.T)), _read_rates),
    "npz": Kind(_made("rates.npz", lambda path: np.savez(path, rates=RATES.T)), _read_rates),
    "mat": Kind(
        _made("rates.mat", lambda path: scipy.io.savemat(path, {"rates": RATES.T})), _read_rates
    ),
}


@st.composite
def edits(draw: st.DrawFn) -> list[tuple[str, float, bytes, int]]:
    """Draw what is done to the bytes of a file: at which share of its length, and with what."""
    how = st.sampled_from(["flip", "flip", "insert", "replace", "remove", "repeat", "cut"])
    size = st.sampled_from([1, 1, 2, 8, 64, 1000])
    place = st.floats(0, 1, exclude_max=True)
    return [
        (draw(how), draw(place), draw(st.sampled_from(PIECES)), draw(size))
        for _ in range(draw(st.integers(1, 4)))
    ]


def spoilt(content: bytes, changes: list[tuple[str, float, bytes, int]]) -> bytes:
    for how, share, piece, size in changes:
        at = int(share * len(content))
        before, here, after = content[:at], content[at : at + size], content[at + size :]
        content = {
            "flip": before + bytes(one ^ piece[0] ^ 1 for one in here) + after,
            "insert": before + piece + here + after,
            "replace": before + piece + content[at + len(piece) :],
            "remove": before + after,
            "repeat": before + 2 * here + after,
            "cut": before,
        }[how]
    return content


def spoil_member(content: bytes, which: float, changes: list[Any]) -> bytes:
    """Spoil what a member of a zip archive holds, in an archive that is whole."""
    with zipfile.ZipFile(BytesIO(content)) as old, BytesIO() as buffer:
        names = old.namelist()
        chosen = names[int(which * len(names))]
        with zipfile.ZipFile(buffer, "w") as new:
            for name in names:
                held = old.read(name)
                new.writestr(name, spoilt(held, changes) if name == chosen else held)
        return buffer.getvalue()


@pytest.mark.timeout(0 if N_EXAMPLES > 1000 else 300)
@pytest.mark.parametrize("name", KINDS)
def test_crafted_files_are_read_or_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    kind = KINDS[name]
    file = kind.make(tmp_path)
    kind.read(file)
    whole = file.read_bytes()
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    @settings(
        max_examples=N_EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(changes=edits(), which=st.floats(0, 1, exclude_max=True), is_within=st.booleans())
    def each(changes: list[Any], which: float, is_within: bool) -> None:
        is_archive = whole.startswith(b"PK")
        content = spoil_member(whole, which, changes) if is_archive and is_within else None
        file.write_bytes(spoilt(whole, changes) if content is None else content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                kind.read(file)
            except RigError as error:
                said = str(error)
                assert file.name in said or str(file.parent) in said
                assert len(said) < 20_000

    each()
    growth_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib) / 1024
    assert growth_mib < MAX_GROWTH_MIB
