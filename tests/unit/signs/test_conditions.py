"""Conditions: which there can be, what they are called, and in which order they are listed."""

import itertools
import pickle

import pytest

from signseg_rig.errors import ConfigError
from signseg_rig.signs import Condition, list_conditions

SIGNS = ("positive", "negative")
EVERY = tuple(list_conditions(SIGNS, (0.5, 1.0), (0.5, 0.7), ("both_signs", "number", "magnitude")))


def test_order_is_that_of_a_sweep():
    assert (
        Condition(),
        *itertools.starmap(Condition, itertools.product(SIGNS, (0.5, 1.0))),
        *itertools.starmap(
            Condition, itertools.product(SIGNS, (0.5, 0.7), ("number", "magnitude"))
        ),
        Condition("both", 0.5, "both_signs"),
        Condition("both", 0.7, "both_signs"),
    ) == EVERY


def test_order_follows_what_is_asked_for():
    found = list_conditions(("negative", "positive"), (0.9, 0.1))
    assert [(one.sign, one.strength) for one in found] == [
        ("intact", 0.0),
        ("negative", 0.9),
        ("negative", 0.1),
        ("positive", 0.9),
        ("positive", 0.1),
    ]


@pytest.mark.parametrize("condition", EVERY)
def test_every_condition_is_known_again_by_its_name(condition):
    assert Condition.parse(condition.name, condition.strength) == condition
    assert pickle.loads(pickle.dumps(condition)) == condition


def test_names_tell_conditions_apart():
    names = {one.name for one in EVERY}
    assert names == {
        "intact",
        "positive",
        "negative",
        "both signs",
        *(f"random, {match} of {sign}" for match in ("number", "magnitude") for sign in SIGNS),
    }


def test_a_sign_is_a_name():
    for sign in SIGNS:
        assert Condition.parse(sign, 0.3) == Condition(sign, 0.3)
    assert Condition.parse("both", 0.3) == Condition("both", 0.3, "both_signs")


def test_words_name_the_sources_of_chance_for_good():
    # Other words would draw other controls than those of finished sweeps.
    assert Condition("positive", 0.5, "number").words == ("positive", "0.5", "number")
    assert Condition("negative", 1, "magnitude").words == ("negative", "1.0", "magnitude")
    assert Condition().words == ("intact", "0.0", "")


@pytest.mark.parametrize("condition", EVERY)
def test_random_weights_have_an_ablation_to_match(condition):
    assert condition.is_random == (condition.match in ("number", "magnitude"))
    assert condition.is_intact == (condition == Condition())
    if condition.is_random:
        assert condition.match == condition.control
        assert condition.ablation == Condition(condition.sign, condition.strength)
    else:
        assert condition.match == ""
        assert condition.ablation is condition


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("plus", 0.5), r"sign should be one of \('positive', .*\); got 'plus'\.$"),
        (("positive", 0.5, "size"), r"control should be one of .*; got 'size'\.$"),
        (("positive", 1.5), r"strength should be from 0 to 1; got 1\.5\.$"),
        (("positive", -0.1), "strength should be from 0 to 1"),
        (("negative", float("nan")), r"strength should be from 0 to 1; got nan\.$"),
        (("intact", 0.5), r"nothing is removed; got strength 0\.5 and control ''\. Name the sign"),
        (("intact", 0.0, "number"), "nothing is removed"),
        (("both", 0.5), "sign 'both' with control 'both_signs'; got sign 'both' with control ''"),
        (("both", 0.5, "number"), "removed as a control"),
        (("positive", 0.5, "both_signs"), "got sign 'positive' with control 'both_signs'"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(arguments, message):
    with pytest.raises(ConfigError, match=message):
        Condition(*arguments)


@pytest.mark.parametrize(
    ("name", "strength", "message"),
    [
        ("shuffled", 0.5, r"What was removed should be one of .*; got 'shuffled'\.$"),
        ("number", 0.5, "What was removed"),
        ("positive", 2, "strength should be from 0 to 1; got 2"),
        ("intact", 0.5, "nothing is removed"),
    ],
)
def test_a_name_of_nothing_is_refused(name, strength, message):
    with pytest.raises(ConfigError, match=message):
        Condition.parse(name, strength)
