from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from signseg_protocols.evolution import Evolution
from signseg_rig.interfaces import ProtocolContext
from signseg_rig.testing.protocols import GENERATOR, hill_climber, toy_context

MakeEvolution = Callable[..., Evolution]


@pytest.fixture
def thread_table() -> Callable[..., dict[str, Any]]:
    """Give the table of a thread, as an experiment file would."""

    def table(name: str = "face", **changes: Any) -> dict[str, Any]:
        return {
            "name": name,
            "generator": GENERATOR,
            "optimizer": hill_climber(),
            "score": {"kind": "channel", "unit": "unit_0"},
        } | changes

    return table


@pytest.fixture
def make_evolution(thread_table) -> MakeEvolution:
    """Construct the protocol; keywords change its settings."""

    def make(context: ProtocolContext | None = None, **changes: Any) -> Evolution:
        table = {
            "n_generations": 4,
            "threads": [thread_table()],
            "references": {"kind": "random_codes", "generator": GENERATOR, "n_codes": 3},
        } | changes
        return Evolution(Evolution.Config.model_validate(table), context or toy_context())

    return make


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)
