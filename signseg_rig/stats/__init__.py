"""Tests and confidence bands that assume little about spike rates."""

from signseg_rig.stats.bootstrap import bootstrap_mean_band
from signseg_rig.stats.permutation import PermutationTest, permutation_test

__all__ = ["PermutationTest", "bootstrap_mean_band", "permutation_test"]
