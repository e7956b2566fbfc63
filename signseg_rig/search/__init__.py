"""Preferred images of model neurons: evolutions in one process."""

from signseg_rig.search.evolution import Evolution, Search, evolve, evolve_together

__all__ = [
    "Evolution",
    "Search",
    "evolve",
    "evolve_together",
]
