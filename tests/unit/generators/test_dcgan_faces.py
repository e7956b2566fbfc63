"""The faces are real, upright and in RGB."""

from __future__ import annotations

import numpy as np
import pytest

from signseg_rig.errors import ConfigError
from signseg_rig.generators import load_generator


@pytest.fixture(scope="module")
def faces():
    return load_generator("dcgan_faces")


def test_a_mean_face_is_upright_and_of_skin(faces):
    mean = faces.render(faces.sample_codes(200, np.random.default_rng(0))).mean(axis=0)
    middle = mean[20:44, 20:44]
    # Skin is more red than blue; hair, at the top, is darker than the face.
    assert middle[..., 0].mean() > middle[..., 2].mean() + 10
    assert mean[2:10, 24:40].mean() < middle.mean()


def test_levels_are_used_and_codes_matter(faces):
    images = faces.render(faces.sample_codes(5, np.random.default_rng(1)))
    assert images.min() < 20
    assert images.max() > 235
    assert len({image.tobytes() for image in images}) == 5


def test_codes_that_do_not_fit_are_refused(faces):
    with pytest.raises(ConfigError, match=r"\(n, 100\); got \(100,\)"):
        faces.render(np.zeros(100))
    with pytest.raises(ConfigError, match="code 0 of 1 is not"):
        faces.render(np.full((1, 100), 1e300))
