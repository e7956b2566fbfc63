import numpy as np
import pytest

from signseg_rig.datasets import open_images
from signseg_rig.errors import DataSetError


def test_counts_and_means_over_the_trials_that_there_are(recorded, rates):
    rates[0, 1] = [3.0, np.nan]
    rates[2, 3] = np.nan
    data = recorded(rates_hz=rates)
    assert (data.n_units, data.n_images, data.n_repeats) == (3, 4, 2)
    expected = [
        [np.mean([rate for rate in image if not np.isnan(rate)] or [np.nan]) for image in unit]
        for unit in rates
    ]
    np.testing.assert_allclose(data.mean_rates_hz, expected)
    assert data.mean_rates_hz[0, 1] == 3.0


@pytest.mark.parametrize(
    ("units", "chosen"),
    [
        (["u2", "u0"], ["b.png", "d.png", "a.png"]),
        ([2, 0], [1, 3, 0]),
        (np.array([2, 0]), np.array([1, 3, 0])),
    ],
)
def test_select_keeps_rates_ids_and_images_together(recorded, rates, pixels, units, chosen):
    data = recorded(baseline_hz=rates / 2).select(units, chosen)
    assert data.unit_ids == ("u2", "u0")
    assert data.image_ids == data.images.ids == ("b.png", "d.png", "a.png")
    np.testing.assert_array_equal(data.rates_hz, rates[[2, 0]][:, [1, 3, 0]])
    np.testing.assert_array_equal(data.baseline_hz, data.rates_hz / 2)
    for name, image in zip(data.image_ids, data.images.read(), strict=True):
        np.testing.assert_array_equal(image, pixels[name])


def test_select_by_mask_and_nothing(recorded):
    assert recorded().select(units=np.array([True, False, True])).unit_ids == ("u0", "u2")
    assert recorded().select(units=[]).n_units == 0


def test_select_refuses_what_is_not_there(recorded):
    with pytest.raises(DataSetError, match=r"no unit 'x', 'y'; it has 'u0', 'u1', 'u2'"):
        recorded().select(units=["u0", "x", "y"])
    with pytest.raises(DataSetError, match="4 images, at the positions 0 to 3"):
        recorded().select(images=[4])


def test_select_puts_images_in_the_order_of_their_ids(recorded, images):
    data = recorded(images=images.select([3, 2, 1, 0])).select()
    assert data.images.ids == data.image_ids


def test_rates_need_three_axes(recorded, rates):
    with pytest.raises(DataSetError, match=r"got the shape \(3, 4\)"):
        recorded(rates_hz=rates[..., 0])
    with pytest.raises(DataSetError, match=r"the rates, \(3, 4, 2\); got \(3, 4, 1\)"):
        recorded(baseline_hz=rates[..., :1])


def test_images_may_be_given_without_suffix():
    images = open_images({"x/a.png": np.zeros((2, 2), np.uint8)})
    assert images.find("a") == images.find("x/a.png") == 0
    assert images.find("a.png") is None
