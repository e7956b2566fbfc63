"""Devices, batches, and results that repeat."""

from threading import Event, Thread

import numpy as np
import pytest
import torch
from torch import nn

from signseg_rig.errors import ConfigError
from signseg_rig.torch_models import (
    compute_in_batches,
    device_here,
    reproducible_inference,
    require_device,
)


def test_device_that_is_not_here():
    assert require_device("cpu") == torch.device("cpu")
    with pytest.raises(ConfigError, match=r"no device 'cuda:99' here; torch .* finds cpu"):
        require_device("cuda:99")


@pytest.mark.parametrize("name", ["cpu", "/dev/parport0"])
def test_no_other_device_is_named_where_none_is_needed(name):
    assert device_here(name) == name


def test_another_device_takes_the_place_of_one_that_is_not_here():
    assert device_here("cuda:99") == ("cuda" if torch.cuda.is_available() else "cpu")
    assert device_here("mps") == ("mps" if torch.backends.mps.is_available() else "cpu")


@pytest.mark.parametrize("batch_size", [1, 2, 3, 8])
@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_batches_are_always_full_and_rows_come_back(batch_size, n):
    rows = torch.from_numpy(np.random.default_rng(n).normal(size=(n, 4)))
    seen = []

    def compute(batch):
        seen.append(len(batch))
        return batch.sum(dim=1, keepdim=True)

    outputs = compute_in_batches(compute, rows, batch_size)
    assert outputs.shape == (n, 1)
    assert torch.allclose(outputs, rows.sum(dim=1, keepdim=True))
    assert set(seen) == {batch_size}
    assert len(seen) == max(1, -(-n // batch_size))


def test_company_changes_no_bit():
    layer = nn.Conv2d(3, 8, 5)
    images = torch.rand(7, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    together = compute_in_batches(layer, images, 3)
    for index in range(7):
        alone = compute_in_batches(layer, images[index : index + 1], 3)
        assert torch.equal(alone[0], together[index])


def test_inference_is_repeatable_and_then_all_is_as_before():
    before = torch.backends.cudnn.allow_tf32
    with reproducible_inference():
        assert torch.is_inference_mode_enabled()
        assert not torch.backends.cudnn.allow_tf32
        assert torch.backends.cudnn.deterministic
    assert torch.backends.cudnn.allow_tf32 == before
    assert not torch.is_inference_mode_enabled()


def test_inference_in_one_thread_outlasts_that_in_another():
    flags = torch.backends.cudnn
    before = flags.allow_tf32, flags.deterministic
    is_begun, is_joined, is_over = Event(), Event(), Event()
    seen = []

    def first():
        with reproducible_inference():
            is_begun.set()
            is_joined.wait(60)
        is_over.set()

    def second():
        is_begun.wait(60)
        with reproducible_inference():
            is_joined.set()
            is_over.wait(60)
            seen.append((flags.allow_tf32, flags.deterministic))

    threads = [Thread(target=first), Thread(target=second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [(False, True)]
    assert (flags.allow_tf32, flags.deterministic) == before
