"""Preferred images of model neurons, under the name that other people's code imports."""

from signseg_rig.search import Evolution, Search, evolve, evolve_together

__all__ = ["Evolution", "Search", "evolve", "evolve_together"]
