"""Closed-loop visual neurophysiology with models of signed weights."""

__version__ = "0.1.0"
