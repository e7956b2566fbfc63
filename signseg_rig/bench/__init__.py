"""Benchmarks: each measures one figure that a rig depends on, beside its limit."""
