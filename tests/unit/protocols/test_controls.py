from functools import partial

import numpy as np
import pytest

from signseg_protocols.controls import THE_SEARCH_DID_IT, measure_lead
from signseg_protocols.evolution import Evolution
from signseg_rig.testing.protocols import Animal, check_protocol, drive, replay, toy_context

N_TESTED = 5


def lead(thread, control, rng):
    return measure_lead(np.array(thread), np.array(control), n_tested=N_TESTED, rng=rng)


def test_a_lead_that_grows_beyond_what_the_control_wanders_is_the_searchs(rng):
    noise = rng.normal(0, 1, (2, 30))
    found = lead(np.linspace(10, 40, 30) + noise[0], 10 + noise[1], rng)
    assert found.verdict == THE_SEARCH_DID_IT
    assert found.change.value == pytest.approx(30 * 25 / 29, abs=3)
    assert found.p_value == pytest.approx(1 / 252)


def test_drift_that_both_share_is_no_lead(rng):
    drift, noise = 20 * np.sin(np.arange(30) / 10), rng.normal(0, 1, (2, 30))
    assert lead(drift + noise[0], drift + noise[1], rng).verdict.startswith("not shown: its lead")


def test_a_lead_no_larger_than_the_control_wanders_is_not_shown(rng):
    walk = np.concatenate([np.zeros(10), np.linspace(0, 10, 10), np.zeros(10)])
    found = lead(np.linspace(0, 12, 30), walk, rng)
    assert found.p_value < 0.01
    assert found.wander > 7
    assert "the control alone wandered" in found.verdict


@pytest.mark.parametrize("step", [0.0, 0.2, 1.0])
def test_two_walks_without_information_are_seldom_told_apart(rng, step):
    """By the permutation test alone it would be 5, 15 and 35 %."""
    n_runs = 150
    walks = rng.normal(0, step, (n_runs, 2, 30)).cumsum(axis=-1) + rng.normal(0, 1, (n_runs, 2, 30))
    n_found = sum(lead(*pair, rng).verdict == THE_SEARCH_DID_IT for pair in walks)
    # 5 % and 3.5 standard errors.
    assert n_found / n_runs <= 0.11


def test_a_control_differs_from_its_thread_in_what_it_learns_alone(make_evolution, thread_table):
    threads = [thread_table(control="shuffled_scores"), thread_table("other")]
    driven = drive(partial(make_evolution, n_generations=12, threads=threads), Animal(noise_hz=0.5))
    result = driven.result
    assert [row[0] for row in result.rows] == ["face", "other", "face-control"]
    search = result.columns.index("search")
    assert [row[search] for row in result.rows] == [
        THE_SEARCH_DID_IT,
        "cannot tell: the thread has no control",
        "(the control of face)",
    ]
    rises = [row[result.columns.index("change")] for row in result.rows]
    assert rises[2] < rises[0] / 2
    # The record has the scores of the control's images as they were measured.
    assert {item.thread for item in driven.told} == {"face", "other", "face-control"}


def test_threads_do_not_change_where_a_control_is_added(make_evolution, thread_table):
    def codes(**changes):
        driven = drive(
            partial(make_evolution, threads=[thread_table(**changes)]), Animal(noise_hz=0.0)
        )
        return [
            [one.content_sha256() for one in batch.stimuli if one.thread == "face"]
            for batch in driven.batches
        ]

    assert codes() == codes(control="shuffled_scores")


@pytest.mark.parametrize("n_final_showings", [0, 3])
def test_control_and_final_showings_keep_the_rules_of_protocols(thread_table, n_final_showings):
    table = {
        "n_generations": 7,
        "n_final_showings": n_final_showings,
        "threads": [thread_table(control="shuffled_scores")],
        "references": {"kind": "random_codes", "generator": "toy", "n_codes": 3},
    }
    check_protocol(lambda context: Evolution(Evolution.Config.model_validate(table), context))


def test_a_shuffled_control_is_replayed(make_evolution, thread_table):
    make = partial(make_evolution, threads=[thread_table(control="shuffled_scores")])
    live = drive(make, Animal(5, invalid_fraction=0.2), context=toy_context(5))
    again = drive(make, replay(live.responses), context=toy_context(5))
    assert again.content_sha256s() == live.content_sha256s()


def test_a_thread_may_not_be_named_as_a_control_is(make_evolution, thread_table):
    threads = [thread_table(control="shuffled_scores"), thread_table("face-control")]
    with pytest.raises(ValueError, match="cannot be named 'face-control'"):
        make_evolution(threads=threads)
