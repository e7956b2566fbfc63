"""How often `compare_choices` finds a difference between signs, of simulated neurons.

    python -m signseg_rig.bench.choice_error_rates [N_SESSIONS]

Prints for each kind of neuron the share of p <= 0.05, the mean difference of positive and negative
removed, and how often its 95 % interval covers the mean of all sessions; then the same over 3, 5
and 7 sessions. It takes some minutes; the Notes of `compare_choices` have what came out.
"""

from __future__ import annotations

import sys

import numpy as np

from signseg_rig.neurons import (
    Choices,
    ChoiceTest,
    ablated_choices,
    compare_choices,
    cross_validate_pls,
)
from signseg_rig.values import FloatArray

N_IMAGES, N_FEATURES, N_UNITS = 240, 60, 20
N_COMPARED = 7  # of each strength; positive with negative, equal share, comes first
NOISE = 0.7  # of the SD of what the features drive
KINDS = (
    *("signed", "signed, shared tuning", "rectified", "rectified, no rate below 0", "split"),
    *("split, no rate below 0", "uniform", "planted"),
)


def simulate(kind: str, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Return features (n_images, n_features) and responses (n_images, n_units)."""
    signed = rng.standard_normal((N_IMAGES, N_FEATURES))
    weights = rng.standard_normal((N_UNITS, N_FEATURES))
    positive = np.maximum(signed, 0)
    features_of, _, ending = kind.partition(", ")
    features, driving = {
        "split": (np.concatenate([positive, np.maximum(-signed, 0)], axis=1), signed),
        "rectified": (positive, positive),
        "planted": (positive, positive),
        "uniform": (rng.random((N_IMAGES, N_FEATURES)),) * 2,
    }.get(features_of, (signed, signed))
    if ending == "shared tuning":
        weights = rng.standard_normal((N_UNITS, 3)) @ rng.standard_normal((3, N_FEATURES))
    if kind == "planted":  # a third of the inputs excite, strongly; the others inhibit
        signs = np.where(np.arange(N_FEATURES) < N_FEATURES // 3, 1.0, -0.5)
        weights = rng.permuted(signs * rng.gamma(1, 1, weights.shape), axis=1)
    driven = driving @ weights.T
    driven /= driven.std(axis=0)
    responses = driven + NOISE * rng.standard_normal(driven.shape)
    return features, np.maximum(responses, 0) if ending == "no rate below 0" else responses


def choose(kind: str, number: int) -> Choices:
    """Let the models of one simulated session choose."""
    features, responses = simulate(kind, np.random.default_rng([number, KINDS.index(kind)]))
    validation = cross_validate_pls(features, responses, n_components=(3, 8), n_folds=5)
    counts = validation.r >= 0.5
    return ablated_choices(
        features, responses[:, counts], validation.of_units(counts), n_draws=1, seed=number
    )


def describe(tests: list[ChoiceTest]) -> str:
    """Return rates over many tests of the same."""
    mean = np.mean([test.difference for test in tests])
    significant = np.mean([test.p_value <= 0.05 for test in tests])
    covered = np.mean([test.low <= mean <= test.high for test in tests])
    return f"n {len(tests):4}  p <= .05 {significant:.3f}  mean {mean:+.3f}  covered {covered:.3f}"


def main(n_sessions: int) -> None:
    """Simulate sessions of each kind, and print what is found in them."""
    for kind in KINDS:
        sessions = [choose(kind, number) for number in range(n_sessions)]
        _print(kind, 1, [compare_choices({"": one})[0] for one in sessions])
        for n in (3, 5, 7):
            firsts = range(0, n_sessions - n + 1, n)
            groups = [dict(enumerate(sessions[first : first + n])) for first in firsts]
            named = [{str(name): one for name, one in group.items()} for group in groups]
            _print(kind, n, [compare_choices(group)[-N_COMPARED] for group in named])


def _print(kind: str, n_together: int, tests: list[ChoiceTest]) -> None:
    sys.stdout.write(f"{kind:26} sessions together {n_together}  {describe(tests)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
