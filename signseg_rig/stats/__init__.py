"""Tests and confidence bands that assume little about spike rates."""

from signseg_rig.stats.bootstrap import bootstrap_mean_band
from signseg_rig.stats.correlation import Correlation, pearson_with_ci, spearman_with_ci
from signseg_rig.stats.curves import area_between_curves
from signseg_rig.stats.hierarchical import HierarchicalMean, hierarchical_bootstrap
from signseg_rig.stats.multiple import adjust_fdr
from signseg_rig.stats.paired import PairedTest, paired_test
from signseg_rig.stats.permutation import PermutationTest, permutation_test

__all__ = [
    "Correlation",
    "HierarchicalMean",
    "PairedTest",
    "PermutationTest",
    "adjust_fdr",
    "area_between_curves",
    "bootstrap_mean_band",
    "hierarchical_bootstrap",
    "paired_test",
    "pearson_with_ci",
    "permutation_test",
    "spearman_with_ci",
]
