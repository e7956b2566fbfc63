"""Preferred images of model neurons: evolutions in one process, and sweeps of many."""

from signseg_rig.visualization.evolution import Evolution, Search, evolve, evolve_together

__all__ = ["Evolution", "Search", "evolve", "evolve_together"]
