"""What a spike sorter's user called noise, and what is said of leaving it out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from signseg_rig.datasets.names import as_names
from signseg_rig.datasets.problems import DataProblem, listed

NOISE = "noise"
# Of phy (cluster_group.tsv, cluster_info.tsv), of Kilosort as neo calls it, and of NWB files.
LABEL_COLUMNS = ("group", "quality", "label", "cluster_group")


def is_noise(label: object) -> bool:
    """Check whether a label says that a cluster is no neuron; 'mua' and 'unsorted' say no such."""
    (text,) = as_names([label])
    return text.strip().lower() == NOISE


def noise_left_out(unit_ids: Sequence[str], path: Path) -> list[DataProblem]:
    """Return a warning that says which clusters are left out, or nothing."""
    if not unit_ids:
        return []
    return [
        DataProblem(
            f"{len(unit_ids)} clusters of {path} that the sorting calls noise are left out: "
            f"{listed(unit_ids)}.",
            is_error=False,
        )
    ]
