"""A protocol that gets recorded responses asks again for what it asked for live."""

from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signseg_protocols.evolution import Evolution
from signseg_rig.testing.animal import GENERATOR, UNIT_NAMES, Animal, toy_context
from signseg_rig.testing.protocols import drive, replay


@st.composite
def experiments(draw: st.DrawFn, optimizer: str) -> dict[str, Any]:
    n_threads = draw(st.integers(1, 2))
    table = {"kind": optimizer, "n_codes": draw(st.integers(4, 7))}
    if optimizer == "genetic":
        table["n_conserved"] = 2
    return {
        "n_generations": draw(st.integers(1, 5)),
        "n_showings": draw(st.integers(1, 2)),
        "n_final_showings": draw(st.integers(0, 2)),
        "references": {
            "kind": "random_codes",
            "generator": GENERATOR,
            "n_codes": draw(st.integers(1, 4)),
        },
        "threads": [
            {
                "name": f"thread-{number}",
                "generator": GENERATOR,
                "optimizer": table,
                "score": {"kind": "channel", "unit": UNIT_NAMES[number]},
                "control": draw(st.sampled_from([None, "shuffled_scores"])),
            }
            for number in range(n_threads)
        ],
    }


@pytest.mark.parametrize("optimizer", ["cma_es", "genetic", "random_search"])
@given(data=st.data(), seed=st.integers(0, 2**31), invalid_fraction=st.floats(0, 0.6))
@settings(max_examples=15, deadline=None)
def test_replay_is_live(
    optimizer: str, data: st.DataObject, seed: int, invalid_fraction: float
) -> None:
    config = Evolution.Config.model_validate(data.draw(experiments(optimizer)))
    animal = Animal(seed, invalid_fraction=invalid_fraction)
    make = partial(Evolution, config)
    live = drive(make, animal, context=toy_context(seed))
    again = drive(make, replay(live.responses), context=toy_context(seed))
    assert again.content_sha256s() == live.content_sha256s()
    assert [(one.thread, one.generation, one.scores.tobytes()) for one in again.told] == [
        (one.thread, one.generation, one.scores.tobytes()) for one in live.told
    ]
    assert repr(again.result.rows) == repr(live.result.rows)
