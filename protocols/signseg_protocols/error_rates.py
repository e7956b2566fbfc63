"""How often an evolution's verdict is wrong: ``python -m signseg_protocols.error_rates``.

Simulates runs whose truth is known, and prints how often each verdict was given. A share of "rose"
above 0.05 and two binomial errors, in a row without a rise, is a fault.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from signseg_protocols.evolution import EvolutionSettings
from signseg_protocols.history import History
from signseg_protocols.summary import summarize
from signseg_rig.seeds import named_rng
from signseg_rig.values import FloatArray, IntArray

EVOKED_S, BASELINE_S = 0.15, 0.045
N_BLOCKS, N_EVOLVED, N_REFERENCES = 30, 40, 10
# Of the rates of images around their mean.
SPREAD = 0.3

Drift = Literal["either", "up", "down", "wave", "walk", "jump"]


@dataclass(frozen=True)
class Scenario:
    """What a simulated neuron does.

    Parameters
    ----------
    evolved_hz, references_hz : float, in spikes per second
        Mean response above baseline; below 0 where images suppress the neuron.
    gain : float
        Rates are multiplied by exp(gain x), where x goes from -1 to 1 over the run ("up"), back
        ("down"), either way by chance, as a sine of 50 blocks whose phase is chance ("wave"), as a
        random walk of a standard deviation of 1 at its end ("walk"), or from -1 to 1 or back at a
        block of the middle two thirds ("jump").
    sum_hz : float, in spikes per second
        ``sum_hz * x`` is added to all rates.
    drift : str
    gains_of_evolved : bool
        Whether the gain multiplies the evolved images' responses too.
    habituation : float
        Responses to references fade by ``exp(-habituation)`` over the run.
    rise : float
        What the evolved images' response is multiplied by over the run, in equal steps.
    fano : float
        Variance of a spike count over its mean; 1 are Poisson counts.
    """

    evolved_hz: float = 15.0
    references_hz: float = 15.0
    gain: float = 0.0
    sum_hz: float = 0.0
    drift: Drift = "either"
    gains_of_evolved: bool = True
    habituation: float = 0.0
    rise: float = 1.0
    baseline_hz: float = 5.0
    fano: float = 1.0


WITHOUT_RISE = {
    "no response, references 30 Hz fade by exp(-+0.3)": Scenario(0, 30, 0.3, drift="down"),
    "no response, references 30 Hz, gain exp(+-0.3)": Scenario(0, 30, 0.3),
    "suppressed by 4 Hz, references 30 Hz, gain fades": Scenario(-4, 30, 0.3, drift="down"),
    "suppressed by 4 Hz, only the references fade": Scenario(
        -4, 30, 0.3, drift="down", gains_of_evolved=False
    ),
    "evolved 15 Hz, references 5 Hz, gain grows": Scenario(15, 5, 0.3, drift="up"),
    "evolved 30 Hz, references 1 Hz, gain grows": Scenario(30, 1, 0.3, drift="up"),
    "evolved 30 Hz, references 1 Hz, gain grows by 0.6": Scenario(30, 1, 0.6, drift="up"),
    "references habituate by exp(-0.3)": Scenario(habituation=0.3),
    "references habituate by exp(-1)": Scenario(habituation=1.0),
    "evolved 15 Hz, references 15 Hz, gain walks by 0.5": Scenario(gain=0.5, drift="walk"),
    "evolved 30 Hz, references 5 Hz, gain walks by 0.5": Scenario(30, 5, 0.5, drift="walk"),
    "evolved 15 Hz, references 15 Hz, gain jumps by exp(0.4)": Scenario(gain=0.2, drift="jump"),
    "evolved 30 Hz, references 1 Hz, gain jumps by exp(0.7)": Scenario(30, 1, 0.35, drift="jump"),
    "evolved 15 Hz, references 5 Hz, gain walks, Fano factor 3": Scenario(
        15, 5, 0.3, drift="walk", fano=3.0
    ),
    "evolved 2 Hz, references 2 Hz, gain walks by 0.3": Scenario(2, 2, 0.3, drift="walk"),
} | {
    f"evolved {evolved} Hz, references {references} Hz, {what} {size:g}": Scenario(
        evolved,
        references,
        gain=size if what == "gain" else 0.0,
        sum_hz=15 * size if what == "sum" else 0.0,
    )
    for evolved, references in ((15, 15), (60, 20))
    for what in ("gain", "sum")
    for size in (0.0, 0.1, 0.3, 0.6)
}
TWICE = Scenario(rise=2.0)
WITH_RISE = {
    "to twice": TWICE,
    "to twice, gain exp(+-0.1)": replace(TWICE, gain=0.1),
    "to twice, gain grows by exp(+-0.3)": replace(TWICE, gain=0.3, drift="up"),
    "to twice, gain exp(+-0.3), wave": replace(TWICE, gain=0.3, drift="wave"),
    "to twice, gain fades by exp(-+0.3)": replace(TWICE, gain=0.3, drift="down"),
    "to twice, sum +-4.5 Hz": replace(TWICE, sum_hz=4.5),
    "to twice, no baseline": replace(TWICE, baseline_hz=0.0),
    "to twice, gain walks by 0.3, Fano factor 2": replace(TWICE, gain=0.3, drift="walk", fano=2.0),
    "from 1 to 30 Hz, references 1 Hz": Scenario(1, 1, rise=30.0),
}


def simulate(
    scenario: Scenario, n_runs: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Draw the scores of runs: Poisson counts, evoked less baseline rate.

    Returns
    -------
    evolved : (n_runs, n_blocks, n_evolved) float array
    references : (n_runs, n_blocks, n_references) float array
    """
    x = _course(scenario.drift, n_runs, rng)[..., None]
    gain = np.exp(scenario.gain * x)
    done = np.linspace(0, 1, N_BLOCKS)[:, None]
    shape = (n_runs, N_BLOCKS, N_EVOLVED)
    evolved_hz = scenario.evolved_hz * (1 + (scenario.rise - 1) * done) * _spread(shape, rng)
    references_hz = scenario.references_hz * _spread((n_runs, 1, N_REFERENCES), rng)
    references_hz = references_hz * np.exp(-scenario.habituation * done)

    def scores(rates_hz: FloatArray) -> FloatArray:
        spikes_hz = np.maximum(scenario.baseline_hz + rates_hz + scenario.sum_hz * x, 0)
        baseline = _counts(
            np.full(rates_hz.shape, scenario.baseline_hz * BASELINE_S), scenario.fano, rng
        )
        return _counts(spikes_hz * EVOKED_S, scenario.fano, rng) / EVOKED_S - baseline / BASELINE_S

    evolved_gain = gain if scenario.gains_of_evolved else 1.0
    return scores(evolved_gain * evolved_hz), scores(gain * references_hz)


def verdicts(
    scenario: Scenario, n_runs: int, *, n_tested: int, rng: np.random.Generator
) -> Counter[str]:
    """Count the verdicts on simulated runs, without the reasons."""
    counts: Counter[str] = Counter()
    for evolved, references in zip(*simulate(scenario, n_runs, rng), strict=True):
        result = summarize(
            {"thread": History([*evolved], [*references])},
            n_tested=n_tested,
            rng=lambda _name: rng,
        )
        verdict = str(result.rows[0][result.columns.index("verdict")])
        counts[verdict.partition(":")[0]] += 1
    return counts


def _counts(mean: FloatArray, fano: float, rng: np.random.Generator) -> IntArray:
    """Draw Poisson counts, or negative binomial ones of a larger variance."""
    if fano == 1:
        return rng.poisson(mean)
    # A gamma distribution has no shape of 0.
    return rng.poisson(rng.gamma(np.maximum(mean, 1e-9) / (fano - 1), fano - 1))


def _course(drift: Drift, n_runs: int, rng: np.random.Generator) -> FloatArray:
    if drift == "walk":
        steps = rng.normal(0, 1 / np.sqrt(N_BLOCKS), (n_runs, N_BLOCKS))
        return np.asarray(np.cumsum(steps, axis=1))
    if drift == "wave":
        cycles = np.arange(N_BLOCKS) / 50 + rng.random((n_runs, 1))
        return np.asarray(np.sin(2 * np.pi * cycles))
    signs = {"up": 1.0, "down": -1.0}.get(drift) or rng.choice([-1.0, 1.0], (n_runs, 1))
    if drift == "jump":
        first = rng.integers(N_BLOCKS // 6, N_BLOCKS - N_BLOCKS // 6, (n_runs, 1))
        return np.asarray(np.where(np.arange(N_BLOCKS) < first, -signs, signs))
    return np.asarray(signs * np.linspace(-1, 1, N_BLOCKS) * np.ones((n_runs, 1)))


def _spread(shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    return rng.uniform(1 - SPREAD, 1 + SPREAD, shape)


def main() -> None:
    """Print the shares of each verdict, scenario by scenario."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300, help="simulated runs a row")
    default = EvolutionSettings.model_fields["n_tested_blocks"].default
    parser.add_argument("--tested", type=int, default=default, help="blocks on either side")
    arguments = parser.parse_args()
    said = ("rose", "did not rise", "cannot tell")
    print(f"{'':60}" + "".join(f"{one:>14}" for one in said))  # noqa: T201 - this is a program
    for scenarios in (WITHOUT_RISE, WITH_RISE):
        for name, scenario in scenarios.items():
            counts = verdicts(
                scenario,
                arguments.runs,
                n_tested=arguments.tested,
                rng=named_rng(0, "error rates", name),
            )
            shares = "".join(f"{counts[one] / arguments.runs:14.3f}" for one in said)
            print(f"{name:60}{shares}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
