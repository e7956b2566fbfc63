"""Plugins are found by entry point in real distributions, and imported only when used."""

import sys
from collections.abc import Callable
from importlib.metadata import version

import pytest

from signseg_rig.errors import PluginLoadError, PluginNotFoundError
from signseg_rig.plugins import GROUPS, find_plugin, list_plugins, load_plugin


def test_lists_what_is_installed_without_importing_it(plugin_shelf) -> None:
    plugin_shelf.install(
        "boomlab",
        {"optimizers/boom": "Boom", "generators/boom": "BoomGenerator"},
        source="raise RuntimeError('imported')",
    )
    found = [info for info in list_plugins() if info.distribution == "boomlab"]
    assert [(info.group, info.name, info.target, info.version) for info in found] == [
        ("generators", "boom", "boomlab:BoomGenerator", "1.5"),
        ("optimizers", "boom", "boomlab:Boom", "1.5"),
    ]
    assert "boomlab" not in sys.modules


def test_lists_one_group(plugin_shelf) -> None:
    plugin_shelf.install("onelab", {"optimizers/one": "A", "metrics/one": "B"})
    assert {info.group for info in list_plugins("metrics")} == {"metrics"}
    assert "one" in {info.name for info in list_plugins("metrics")}


def test_own_plugins_are_found_like_anyone_elses() -> None:
    info = find_plugin("displays", "headless")
    assert (info.distribution, info.version) == ("signseg-rig", version("signseg-rig"))
    assert {info.group for info in list_plugins()} <= set(GROUPS)


def test_loads_the_class(plugin_shelf) -> None:
    plugin_shelf.install("classlab", {"optimizers/tall": "Tall"}, source="class Tall: ...")
    assert load_plugin("optimizers", "tall").__name__ == "Tall"


@pytest.mark.parametrize("use", [find_plugin, load_plugin])
def test_unknown_name_suggests_and_lists(plugin_shelf, use: Callable[..., object]) -> None:
    plugin_shelf.install("wavelab", {"metrics/wavelet": "W", "metrics/fourier": "F"})
    with pytest.raises(PluginNotFoundError) as caught:
        use("metrics", "wavelt")
    message = str(caught.value)
    assert "no plugin 'wavelt' in metrics. Did you mean 'wavelet'?" in message
    assert "fourier (wavelab)" in message
    assert "wavelet (wavelab)" in message


def test_unknown_name_far_from_all_is_given_no_suggestion(plugin_shelf) -> None:
    plugin_shelf.install("wavelab", {"metrics/wavelet": "W"})
    with pytest.raises(PluginNotFoundError) as caught:
        find_plugin("metrics", "zzz")
    assert "Did you mean" not in str(caught.value)


@pytest.mark.parametrize("use", [find_plugin, load_plugin])
def test_two_plugins_of_one_name_are_an_error_that_names_both(
    plugin_shelf, use: Callable[..., object]
) -> None:
    plugin_shelf.install("firstlab", {"optimizers/same": "A"}, source="class A: ...")
    plugin_shelf.install("secondlab", {"optimizers/same": "B"}, source="class B: ...")
    with pytest.raises(PluginLoadError, match="Two plugins claim the name 'same'") as caught:
        use("optimizers", "same")
    assert "firstlab (firstlab:A)" in str(caught.value)
    assert "secondlab (secondlab:B)" in str(caught.value)


def test_one_name_in_two_groups_is_no_conflict(plugin_shelf) -> None:
    plugin_shelf.install("firstlab", {"optimizers/same": "A"}, source="class A: ...")
    plugin_shelf.install("secondlab", {"generators/same": "B"}, source="class B: ...")
    assert load_plugin("optimizers", "same").__name__ == "A"
    assert load_plugin("generators", "same").__name__ == "B"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import a_library_that_nobody_has", "No module named 'a_library_that_nobody_has'"),
        ("raise OSError('no licence dongle')", "OSError: no licence dongle"),
        ("class Other: ...", "has no attribute 'Broken'"),
        ("def (", "SyntaxError"),
    ],
    ids=["missing library", "fails on import", "missing class", "syntax error"],
)
def test_broken_plugin_is_named_with_the_reason(plugin_shelf, source: str, reason: str) -> None:
    plugin_shelf.install("brokenlab", {"optimizers/broken": "Broken"}, source=source)
    with pytest.raises(PluginLoadError) as caught:
        load_plugin("optimizers", "broken")
    message = str(caught.value)
    assert reason in message
    assert "'broken' (optimizers, from brokenlab 1.5)" in message
    assert caught.value.__cause__ is not None


def test_a_class_that_lacks_methods_is_named_with_them(plugin_shelf) -> None:
    source = """
    from signseg_rig.interfaces import Optimizer

    class Half(Optimizer):
        def ask(self): ...
    """
    plugin_shelf.install("halflab", {"optimizers/half": "Half"}, source=source)
    with pytest.raises(PluginLoadError, match=r"halflab:Half lacks .*: tell\. Add") as caught:
        load_plugin("optimizers", "half")
    assert "'half' (optimizers, from halflab 1.5)" in str(caught.value)


def test_broken_plugin_leaves_the_others_alone(plugin_shelf) -> None:
    plugin_shelf.install("brokenlab", {"optimizers/broken": "Broken"}, source="1 / 0")
    plugin_shelf.install("goodlab", {"optimizers/good": "Good"}, source="class Good: ...")
    assert load_plugin("optimizers", "good").__name__ == "Good"
