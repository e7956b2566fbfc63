"""The signs of weights: how mixed they are, and what is left without those of one sign.

Pure array computations, the same for a network's readout, its hidden layers and neuron models.
"""

from signseg_rig.signs.ablation import AblatedWeights, GradedAblation, Scope, ablate, both_signs
from signseg_rig.signs.conditions import (
    STRENGTHS,
    Condition,
    Control,
    Match,
    Sign,
    list_conditions,
)
from signseg_rig.signs.controls import matched_random
from signseg_rig.signs.dale import dale_index, zero_fraction

__all__ = [
    "STRENGTHS",
    "AblatedWeights",
    "Condition",
    "Control",
    "GradedAblation",
    "Match",
    "Scope",
    "Sign",
    "ablate",
    "both_signs",
    "dale_index",
    "list_conditions",
    "matched_random",
    "zero_fraction",
]
