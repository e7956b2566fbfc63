import numpy as np
import pytest

from signseg_rig.stats import adjust_fdr


def textbook_fdr(p_values):
    """Benjamini & Hochberg's q: the least p_j m / j over all at least as large."""
    ordered = sorted(p_values)
    n = len(ordered)
    return [
        min(1, *(p * n / rank for rank, p in enumerate(ordered, 1) if p >= own)) for own in p_values
    ]


def test_q_values_are_the_textbooks():
    p_values = np.random.default_rng(0).random(30) ** 2
    assert adjust_fdr(p_values) == pytest.approx(textbook_fdr(p_values))


def test_nan_stays_and_does_not_count():
    q_values = adjust_fdr([[0.01, np.nan], [0.02, 0.03]])
    assert q_values.shape == (2, 2)
    assert np.isnan(q_values[0, 1])
    assert q_values[~np.isnan(q_values)] == pytest.approx(textbook_fdr([0.01, 0.02, 0.03]))
    assert np.isnan(adjust_fdr([np.nan])).all()


def test_no_p_value_lies_outside_its_range():
    with pytest.raises(ValueError, match="between 0 and 1"):
        adjust_fdr([0.5, 1.5])


def test_false_discoveries_are_kept_rare():
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(300):
        p_values = np.concatenate([rng.random(20), rng.random(10) * 1e-4])
        rejected = adjust_fdr(p_values) <= 0.1
        shares.append(rejected[:20].sum() / max(1, rejected.sum()))
    assert np.mean(shares) < 0.1
    assert np.mean(shares) == pytest.approx(0.1 * 20 / 30, abs=0.025)
