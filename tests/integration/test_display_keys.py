"""Keys end to end: who belongs together works together, and everyone else is told what is wrong."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from signseg_rig.errors import DisplayError, DisplayTimeoutError
from signseg_rig.experiment import Experiment, WireSettings
from signseg_rig.wire.events import Rejection
from signseg_rig.wire.keys import make_keys
from signseg_rig.wire.link import DisplayLink


@pytest.fixture
def keys_dir(tmp_path: Path) -> Path:
    make_keys(tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture
def stranger_dir(tmp_path: Path, keys_dir: Path) -> Path:
    """Keys of a display that knows the loop, and that the loop does not know."""
    make_keys(tmp_path / "stranger")
    shutil.copy(keys_dir / "loop.key", tmp_path / "stranger")
    return tmp_path / "stranger"


@pytest.fixture
def misled_dir(tmp_path: Path, keys_dir: Path) -> Path:
    """Keys of a display that the loop knows, and that takes another loop for it."""
    make_keys(tmp_path / "misled")
    for name in ("display.key", "display.key_secret"):
        shutil.copy(keys_dir / name, tmp_path / "misled")
    return tmp_path / "misled"


def with_keys(wire: WireSettings, keys_dir: Path | None) -> WireSettings:
    return wire.model_copy(update={"keys_dir": keys_dir})


def display_of(experiment: Experiment, keys_dir: Path | None) -> Experiment:
    wire = with_keys(experiment.wire, keys_dir)
    return experiment.model_copy(update={"wire": wire})


def wait_for_refusal(link: DisplayLink, events: Any) -> None:
    while not events.of(Rejection):
        link.attend(0.1)
    assert link.rejection_counts.keys() == {"unauthorised"}


def test_display_whose_key_is_permitted_is_taken(
    wire: WireSettings,
    experiment: Experiment,
    keys_dir: Path,
    open_link: Callable,
    start_display: Callable,
) -> None:
    with open_link(with_keys(wire, keys_dir)) as link:
        start_display(display_of(experiment, keys_dir))
        assert link.wait_until_connected(lambda: True)
        link.preload({})
        assert link.rejection_counts == {}


@pytest.mark.parametrize(
    ("loop_keys", "display_keys", "at_loop", "at_display"),
    [
        ("keys", "stranger", r"with the key .{40} was refused.*display\.key", "does not permit"),
        ("keys", "misled", r"takes another key.*loop\.key", r"another than 'loop\.key'"),
        (
            "keys",
            None,
            "has none, and this loop has keys",
            "this display has no keys|the loop has no keys_dir",
        ),
        (
            None,
            "keys",
            "has some, and this loop has no keys",
            "this display has keys|its key seems",
        ),
    ],
)
def test_keys_that_do_not_belong_together_are_told_on_both_sides(
    wire: WireSettings,
    experiment: Experiment,
    keys_dir: Path,
    stranger_dir: Path,
    misled_dir: Path,
    open_link: Callable,
    start_display: Callable,
    link_events: Any,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    loop_keys: str | None,
    display_keys: str | None,
    at_loop: str,
    at_display: str,
) -> None:
    folders = {"keys": keys_dir, "stranger": stranger_dir, "misled": misled_dir, None: None}
    loop_wire = with_keys(wire, folders[loop_keys])
    with open_link(loop_wire) as link:
        display = start_display(display_of(experiment, folders[display_keys]))
        wait_for_refusal(link, link_events)
        while display.process._client.refusal is None:
            link.attend(0.1)
        impatient = loop_wire.model_copy(update={"connect_timeout_s": 0.0})
        with monkeypatch.context() as impatience:
            impatience.setattr(link, "_settings", impatient)
            with pytest.raises(DisplayTimeoutError, match=f"One was refused: .*{at_loop}"):
                link.wait_until_connected(lambda: True)
        display.process._connect_timeout_s = 0.0
        display.join()
        assert isinstance(display.error, DisplayError)
        with pytest.raises(DisplayError, match=at_display):
            raise display.error
        assert caplog.messages.count(str(display.error)) == 1
        # Who belongs here is taken all the same.
        start_display(display_of(experiment, folders[loop_keys]))
        assert link.wait_until_connected(lambda: True)


def test_display_goes_on_seeking_until_its_key_is_permitted(
    wire: WireSettings,
    experiment: Experiment,
    keys_dir: Path,
    stranger_dir: Path,
    open_link: Callable,
    start_display: Callable,
    link_events: Any,
) -> None:
    """ZeroMQ itself never tries again where it was refused for its key."""
    with open_link(with_keys(wire, keys_dir)) as link:
        start_display(display_of(experiment, stranger_dir))
        wait_for_refusal(link, link_events)
    shutil.copy(stranger_dir / "display.key", keys_dir / "second.key")
    with open_link(with_keys(wire, keys_dir)) as link:
        assert link.wait_until_connected(lambda: True)
