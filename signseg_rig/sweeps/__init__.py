"""Sweeps: evolutions of many units, networks and ablations, and what comes of comparing them."""

from signseg_rig.signs import Condition
from signseg_rig.sweeps.comparison import Comparison, Table, is_main
from signseg_rig.sweeps.contrasts import QUESTIONS, Contrast, Question
from signseg_rig.sweeps.measurement import N_REMOVED, Number, SweepImages, is_count, measure_sweep
from signseg_rig.sweeps.over_networks import (
    ContrastOverNetworks,
    TraitCorrelation,
    correlate_traits,
    pool_networks,
)
from signseg_rig.sweeps.pooling import require_poolable, settings_that_differ
from signseg_rig.sweeps.results import Result, ResultFolder, put_aside
from signseg_rig.sweeps.settings import SweepSettings, read_sweep, write_sweep
from signseg_rig.sweeps.study import SweepStudy, study_sweep
from signseg_rig.sweeps.sweep import run_sweep
from signseg_rig.sweeps.tasks import Task, conditions, list_tasks
from signseg_rig.sweeps.tls import TlsFiles
from signseg_rig.sweeps.workers import dask_cluster, local_processes

__all__ = [
    "N_REMOVED",
    "QUESTIONS",
    "Comparison",
    "Condition",
    "Contrast",
    "ContrastOverNetworks",
    "Number",
    "Question",
    "Result",
    "ResultFolder",
    "SweepImages",
    "SweepSettings",
    "SweepStudy",
    "Table",
    "Task",
    "TlsFiles",
    "TraitCorrelation",
    "conditions",
    "correlate_traits",
    "dask_cluster",
    "is_count",
    "is_main",
    "list_tasks",
    "local_processes",
    "measure_sweep",
    "pool_networks",
    "put_aside",
    "read_sweep",
    "require_poolable",
    "run_sweep",
    "settings_that_differ",
    "study_sweep",
    "write_sweep",
]
