"""Settings, and the tables that choose a plugin."""

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field, ValidationError

from signseg_rig.settings import BASE_DIR, InputPath, PluginChoice, PluginGroup, Settings
from signseg_rig.settings import plugin_choices as find_choices
from signseg_rig.settings.explained import explain


class Inner(Settings):
    rate_hz: float = Field(default=1.0, gt=0)


class Outer(Settings):
    optimizer: Annotated[PluginChoice, PluginGroup("optimizers")]
    others: dict[str, Annotated[PluginChoice, PluginGroup("optimizers")]] = Field(
        default_factory=dict
    )
    inner: Inner = Inner()
    list_of: tuple[Inner, ...] = ()


def problems_of(table: dict[str, object]) -> dict[tuple[str | int, ...], str]:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(table)
    return {fault.path: fault.message for fault in explain(caught.value, Outer)}


@pytest.mark.parametrize("number", [float("inf"), float("nan"), 0.0, -1.0, "fast"])
def test_numbers_are_finite_and_bounded(number: object) -> None:
    with pytest.raises(ValidationError):
        Inner.model_validate({"rate_hz": number})


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Inner().rate_hz = 2.0  # type: ignore[misc]


def test_a_table_chooses_a_plugin_whose_model_checks_it(toy_plugins) -> None:
    outer = Outer.model_validate({"optimizer": {"kind": "toy_climber", "n_codes": 4}})
    assert (outer.optimizer.group, outer.optimizer.kind) == ("optimizers", "toy_climber")
    assert outer.optimizer.settings.n_codes == 4
    assert outer.optimizer.load().__name__ == "Climber"


def test_a_choice_is_written_with_its_defaults(toy_plugins) -> None:
    outer = Outer.model_validate({"optimizer": {"kind": "toy_climber", "n_codes": 4}})
    table = {"kind": "toy_climber", "n_codes": 4, "step": 0.5}
    assert outer.model_dump(mode="json")["optimizer"] == table
    assert Outer.model_validate({"optimizer": table}) == outer
    assert Outer(optimizer=outer.optimizer) == outer


def test_choices_differ_by_kind_and_by_settings(toy_plugins) -> None:
    toy_plugins.install(
        "other-lab",
        {"optimizers/other_climber": "Climber"},
        source="from toy_lab import Climber",
    )
    tables: list[dict[str, object]] = [
        {"kind": "toy_climber"},
        {"kind": "toy_climber", "step": 0.25},
        {"kind": "other_climber"},
    ]
    choices = [Outer.model_validate({"optimizer": table}).optimizer for table in tables]
    assert [[one == other for other in choices] for one in choices] == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
    ]


@pytest.mark.parametrize("table", [{}, {"kind": 3}, "toy_climber", {"knd": "toy_climber"}])
def test_a_table_without_kind_is_told_the_names(toy_plugins, table: object) -> None:
    message = problems_of({"optimizer": table})[("optimizer", "kind")]
    assert message.startswith('needs a key "kind" that names one of: ')
    assert "toy_climber" in message


def test_an_unknown_kind_gets_a_suggestion(toy_plugins) -> None:
    message = problems_of({"optimizer": {"kind": "toy_climbr"}})[("optimizer", "kind")]
    assert "Did you mean 'toy_climber'?" in message


@pytest.mark.parametrize("source", ["class Bare: ...", "class Bare:\n    Config = dict"])
def test_a_plugin_without_settings_is_named(plugin_shelf, source: str) -> None:
    plugin_shelf.install("barelab", {"optimizers/bare": "Bare"}, source=source)
    message = problems_of({"optimizer": {"kind": "bare"}})[("optimizer", "kind")]
    assert "from barelab 1.5) has no settings: barelab:Bare needs an attribute Config" in message


def test_every_problem_has_its_path_and_the_nearest_key(toy_plugins) -> None:
    assert problems_of(
        {
            "optimizer": {"kind": "toy_climber", "n_cods": 3, "step": -1},
            "others": {"b": {"kind": "toy_climber", "n_codes": 1}},
            "inner": {"rate_khz": 1},
            "list_of": [{}, {"rate_hz": 0}, {"elephant": 1}],
            "inne": {},
        }
    ) == {
        ("optimizer", "n_cods"): "unknown key. Did you mean 'n_codes'?",
        ("optimizer", "step"): "should be greater than 0; got -1",
        ("others", "b", "n_codes"): "should be greater than or equal to 2; got 1",
        ("inner", "rate_khz"): "unknown key. Did you mean 'rate_hz'?",
        ("list_of", 1, "rate_hz"): "should be greater than 0; got 0",
        ("list_of", 2, "elephant"): "unknown key. Known here are: rate_hz",
        ("inne",): "unknown key. Did you mean 'inner'?",
    }


def test_plugin_choices_are_found_wherever_they_are(toy_plugins) -> None:
    class Top(Settings):
        outers: tuple[Outer, ...]
        protocol: Annotated[PluginChoice, PluginGroup("protocols")]

    climber = {"kind": "toy_climber"}
    top = Top.model_validate(
        {
            "outers": [{"optimizer": climber, "others": {"b": climber}}],
            "protocol": {"kind": "toy_climb", "threads": [{"name": "t", "optimizer": climber}]},
        }
    )
    assert [(path, choice.kind) for path, choice in find_choices(top)] == [
        (("outers", 0, "optimizer"), "toy_climber"),
        (("outers", 0, "others", "b"), "toy_climber"),
        (("protocol",), "toy_climb"),
        (("protocol", "threads", 0, "optimizer"), "toy_climber"),
    ]


class WithPath(Settings):
    path: InputPath
    optional: InputPath | None = None


def test_input_path_is_relative_to_the_base_folder(tmp_path: Path) -> None:
    settings = WithPath.model_validate(
        {"path": "images/a.png", "optional": str(tmp_path / "b")},
        context={BASE_DIR: tmp_path / "experiments"},
    )
    assert settings.path == tmp_path / "experiments" / "images" / "a.png"
    assert settings.optional == tmp_path / "b"


def test_input_path_in_python_is_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert WithPath(path=Path("a.png")).path == tmp_path / "a.png"


def test_input_path_knows_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert WithPath(path=Path("~/w.pt")).path == tmp_path / "w.pt"


def test_input_paths_of_plugins_are_relative_to_the_same_folder(
    toy_plugins, tmp_path: Path
) -> None:
    class Rig(Settings):
        source: Annotated[PluginChoice, PluginGroup("response_sources")]

    rig = Rig.model_validate(
        {"source": {"kind": "toy_device", "weights_path": "w.pt"}}, context={BASE_DIR: tmp_path}
    )
    assert rig.source.settings.weights_path == tmp_path / "w.pt"
