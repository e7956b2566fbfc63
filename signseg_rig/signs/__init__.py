"""The signs of weights: how mixed they are, and what is left without those of one sign.

Pure array computations, the same for a network's readout, its hidden layers and neuron models.
"""

from signseg_rig.signs.ablation import (
    AblatedWeights,
    GradedAblation,
    Scope,
    Sign,
    ablate,
    both_signs,
)
from signseg_rig.signs.controls import Match, matched_random
from signseg_rig.signs.dale import dale_index, zero_fraction

__all__ = [
    "AblatedWeights",
    "GradedAblation",
    "Match",
    "Scope",
    "Sign",
    "ablate",
    "both_signs",
    "dale_index",
    "matched_random",
    "zero_fraction",
]
