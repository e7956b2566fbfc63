"""The kit that signseg-rig ships says whether a plugin keeps the interface."""

import numpy as np
from signseg_gratings import Gratings, GratingsSettings

from signseg_rig.testing import check_generator


def test_keeps_the_interface() -> None:
    check_generator(Gratings(GratingsSettings(image_size_px=32)))


def test_orientation_turns_the_grating() -> None:
    vertical, horizontal = Gratings(GratingsSettings()).render(
        np.array([[0.0, 0, 0, 3], [0.5, 0, 0, 3]])
    )
    assert np.ptp(vertical.mean(axis=0)) > np.ptp(vertical.mean(axis=1))
    assert np.ptp(horizontal.mean(axis=1)) > np.ptp(horizontal.mean(axis=0))
