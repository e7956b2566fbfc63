"""Weight files are read without running what is in them, and fit a model wholly or not at all."""

import io
import os
import pathlib
import pickle
import re
import warnings
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from signseg_rig.errors import WeightsError
from signseg_rig.torch_models import load_state, read_checkpoint

STATE = {"0.weight": torch.arange(6.0).reshape(2, 3), "0.bias": torch.ones(2)}


class Runs:
    """An object that leaves a file behind when it is unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


@pytest.fixture
def save(tmp_path):
    def save_it(content):
        torch.save(content, tmp_path / "model.pth")
        return tmp_path / "model.pth"

    return save_it


def same(state):
    return state.keys() == STATE.keys() and all(state[key].equal(STATE[key]) for key in STATE)


def test_tensors_come_back(save):
    assert same(read_checkpoint(save(STATE)))


@pytest.mark.parametrize(
    ("content", "keys", "match"),
    [
        ([1, 2], ["model"], "should hold tensors by name, or under 'model' or .* it has a list"),
        ({"epoch": 3}, [], "should hold tensors by name, or .* it has the keys 'epoch'"),
        ({"model": {"epoch": 3}}, ["model"], "or under 'model' or .* it has the keys 'epoch'"),
        (torch.ones(2), [], "should hold tensors by name, or .* it has a Tensor"),
    ],
)
def test_other_content_is_described(save, content, keys, match):
    with pytest.raises(WeightsError, match=match) as raised:
        read_checkpoint(save(content), keys)
    assert "It is the weight file of another model." in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nothing else", b"<html>", b"\x80\x02."])
def test_damaged_file_is_a_sentence(tmp_path, content):
    path = tmp_path / "model.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"model\.pth cannot be read as torch weights"):
        read_checkpoint(path)


def test_half_a_file_is_a_sentence(save):
    path = save(STATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(WeightsError, match="Fetch or copy it again"):
        read_checkpoint(path)


def test_code_in_a_file_is_not_run(save, tmp_path):
    path = save({"state_dict": STATE, "extra": Runs(tmp_path / "was run")})
    with pytest.raises(WeightsError, match="cannot be read as torch weights") as raised:
        read_checkpoint(path)
    assert "weights_only" not in str(raised.value)
    assert not (tmp_path / "was run").exists()


class Meter:
    """Of a training script: a class that is not there where its checkpoint is read."""

    def __init__(self, value):
        self.value = value


def test_what_training_scripts_save_beside_the_tensors_is_passed_over(save):
    import argparse

    model = nn.Sequential(nn.Linear(3, 2))
    model.load_state_dict(STATE)
    beside = {
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9).state_dict(),
        "args": argparse.Namespace(lr=0.1, path=pathlib.PurePosixPath("a"), meter=Meter(3)),
        "epoch": 89,
        "best": np.float64(0.7),
    }
    path = save({"model": model.state_dict(), **beside})
    assert same(read_checkpoint(path))
    # Nor is anything allowed to others afterwards.
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)


def wrapped(prefix):
    return {f"{prefix}{key}": value for key, value in STATE.items()}


@pytest.mark.parametrize(
    "content",
    [
        {"state_dict": wrapped("module."), "arch": "resnet18", "epoch": 90},
        {"model": STATE, "model_ema": wrapped("module."), "lr_scheduler": {"last_epoch": 3}},
        wrapped("module.") | {"n_averaged": torch.tensor(90)},
        {"state_dict": wrapped("model.")},
        {"model_state_dict": wrapped("_orig_mod.module.")},
        {"model": wrapped("module._orig_mod.") | {"n_averaged": torch.tensor(3)}},
    ],
)
def test_checkpoints_as_training_scripts_save_them(save, content):
    assert same(read_checkpoint(save(content)))


def test_names_that_are_not_all_wrapped_stay(save):
    mixed = {"module.a": torch.ones(1), "b": torch.ones(1)}
    assert read_checkpoint(save(mixed)).keys() == mixed.keys()


def test_whole_models_are_refused_with_the_remedy(save):
    with pytest.raises(
        WeightsError, match=r"an object of another program.*save its state_dict\(\) alone"
    ):
        read_checkpoint(save(nn.Sequential(nn.Linear(3, 2))))


def test_what_other_libraries_let_torch_make_is_not_made(save):
    path = save(nn.Sequential(nn.Linear(3, 2)))
    with torch.serialization.safe_globals([nn.Sequential, nn.Linear]):
        with pytest.raises(WeightsError, match="an object of another program"):
            read_checkpoint(path)
        assert nn.Linear in torch.serialization.get_safe_globals()


def test_archives_that_unpack_to_more_than_they_are(save, tmp_path):
    plain = save({"0.weight": torch.zeros(1000, 1000)})
    bomb = tmp_path / "bomb.pth"
    with zipfile.ZipFile(plain) as read, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        for member in read.infolist():
            file.writestr(member.filename, read.read(member))
    assert bomb.stat().st_size < 20_000
    with pytest.raises(WeightsError, match=r"unpacks to 4,00.*made to fill the memory"):
        read_checkpoint(bomb)


def test_checkpoint_of_nothing_that_fits(save):
    with pytest.raises(WeightsError, match=r"or under 'G' or 'state_dict' or 'model' or .* it has"):
        read_checkpoint(save({"epoch": 3}), ["G"])


def test_tensors_are_loaded(tmp_path):
    model = nn.Sequential(nn.Linear(3, 2))
    load_state(model, STATE, tmp_path)
    assert same(model.state_dict())


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"0.bias": None}, "does not fit Sequential: 0.bias is missing. It is"),
        ({"1.bias": torch.ones(1)}, "1.bias is unknown"),
        ({"0.weight": torch.ones(3, 2)}, "0.weight has shape (3, 2), expected is (2, 3)"),
        (
            {f"{index}.x": torch.ones(1) for index in range(1, 6)},
            "1.x is unknown; 2.x is unknown; 3.x is unknown; and 2 more",
        ),
    ],
)
def test_first_names_that_do_not_fit_are_shown(tmp_path, changed, match):
    model = nn.Sequential(nn.Linear(3, 2))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    state = {key: value for key, value in {**STATE, **changed}.items() if value is not None}
    with pytest.raises(WeightsError, match=re.escape(match)):
        load_state(model, state, tmp_path / "model.pth")
    assert all(value.equal(before[key]) for key, value in model.state_dict().items())


def test_values_that_are_not_finite_are_refused(tmp_path):
    state = STATE | {"0.bias": torch.tensor([1.0, torch.nan])}
    with pytest.raises(WeightsError, match=r"not finite, in 0\.bias: its training diverged"):
        load_state(nn.Sequential(nn.Linear(3, 2)), state, tmp_path)


def with_pickle(path, content):
    """A torch file whose pickle is another."""
    torch.save({"a": torch.ones(1)}, path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, old in members.items():
            archive.writestr(name, content if name.endswith("data.pkl") else old)
    return path


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"cbuiltins\nbytearray\n\x8a\x05\x00\x00\x00\x00\x02\x85R.", "names builtins bytearray"),
        (b"})" + b"\x85" * 40_000 + b"K\x01s.", "more than 30000 tuples"),
        (b"ctorch\nFloatTensor\n\x8a\x06\x00\x00\x00\x00\x00\x01\x85R.", "cannot be read"),
    ],
)
def test_files_that_are_made_to_exhaust_memory_or_stack(tmp_path, content, said):
    """Of 800 bytes one took 8 GB, and another ended the process."""
    path = with_pickle(tmp_path / "made.pth", b"\x80\x02" + content)
    with pytest.raises(WeightsError, match=said):
        read_checkpoint(path)


@pytest.mark.parametrize(
    "tensor", [torch.ones(1).expand(10**9), torch.ones(3, device="meta")], ids=["one", "none"]
)
def test_tensors_without_values_of_their_own_are_refused(save, tensor):
    with pytest.raises(WeightsError, match="should hold tensors by name"):
        read_checkpoint(save({"a": tensor}))


@pytest.fixture(scope="module")
def sound():
    """Bytes of torch's files, of today and from before 1.6."""
    written = []
    for is_zip in (True, False):
        file = io.BytesIO()
        torch.save({"model": STATE, "epoch": 3}, file, _use_new_zipfile_serialization=is_zip)
        written.append(file.getvalue())
    return written


@given(
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 2**16), st.binary(max_size=5)), min_size=1, max_size=4),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_give_tensors_or_a_sentence(sound, tmp_path, is_zip, changes):
    content = bytearray(sound[not is_zip])
    for place, values in changes:
        first = place % len(content)
        content[first : first + len(values)] = values
    path = tmp_path / "damaged.pth"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, of other versions of the format
        try:
            state = read_checkpoint(path)
        except WeightsError:
            return
    assert all(isinstance(value, torch.Tensor) for value in state.values())
