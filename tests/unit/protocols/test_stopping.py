import numpy as np
import pytest

from signseg_protocols.stopping import PlateauSettings, has_plateaued

SETTINGS = PlateauSettings(min_generations=1, patience_generations=3, smoothing_generations=2)
NAN = np.nan


@pytest.mark.parametrize(
    ("means", "expected"),
    [
        pytest.param([], False, id="nothing yet"),
        pytest.param([5, 4, 3, 2], False, id="too few to tell"),
        pytest.param([5, 4, 3, 2, 1], True, id="falling"),
        pytest.param([1, 2, 3, 4, 5], False, id="rising"),
        pytest.param([0, 0, 0, 0, 0], True, id="silent"),
        pytest.param([0, 9, 9, 9, 9], False, id="rose within patience"),
        pytest.param([0, 9, 9, 9, 9, 9], True, id="rose before patience"),
        pytest.param([5, 5, 1, 8, 1, 1], True, id="one high generation is smoothed away"),
        pytest.param([5, 5, 1, 1, 5, 6], False, id="improved at last"),
        pytest.param([5, NAN, 4, 3, NAN, 2], False, id="too few valid to tell"),
        pytest.param([5, NAN, 4, 3, NAN, 2, 1], True, id="passes over invalid generations"),
    ],
)
def test_plateau(means, expected):
    assert has_plateaued(np.array(means, dtype=float), SETTINGS) is expected


def test_not_before_the_least_number_of_generations():
    means = np.zeros(8)
    patient = SETTINGS.model_copy(update={"min_generations": 9})
    assert has_plateaued(means, SETTINGS)
    assert not has_plateaued(means, patient)
    assert has_plateaued(np.zeros(9), patient)
