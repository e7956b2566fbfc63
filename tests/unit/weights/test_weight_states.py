"""Weight files are read without running what is in them, and fit a model wholly or not at all."""

import os
import re

import pytest
import torch
from torch import nn

from signseg_rig.errors import WeightsError
from signseg_rig.weights import load_state, read_checkpoint, read_state

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
    assert same(read_state(save(STATE)))


@pytest.mark.parametrize(
    ("content", "keys", "match"),
    [
        ([1, 2], ["model"], "should hold tensors by name, or under 'model'; it has a list"),
        ({"epoch": 3}, [], "should hold tensors by name; it has the keys 'epoch'"),
        ({"model": {"epoch": 3}}, ["model"], "or under 'model'; it has the keys 'epoch'"),
        (torch.ones(2), [], "should hold tensors by name; it has a Tensor"),
    ],
)
def test_other_content_is_described(save, content, keys, match):
    with pytest.raises(WeightsError, match=match) as raised:
        read_checkpoint(save(content), keys, trusts_pickle=False)
    assert "It is the weight file of another model." in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nothing else", b"<html>", b"\x80\x02."])
def test_damaged_file_is_a_sentence(tmp_path, content):
    path = tmp_path / "model.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"model\.pth cannot be read as torch weights"):
        read_state(path)


def test_half_a_file_is_a_sentence(save):
    path = save(STATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(WeightsError, match="Fetch or copy it again"):
        read_state(path)


def test_code_in_a_file_is_not_run(save, tmp_path):
    path = save({"state_dict": STATE, "extra": Runs(tmp_path / "was run")})
    with pytest.raises(WeightsError, match="cannot be read as torch weights"):
        read_state(path)
    with pytest.raises(WeightsError, match="set 'trusts_pickle = true'") as raised:
        read_checkpoint(path, ["state_dict"], trusts_pickle=False)
    assert "weights_only" not in str(raised.value)
    assert not (tmp_path / "was run").exists()


def test_code_in_a_checkpoint_is_run_on_demand_and_said_aloud(save, tmp_path):
    path = save({"state_dict": STATE, "extra": Runs(tmp_path / "was run")})
    with pytest.warns(UserWarning, match="code that it holds is run now"):
        state = read_checkpoint(path, ["model", "state_dict"], trusts_pickle=True)
    assert same(state)
    assert (tmp_path / "was run").is_dir()


def test_trust_is_not_used_where_it_is_not_needed(save):
    # A warning would be an error here.
    assert same(read_checkpoint(save({"model": STATE}), ["model"], trusts_pickle=True))
    assert same(read_checkpoint(save(STATE), ["model"], trusts_pickle=False))


def test_checkpoint_of_nothing_that_fits(save):
    with pytest.raises(WeightsError, match="or under 'model' or 'state_dict'; it has"):
        read_checkpoint(save({"epoch": 3}), ["model", "state_dict"], trusts_pickle=False)


def test_damaged_checkpoint_that_is_trusted(tmp_path):
    path = tmp_path / "model.pth"
    path.write_bytes(b"nothing")
    with (
        pytest.warns(UserWarning, match="trusts_pickle"),
        pytest.raises(WeightsError, match="cannot be read as a torch checkpoint"),
    ):
        read_checkpoint(path, ["model"], trusts_pickle=True)


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
