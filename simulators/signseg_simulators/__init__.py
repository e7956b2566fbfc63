"""Simulated neurons, and a simulated animal that has them."""
