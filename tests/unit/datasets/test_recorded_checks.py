"""Every problem of a data set is found, told with its numbers, and none is invented."""

import numpy as np
import pytest

from signseg_rig.datasets import (
    DataProblem,
    check_recorded,
    from_arrays,
    open_images,
    prepare_for_fit,
)
from signseg_rig.datasets.problems import listed
from signseg_rig.errors import DataSetError, RigError
from signseg_rig.neurons import gate_channels, split_half_reliability


def messages(data, *, is_error: bool) -> list[str]:
    return [item.message for item in check_recorded(data) if item.is_error == is_error]


def test_good_data_have_no_problems(recorded):
    assert check_recorded(recorded()) == []
    data, warnings = prepare_for_fit(recorded())
    assert data.unit_ids == ("u0", "u1", "u2")
    assert warnings == ()


@pytest.mark.parametrize(("n_repeated", "n_told"), [(0, 0), (1, 1), (9, 1), (10, 0), (12, 0)])
def test_units_with_repeats_of_few_images_are_told(n_repeated, n_told):
    rng = np.random.default_rng(0)
    rates = rng.uniform(0, 50, (2, 12, 3))
    rates[1, n_repeated:, 1:] = np.nan
    images = rng.integers(0, 256, (12, 4, 4, 3), dtype=np.uint8)
    data = from_arrays(rates, open_images(dict(zip("abcdefghijkl", images, strict=True))))
    told = messages(data, is_error=False)
    assert len(told) == n_told
    assert all("1 of 2 units have repeats of fewer than 10 images: '1'." in one for one in told)
    # The same number as the one that the reliability goes by.
    assert np.isnan(split_half_reliability(rates)).tolist() == [False, n_repeated < 10]


def test_missing_trials_are_no_problem(recorded, rates):
    rates[1, 2, 1] = np.nan
    assert check_recorded(recorded(rates_hz=rates)) == []


def set_rates(place, value):
    def change(values):
        values["rates_hz"][place] = value

    return change


ERRORS = {
    "more responses than images": (
        lambda values: values.update(images=values["images"].select([0, 1, 2])),
        "1 of 4 image ids have no image in memory: 'd.png'; it has 'a.png', 'b.png', 'c.png'.",
    ),
    "more images than responses": (
        lambda values: values.update(
            rates_hz=values["rates_hz"][:, :3], image_ids=values["image_ids"][:3]
        ),
        "There are 4 images in memory, but 3 images with responses",
    ),
    "more ids than responses": (
        lambda values: values.update(rates_hz=values["rates_hz"][:, :3]),
        "There are 4 image ids, but responses of shape (3, 3, 2) (units, images, repeats) hold 3",
    ),
    "more units than ids": (
        lambda values: values.update(unit_ids=("u0", "u1")),
        "There are 2 unit ids, but responses of shape (3, 4, 2)",
    ),
    "another order": (
        lambda values: values.update(images=values["images"].select([1, 0, 2, 3])),
        "The images are in another order than their ids",
    ),
    "an image id twice": (
        lambda values: values.update(image_ids=("a.png", "b.png", "a.png", "d.png")),
        "1 image ids occur more than once: 'a.png'",
    ),
    "a unit id twice": (
        lambda values: values.update(unit_ids=("u0", "u0", "u2")),
        "1 unit ids occur more than once: 'u0'",
    ),
    "one image": (
        lambda values: values.update(
            rates_hz=values["rates_hz"][:, :1],
            image_ids=values["image_ids"][:1],
            images=values["images"].select([0]),
        ),
        "There are responses to 1 images; a fit needs at least 2.",
    ),
    "no units": (
        lambda values: values.update(rates_hz=values["rates_hz"][:0], unit_ids=()),
        "There are responses of no units",
    ),
    "an infinite rate": (set_rates((1, 2, 0), np.inf), "1 rates are infinite, of units 'u1'"),
    "an infinite baseline": (
        lambda values: values.update(baseline_hz=np.full((3, 4, 2), -np.inf)),
        "24 baseline rates are infinite, of units 'u0', 'u1', 'u2'",
    ),
    "an image without trials": (
        set_rates((slice(None), 2), np.nan),
        "1 of 4 images have no trial at all: 'c.png'",
    ),
    "an image without trials in one unit": (
        set_rates((1, 2), np.nan),
        "1 of 12 pairs of unit and image have no trial, of units 'u1'",
    ),
    "an image that is none": (
        lambda values: values.update(
            images=open_images(dict.fromkeys(values["image_ids"], np.zeros((2, 2))))
        ),
        "4 of 4 images in memory cannot be used:\na.png: holds float64",
    ),
    "what the reader found": (
        lambda values: values.update(reader_problems=(DataProblem("The file is torn."),)),
        "The file is torn.",
    ),
}


@pytest.fixture
def changed(recorded, images, rates):
    def make(*changes):
        values = {
            "rates_hz": rates,
            "image_ids": images.ids,
            "unit_ids": ("u0", "u1", "u2"),
            "images": images,
        }
        for change in changes:
            change(values)
        return recorded(**values)

    return make


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_is_told_and_stops_the_fit(changed, name):
    change, expected = ERRORS[name]
    data = changed(change)
    (message,) = messages(data, is_error=True)
    assert message.startswith(expected)
    with pytest.raises(DataSetError) as caught:
        prepare_for_fit(data)
    assert message in str(caught.value)
    assert isinstance(caught.value, RigError)


def test_one_report_tells_all_errors(changed):
    names = ["an infinite rate", "a unit id twice", "another order", "what the reader found"]
    data = changed(*(ERRORS[name][0] for name in names))
    with pytest.raises(DataSetError) as caught:
        prepare_for_fit(data)
    report = str(caught.value)
    assert "(4 errors, 0 warnings)" in report
    assert all(ERRORS[name][1] in report or name == "an infinite rate" for name in names)
    assert report.count("\n- ") == 4


@pytest.mark.parametrize("rate_hz", [0.0, 3.3])
def test_a_constant_neuron_is_named_and_left_out(changed, rate_hz):
    def constant_with_unequal_repeats(values):
        values["rates_hz"][1] = rate_hz
        values["rates_hz"] = np.concatenate([values["rates_hz"]] * 2, axis=2)
        values["rates_hz"][:, 2, 3:] = np.nan

    data = changed(constant_with_unequal_repeats)
    (problem,) = check_recorded(data)
    assert not problem.is_error
    assert "1 of 3 units have the same mean rate for all images: 'u1'" in problem.message
    fitted, warnings = prepare_for_fit(data)
    assert fitted.unit_ids == ("u0", "u2")
    assert warnings == (problem,)


def test_nothing_is_left_of_constant_neurons(changed):
    data = changed(set_rates(..., 2.0))
    with pytest.raises(DataSetError, match="None of the 3 units"):
        prepare_for_fit(data)


def test_negative_rates_are_a_warning(changed):
    data = changed(set_rates((0, 1, 1), -0.5))
    assert messages(data, is_error=True) == []
    (message,) = messages(data, is_error=False)
    assert message.startswith("1 rates are negative, of units 'u0'")


@pytest.mark.parametrize("n_pairs", [0, 1, 2])
def test_units_that_fail_the_gate_for_want_of_a_baseline_are_told(recorded, rates, n_pairs):
    baseline = rates / 2
    baseline[1] = np.nan
    baseline[1].flat[:n_pairs] = 1.0
    data = recorded(baseline_hz=baseline)
    assert np.isnan(gate_channels(rates, baseline).p_evoked).tolist() == [False, n_pairs < 2, False]
    assert messages(data, is_error=True) == []
    warnings = messages(data, is_error=False)
    assert len(warnings) == (n_pairs < 2)
    for message in warnings:
        assert message.startswith(
            "1 of 3 units have fewer than 2 trials with a baseline rate: 'u1'. The gate"
        )


def test_without_repeats_a_baseline_is_not_asked_for(recorded, rates):
    once = rates[..., :1]
    assert check_recorded(recorded(rates_hz=once, baseline_hz=np.full_like(once, np.nan))) == []


def test_errors_come_before_warnings(changed):
    warning = DataProblem("Beware.", is_error=False)
    data = changed(
        lambda values: values.update(reader_problems=(warning,)), ERRORS["an infinite rate"][0]
    )
    assert [item.is_error for item in check_recorded(data)] == [True, False]


def test_lists_are_cut_with_a_count():
    assert listed(range(3)) == "0, 1, 2"
    assert listed(range(12)) == "0, 1, 2, 3, 4, and 7 more"
