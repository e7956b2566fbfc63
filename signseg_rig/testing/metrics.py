"""The conformance kit for metrics: third parties run it against their own."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from signseg_rig.interfaces import Metric, MetricContext
from signseg_rig.values import ImageArray

N_IMAGES = 3


def check_metric(metric: Metric, *, size_px: int = 64) -> None:
    """Check that a metric gives a table of numbers that can be made again.

    What it measures is not judged.

    Parameters
    ----------
    metric : Metric
    size_px : int
        Width and height of the images that it is tried on.

    Raises
    ------
    AssertionError
        It does something else; the message says what.
    """
    rng = np.random.default_rng(0)
    images, reference, random_images = (
        rng.integers(0, 256, (N_IMAGES, size_px, size_px, 3), dtype=np.uint8) for _ in range(3)
    )
    context = MetricContext(random_images=random_images)
    values = metric.measure(images, reference, context)
    _check_values(values)
    _check_names(metric, values, images)
    _check_repetition(metric, values, (images, reference, random_images))
    _check_comparisons(metric, images, reference, context)
    _check_description(metric)
    _check_refusals(metric, images, context)


def _check_values(values: dict[str, float]) -> None:
    assert values, "measure gave no values."
    for name, value in values.items():
        assert isinstance(name, str), f"A value should be named by text; got {name!r}."
        assert type(value) is float, (
            f"{name!r} should be a Python float, for it is kept as JSON; it is {value!r}."
        )
        assert not math.isinf(value), f"{name!r} is infinite; NaN says that there is no value."
    assert not all(math.isnan(value) for value in values.values()), "measure gave nothing but NaN."


def _check_names(metric: Metric, values: dict[str, float], images: ImageArray) -> None:
    """Compare with what hardest cases give: one image, without contrast, without random ones."""
    blank = np.full_like(images[:1], 128)
    for what, one in (("one image", images[:1]), ("one blank image", blank)):
        found = metric.measure(one, one, MetricContext())
        assert list(found) == list(values), (
            f"Values for {what} and no random images should have the names of others, in their "
            f"order, with NaN where there is no value; got {list(found)} and {list(values)}."
        )
        _check_numbers(found, what)


def _check_numbers(values: dict[str, float], what: str) -> None:
    for name, value in values.items():
        assert type(value) is float, f"{name!r} for {what} should be a float; it is {value!r}."
        assert not math.isinf(value), f"{name!r} for {what} is infinite."


def _check_repetition(
    metric: Metric, values: dict[str, float], sets: tuple[ImageArray, ImageArray, ImageArray]
) -> None:
    kept = [one.copy() for one in sets]
    before = _global_state()
    again = metric.measure(sets[0], sets[1], MetricContext(random_images=sets[2]))
    assert all(map(np.array_equal, sets, kept)), "measure changes the images that it is given."
    assert _global_state() == before, (
        "measure draws from NumPy's global random numbers; draw from a seed of its settings."
    )
    assert np.array_equal(list(again.values()), list(values.values()), equal_nan=True), (
        "The same images measured something else the second time."
    )


def _check_comparisons(
    metric: Metric, images: ImageArray, reference: ImageArray, context: MetricContext
) -> None:
    """Exchange the images, then the reference: a value that does not compare depends on one."""
    values = metric.measure(images, reference, context)
    of_other_images = metric.measure(255 - images, reference, context)
    of_other_reference = metric.measure(images, 255 - reference, context)
    for name, value in values.items():
        if metric.compares(name):
            continue
        assert any(
            np.isclose(value, other[name], equal_nan=True)
            for other in (of_other_images, of_other_reference)
        ), (
            f"{name!r} depends on the images and on those of the intact unit, and "
            f"compares({name!r}) is False. Let it be True: an image is then never compared with "
            "itself."
        )


def _global_state() -> str:
    with np.printoptions(threshold=sys.maxsize):
        return repr(np.random.get_state())  # noqa: NPY002 - to see that nobody else uses it


def _check_description(metric: Metric) -> None:
    description = metric.describe()
    assert description, "describe should tell how values are computed; it is empty."
    for key, value in description.items():
        assert isinstance(key, str), f"describe should name its entries by text; got {key!r}."
        assert isinstance(value, str | int | float), (
            f"describe should hold text and numbers, for it is kept as JSON; {key!r} is {value!r}."
        )


def _check_refusals(metric: Metric, images: ImageArray, context: MetricContext) -> None:
    fractions: Any = images / 255
    for what, bad in (
        ("no images", images[:0]),
        ("images without colours", images[..., 0]),
        ("images that are not uint8", fractions),
    ):
        _refuses(partial(metric.measure, bad, bad, context), what)


def _refuses(act: Callable[[], object], what: str) -> None:
    try:
        act()
    except ValueError:
        return
    raise AssertionError(
        f"The metric accepts {what}; it has to raise a ValueError, such as a ConfigError."
    )
