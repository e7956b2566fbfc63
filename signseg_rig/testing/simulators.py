"""Check that simulated neurons keep the rules of `Simulator`; a plugin's test is one call."""

from __future__ import annotations

import numpy as np

from signseg_rig.interfaces import Simulator


def check_simulator(simulator: Simulator) -> None:
    """Run all checks.

    Parameters
    ----------
    simulator : Simulator

    Raises
    ------
    AssertionError
        A sentence says which rule is broken.
    """
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    rates_hz = simulator.rates_hz(images)
    expected = (4, len(simulator.unit_names))
    assert rates_hz.shape == expected, f"rates_hz() gives shape {rates_hz.shape}, not {expected}."
    assert np.isfinite(rates_hz).all(), "A rate is not finite."
    assert (rates_hz >= 0).all(), "A rate is negative."
    assert len(set(simulator.unit_names)) == expected[1], "Two units have the same name."
    alone = np.concatenate([simulator.rates_hz(image[None]) for image in images[::-1]])[::-1]
    assert np.array_equal(alone, rates_hz), (
        "A rate depends on which images come with it: a resumed run may differ."
    )
    for name, array in simulator.ground_truth().items():
        assert isinstance(array, np.ndarray), f"The ground truth {name!r} is no array."
