"""Stimulus protocols; the experiment file chooses one by name."""
