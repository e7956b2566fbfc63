"""Responses that depend on features by known weights."""

from typing import NamedTuple

import numpy as np
import pytest


class Recorded(NamedTuple):
    features: np.ndarray
    responses: np.ndarray
    weights: np.ndarray


@pytest.fixture
def recorded() -> Recorded:
    """60 images, 200 features as after a ReLU and of falling variance, 4 neurons with noise."""
    rng = np.random.default_rng(7)
    scale = np.linspace(2, 0.05, 200)
    features = np.maximum(rng.standard_normal((60, 200)) * scale, 0)
    weights = rng.standard_normal((4, 200)) * 0.3
    responses = 10 + features @ weights.T + rng.standard_normal((60, 4))
    return Recorded(features, responses, weights)
