"""Tests and confidence intervals that assume little about spike rates, and say what they assume."""

from signseg_rig.stats.attainable import (
    ALPHA,
    smallest_correlation_p,
    smallest_signed_rank_p,
    why_not_significant,
)
from signseg_rig.stats.correlation import Correlation, pearson_with_ci, spearman_with_ci
from signseg_rig.stats.crossed import CrossedMean, crossed_mean
from signseg_rig.stats.curves import differences_at, mean_difference
from signseg_rig.stats.hierarchical import HierarchicalMean, hierarchical_mean
from signseg_rig.stats.intervals import MIN_VALUES, NOT_PRINTED, mean_interval
from signseg_rig.stats.multiple import adjust_fdr
from signseg_rig.stats.paired import PairedTest, paired_test
from signseg_rig.stats.permutation import PermutationTest, permutation_test

__all__ = [
    "ALPHA",
    "MIN_VALUES",
    "NOT_PRINTED",
    "Correlation",
    "CrossedMean",
    "HierarchicalMean",
    "PairedTest",
    "PermutationTest",
    "adjust_fdr",
    "crossed_mean",
    "differences_at",
    "hierarchical_mean",
    "mean_difference",
    "mean_interval",
    "paired_test",
    "pearson_with_ci",
    "permutation_test",
    "smallest_correlation_p",
    "smallest_signed_rank_p",
    "spearman_with_ci",
    "why_not_significant",
]
