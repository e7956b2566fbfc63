"""Images of a sweep are measured against intact images of other repeats."""

import itertools

import numpy as np
import pytest

from signseg_rig.errors import SweepError
from signseg_rig.interfaces import Metric
from signseg_rig.settings import PluginChoice, Settings
from signseg_rig.sweeps import (
    Condition,
    Result,
    ResultFolder,
    SweepImages,
    list_tasks,
    measure_sweep,
    read_sweep,
)

INTACT = Condition()


class Brightness(Metric):
    """Tells images apart by their brightness, which is the number of their repeat and condition."""

    name = "brightness"
    Config = Settings
    asked: list = []  # noqa: RUF012 - collected by all instances

    def __init__(self, settings):
        self.asked.clear()

    def measure(self, images, reference, context):
        assert len(context.random_images) == 40
        one, other = (tuple(int(image[0, 0, 0]) for image in side) for side in (images, reference))
        self.asked.append((one, other))
        # What only several images have together.
        spread = float(np.ptp(one)) if len(one) > 1 else float("nan")
        return {
            "difference": float(np.mean(one) - np.mean(other)),
            "spread": spread,
            "n_pairs": float(len(one) * len(other)),
            "n_images": float(len(one)),
        }

    def compares(self, value):
        return value in ("difference", "n_pairs")

    def describe(self):
        return {"what": "brightness"}


def result(level, best=1.0, intact=0.5):
    return Result(
        best_code=np.zeros(3),
        best_image=np.full((4, 4, 3), level, dtype=np.uint8),
        scores=np.array([[best - 1, best], [best - 2, best - 0.5]]),
        intact_score=np.array(intact),
        n_removed=np.array(1),
        realized_strength=np.array(0.5),
        removed_magnitude=np.array(2.0),
    )


@pytest.fixture
def settings(sweep_file, monkeypatch):
    sweep_file.write_text(
        sweep_file.read_text()
        .replace("n_repeats = 1", "n_repeats = 3")
        .replace("n_control_draws = 1", "n_control_draws = 3")
        + "\n[metrics.light]\nkind = 'spectra'\n"
    )
    settings = read_sweep(sweep_file)
    monkeypatch.setattr(PluginChoice, "load", load_metric)
    return settings


REAL_LOAD = PluginChoice.load


def load_metric(choice):
    return Brightness if choice.group == "metrics" else REAL_LOAD(choice)


def write_results(settings, *, skip=()):
    """Brightness 1, 2, 3 for the repeats of the intact unit, and 10 more for each condition."""
    folder = ResultFolder(settings.folder)
    places: dict = {}
    for task in list_tasks(settings):
        place = places.setdefault(task.condition, len(places))
        level = 10 * place + task.repeat + 1
        if (task.unit, task.condition, task.repeat) not in skip:
            folder.write(task.key, result(level, best=float(level), intact=-float(level)))
    return list(places)


def values(numbers, unit, measure):
    found: dict = {}
    for one in numbers:
        if (one.unit, one.measure) == (unit, measure):
            found.setdefault(one.condition, []).append((one.repeat, one.value))
    return found


def test_activations_are_those_of_every_evolution(settings):
    conditions = write_results(settings)
    numbers, described = measure_sweep(SweepImages.read(settings), {})
    assert described == {"light": {"what": "brightness"}}
    for measure, sign in (("reached_activation", 1), ("intact_response", -1)):
        found = values(numbers, "wig", measure)
        for place, condition in enumerate(conditions):
            expected = [(repeat, sign * (10 * place + repeat + 1)) for repeat in range(3)]
            assert found[condition] == expected


def test_images_are_compared_with_those_of_other_repeats(settings):
    conditions = write_results(settings)
    numbers, _ = measure_sweep(SweepImages.read(settings), {})
    single = [(own, others) for own, others in Brightness.asked if len(own) == 1]
    pairs = {(own[0], others) for own, others in single}
    others_of = {0: (2, 3), 1: (1, 3), 2: (1, 2)}
    assert pairs == {
        (10 * place + repeat + 1, others_of[repeat])
        for place, repeat in itertools.product(range(len(conditions)), range(3))
    }
    found = values(numbers, "tench", "light.difference")
    for place, condition in enumerate(conditions):
        # Others have a mean of 2.5, 2 and 1.5 where the image has 1, 2 and 3.
        assert found[condition] == [(None, pytest.approx(10 * place))]


def test_a_draw_of_a_control_beyond_the_repeats_meets_all_intact_images(settings):
    more = settings.model_copy(update={"n_control_draws": 4})
    conditions = write_results(more)
    numbers, _ = measure_sweep(SweepImages.read(more), {})
    controls = [one for one in conditions if one.is_random]
    assert controls
    for control in controls:
        first = 10 * conditions.index(control)
        assert ((first + 4,), (1, 2, 3)) in Brightness.asked
        found = values(numbers, "wig", "reached_activation")[control]
        assert found == [(draw, first + draw + 1) for draw in range(4)]
        # Against means of 2.5, 2, 1.5 and 2.
        expected = first + np.mean([1, 2, 3, 4]) - np.mean([2.5, 2, 1.5, 2])
        assert values(numbers, "wig", "light.difference")[control] == [
            (None, pytest.approx(expected))
        ]


def test_what_several_images_have_together_is_measured_on_all_of_them(settings):
    conditions = write_results(settings)
    numbers, _ = measure_sweep(SweepImages.read(settings), {})
    found = values(numbers, "wig", "light.spread")
    assert found == {condition: [(None, 2.0)] for condition in conditions}


def test_a_metric_that_compares_nothing_measures_each_set_once(settings, monkeypatch):
    monkeypatch.setattr(Brightness, "compares", lambda _self, _value: False)
    conditions = write_results(settings)
    measure_sweep(SweepImages.read(settings), {})
    assert len(Brightness.asked) == len(settings.units) * len(conditions)
    assert all(len(images) == settings.n_repeats for images, _ in Brightness.asked)


def test_missing_results_are_left_out(settings):
    ablated = Condition("positive", 0.5)
    skip = {("wig", INTACT, 1), *(("wig", ablated, repeat) for repeat in range(3))}
    write_results(settings, skip=skip)
    images = SweepImages.read(settings)
    assert images.n_missing == 4
    numbers, _ = measure_sweep(images, {})
    assert [repeat for repeat, _ in values(numbers, "wig", "reached_activation")[INTACT]] == [0, 2]
    found = values(numbers, "wig", "light.difference")
    assert ablated not in found
    # Repeats 0 and 2 against the other of the two, repeat 1 of nothing.
    assert found[INTACT] == [(None, pytest.approx(0))]
    assert ablated in values(numbers, "tench", "light.difference")


def test_without_intact_images_a_unit_has_activations_only(settings):
    write_results(settings, skip={("wig", INTACT, repeat) for repeat in range(3)})
    numbers, _ = measure_sweep(SweepImages.read(settings), {})
    assert values(numbers, "wig", "light.difference") == {}
    assert len(values(numbers, "wig", "reached_activation")) == 6


def test_one_repeat_has_no_independent_intact_image_to_compare_with(settings):
    one = settings.model_copy(update={"n_repeats": 1, "n_control_draws": 1})
    conditions = write_results(one)
    images = SweepImages.read(one)
    assert images.units_without_comparison == ("wig", "tench")
    numbers, _ = measure_sweep(images, {})
    # What is measured of images alone is known all the same.
    for name, expected in (("difference", np.nan), ("n_pairs", 0), ("n_images", 1)):
        found = values(numbers, "wig", f"light.{name}")
        assert list(found) == conditions
        for own in found.values():
            assert own == [(None, pytest.approx(expected, nan_ok=True))]


def test_the_only_intact_repeat_is_not_compared_with_itself(settings):
    conditions = write_results(settings, skip={("wig", INTACT, 0), ("wig", INTACT, 2)})
    images = SweepImages.read(settings)
    assert images.units_without_comparison == ("wig",)
    found = values(measure_sweep(images, {})[0], "wig", "light.difference")
    assert np.isnan(found[INTACT][0][1])
    # Repeats 0 and 2, of brightness 1 and 3, against intact repeat 1, of brightness 2.
    assert [found[one][0][1] for one in conditions[1:]] == [
        pytest.approx(10 * place) for place in range(1, len(conditions))
    ]


def test_counts_are_sums_over_images(settings):
    conditions = write_results(settings, skip={("wig", INTACT, 1)})
    numbers, _ = measure_sweep(SweepImages.read(settings), {})
    pairs = values(numbers, "wig", "light.n_pairs")
    assert pairs[INTACT] == [(None, 2)]
    # The image of repeat 1 meets both intact ones, the others meet one each.
    assert pairs[conditions[1]] == [(None, 4)]
    assert values(numbers, "wig", "light.n_images")[conditions[1]] == [(None, 3)]


def test_a_sweep_without_results_says_what_to_run(settings):
    with pytest.raises(SweepError, match=r"no result yet\. Run 'signseg-rig visualize'"):
        SweepImages.read(settings)
    # Those of other settings, or of an earlier version, are none of it and are never mixed in.
    write_results(settings.model_copy(update={"seed": 5}))
    expected = (
        r"no result yet of these settings and this version; 42 of others are left alone\. Run"
    )
    with pytest.raises(SweepError, match=expected):
        SweepImages.read(settings)
