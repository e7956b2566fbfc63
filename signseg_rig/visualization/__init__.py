"""Preferred images of model neurons: evolutions in one process, and sweeps of many."""

from signseg_rig.visualization.comparison import Comparison, Table, is_main
from signseg_rig.visualization.contrasts import QUESTIONS, Contrast, Question
from signseg_rig.visualization.evolution import Evolution, Search, evolve, evolve_together
from signseg_rig.visualization.measurement import (
    N_REMOVED,
    Number,
    SweepImages,
    is_count,
    measure_sweep,
)
from signseg_rig.visualization.over_networks import (
    ContrastOverNetworks,
    TraitCorrelation,
    correlate_traits,
    pool_networks,
)
from signseg_rig.visualization.pooling import require_poolable, settings_that_differ
from signseg_rig.visualization.results import Result, ResultFolder, put_aside
from signseg_rig.visualization.study import SweepStudy, study_sweep
from signseg_rig.visualization.sweep import run_sweep
from signseg_rig.visualization.sweep_settings import SweepSettings, read_sweep, write_sweep
from signseg_rig.visualization.tasks import Condition, Task, conditions, list_tasks
from signseg_rig.visualization.tls import TlsFiles
from signseg_rig.visualization.workers import dask_cluster, local_processes

__all__ = [
    "N_REMOVED",
    "QUESTIONS",
    "Comparison",
    "Condition",
    "Contrast",
    "ContrastOverNetworks",
    "Evolution",
    "Number",
    "Question",
    "Result",
    "ResultFolder",
    "Search",
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
    "evolve",
    "evolve_together",
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
