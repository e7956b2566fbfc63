import numpy as np
import pytest

from signseg_protocols.history import History

NAN = np.nan


def history(evolved, references) -> History:
    made = History()
    for own, others in zip(evolved, references, strict=True):
        made.add(np.array(own, dtype=float), np.array(others, dtype=float))
    return made


def test_means_pass_over_what_has_no_score():
    made = history([[1, 3], [NAN, 5], [NAN, NAN]], [[2], [NAN], [4]])
    np.testing.assert_array_equal(made.evolved_means(), [2, 5, NAN])
    np.testing.assert_array_equal(made.reference_means(), [2, NAN, 4])


def test_generations_may_differ_in_size():
    made = history([[1, 3], [4, 5, 6]], [[2], [2]])
    np.testing.assert_array_equal(made.evolved_means(), [2, 5])


def test_shared_drift_leaves_no_trace(rng):
    evolved, references = rng.normal(size=(6, 4)), 20 + 9 * rng.normal(size=3)
    drift = np.cumsum(rng.normal(size=(6, 1)), axis=0)
    still = history(evolved, np.broadcast_to(references, (6, 3)))
    drifting = history(evolved + drift, references + drift)
    # Up to a constant: the drift counts from its own mean.
    assert drifting.corrected_means() == pytest.approx(still.corrected_means() + drift.mean())


def test_without_drift_nothing_is_corrected():
    made = history([[1], [2], [3]], [[5, 50]] * 3)
    np.testing.assert_array_equal(made.corrected_means(), [1, 2, 3])


def test_a_missing_reference_is_not_drift():
    made = history([[1], [2], [3]], [[5, 50], [5, NAN], [NAN, 50]])
    np.testing.assert_array_equal(made.corrected_means(), [1, 2, 3])


def test_nothing_valid_is_nan():
    made = history([[1], [NAN], [3]], [[5, NAN], [5, NAN], [NAN, NAN]])
    np.testing.assert_array_equal(made.corrected_means(), [1, NAN, NAN])
