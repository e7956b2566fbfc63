"""Recorded macaque neurons, read as a user would read them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from signseg_rig.datasets import open_images, prepare_for_fit, read_recorded
from signseg_rig.errors import DataSetError
from signseg_rig.neurons import gate_channels, split_half_reliability


@pytest.fixture(scope="module")
def v4_folder() -> Path:
    root = os.environ.get("SIGNSEG_TEST_DATA")
    folder = Path(root) if root else Path(__file__).parents[2] / ".." / "shared" / "data"
    folder = (folder / "v4_cowley").resolve()
    if not folder.is_dir():
        pytest.skip(f"There are no recordings at {folder}; set SIGNSEG_TEST_DATA to their folder.")
    return folder


def test_recorded_v4_means(v4_folder):
    session = v4_folder / "201025"
    data = read_recorded(session / "responses_mean.npy", session / "images.zip", count_window_s=0.1)
    assert data.rates_hz.shape == (89, 1200, 1)
    counts = np.load(session / "responses_mean.npy")
    np.testing.assert_allclose(data.mean_rates_hz, counts * 10)
    assert [image.shape for image in data.images.read([0, 1199])] == [(112, 112, 3)] * 2
    assert data.image_ids[:2] == ("image0001.jpg", "image0002.jpg")
    fitted, warned = prepare_for_fit(data)
    assert fitted.n_units == 89
    assert not warned


def test_recorded_v4_trials(v4_folder):
    session = v4_folder / "210325"
    data = read_recorded(session / "responses_trials.npy", session / "images.zip")
    assert data.rates_hz.shape == (50, 640, 10)
    assert np.isnan(data.rates_hz).any()
    means = np.load(session / "responses_mean.npy")
    np.testing.assert_allclose(data.mean_rates_hz, means, atol=1e-6)
    assert len(open_images(session / "images.zip").sha256) == 640


def test_recorded_v4_transposed_is_refused(v4_folder, tmp_path):
    session = v4_folder / "201025"
    np.save(tmp_path / "t.npy", np.load(session / "responses_mean.npy").T)
    with pytest.raises(DataSetError, match=r"\(1200, 89, 1\) has that many along axis 0"):
        read_recorded(tmp_path / "t.npy", session / "images.zip")


def test_recorded_v4_reliability(v4_folder):
    session = v4_folder / "210325"
    data = read_recorded(session / "responses_trials.npy", session / "images.zip")
    reliability = split_half_reliability(data.rates_hz)
    assert np.median(reliability) == pytest.approx(0.77, abs=0.01)
    assert gate_channels(data.rates_hz).passes.all()
