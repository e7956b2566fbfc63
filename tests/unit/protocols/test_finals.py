import math
from functools import partial

import numpy as np
import pytest

from signseg_protocols.estimates import mean_of
from signseg_rig.testing.protocols import Animal, drive


def cells_of(driven) -> list[dict[str, str | float]]:
    result = driven.result
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def test_the_best_images_are_shown_again_after_they_were_chosen(make_evolution, thread_table):
    make = partial(
        make_evolution,
        n_generations=8,
        n_final_showings=6,
        threads=[thread_table(), thread_table("other")],
    )
    driven = drive(make, Animal())
    assert make().n_blocks == len(driven.batches) == 9
    last = driven.batches[-1]
    assert last.n_showings == 6
    told = {(item.thread, item.generation): item.scores for item in driven.told}
    for thread in ("face", "other"):
        own = {key: scores for key, scores in told.items() if key[0] == thread}
        best = max(own, key=lambda key: own[key].max())
        places = [(one.generation, one.index) for one in last.stimuli if one.thread == thread]
        assert places == [(0, own[thread, 0].argmax()), (best[1], own[best].argmax())]
        shown = next(one for one in last.stimuli if one.generation == best[1])
        assert any(
            shown.content_sha256() == one.content_sha256()
            for one in driven.batches[best[1]].stimuli
        )
    assert [one.role for one in last.stimuli].count("reference") == 3


def test_final_scores_are_means_of_final_showings(make_evolution):
    driven = drive(
        partial(make_evolution, n_generations=8, n_final_showings=6), Animal(noise_hz=4.0)
    )
    (cells,) = cells_of(driven)
    last, responses = driven.batches[-1], driven.responses[-1]
    scores = (responses.evoked_hz - responses.baseline_hz)[:, 0]
    means = [scores[responses.stimulus_index == place].mean() for place in range(len(last.stimuli))]
    assert [cells["first_best_final"], cells["best_final"]] == pytest.approx(means[:2])
    assert cells["references_final"] == pytest.approx(np.mean(means[2:]))
    own = scores[responses.stimulus_index == 1]
    half = 2.5706 * own.std(ddof=1) / np.sqrt(6)
    assert cells["best_final_high"] - cells["best_final"] == pytest.approx(half, rel=1e-4)


def test_final_showings_are_unbiased_where_the_score_of_the_choice_is_not(make_evolution):
    """Noise of 20 spikes/s in single showings: the best of 48 scores is mostly luck."""
    chosen, final = [], []
    for seed in range(6):
        animal = Animal(seed, noise_hz=20.0)
        flat = partial(make_evolution, n_generations=6, n_final_showings=20)
        (cells,) = cells_of(drive(flat, animal))
        chosen.append(cells["best_when_chosen"])
        final.append(cells["best_final"])
    assert np.mean(chosen) - np.mean(final) > 20


def test_a_best_image_of_the_first_generation_is_shown_once(make_evolution):
    driven = drive(partial(make_evolution, n_generations=1, n_final_showings=2), Animal())
    assert len(driven.batches[-1].stimuli) == 1 + 3
    (cells,) = cells_of(driven)
    assert cells["best_final"] == cells["first_best_final"]
    assert math.isnan(cells["best_final_low"])


def test_without_a_valid_presentation_there_is_no_best_image(make_evolution):
    driven = drive(
        partial(make_evolution, n_generations=2, n_final_showings=2), Animal(invalid_fraction=1.0)
    )
    assert {one.role for one in driven.batches[-1].stimuli} == {"reference"}
    (cells,) = cells_of(driven)
    assert all(math.isnan(cells[name]) for name in ("best_final", "references_final"))
    assert cells["verdict"].startswith("cannot tell")


def test_a_mean_of_few_values_has_no_interval():
    assert math.isnan(mean_of(np.ones(4)).low)
    assert mean_of(np.arange(5.0)).low == pytest.approx(2 - 2.7764 * np.sqrt(2.5 / 5), abs=1e-3)
    assert math.isnan(mean_of(np.empty(0)).value)
