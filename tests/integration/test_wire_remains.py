"""What an end of the wire leaves behind where it fails: nothing that ZeroMQ still holds open.

An open socket would keep whoever collects the garbage later waiting for ever.
"""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import zmq

from signseg_rig.errors import ConfigError
from signseg_rig.experiment import WireSettings
from signseg_rig.wire.client import DisplayClient
from signseg_rig.wire.keys import make_keys
from signseg_rig.wire.messages import Hello
from signseg_rig.wire.server import DisplayServer


@pytest.fixture
def contexts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[zmq.Context[Any]]]:
    """Every ZeroMQ context that is made, closed at the end whatever the test has found."""
    made: list[zmq.Context[Any]] = []

    class Noted(zmq.Context[Any]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            made.append(self)

    monkeypatch.setattr(zmq, "Context", Noted)
    yield made
    for context in made:
        context.destroy(linger=0)


def with_keys(wire: WireSettings, keys_dir: Path) -> WireSettings:
    return wire.model_copy(update={"keys_dir": keys_dir})


def server_of(wire: WireSettings) -> DisplayServer:
    return DisplayServer(wire, run_id="a-run", objection=lambda _hello: None)


def seek_for_ever(client: DisplayClient) -> None:
    while True:
        client.poll(0.1)


def interrupted_at_line(number: int, function: Callable[..., object]) -> Callable[..., Any]:
    """Trace so that Ctrl-C comes right before a line of a function is executed."""
    left = number

    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal left
        if frame.f_code is not function.__code__:
            return trace
        left -= event == "line"
        if left == 0:
            raise KeyboardInterrupt
        return trace

    return trace


def test_display_without_its_key_leaves_nothing(
    wire: WireSettings, tmp_path: Path, hello: Hello, contexts: list[zmq.Context[Any]]
) -> None:
    with pytest.raises(ConfigError, match="is missing"):
        DisplayClient(with_keys(wire, tmp_path), hello, lambda: 0.0)
    assert [context.closed for context in contexts] == [True]


def test_display_whose_key_vanishes_leaves_nothing(
    wire: WireSettings, tmp_path: Path, hello: Hello, contexts: list[zmq.Context[Any]]
) -> None:
    for name in ("loop", "display"):
        make_keys(tmp_path / name)
    shutil.copy(tmp_path / "loop" / "loop.key", tmp_path / "display")
    server = server_of(with_keys(wire, tmp_path / "loop"))
    server.start()
    client = DisplayClient(with_keys(wire, tmp_path / "display"), hello, lambda: 0.0)
    shutil.rmtree(tmp_path / "display")
    # The loop refuses its key, and it reads its keys again because they may have been mended.
    with pytest.raises(ConfigError, match="is missing"):
        seek_for_ever(client)
    client.close("no keys")
    client.close("no keys")
    server.close("over")
    assert [context.closed for context in contexts] == [True, True]


@pytest.mark.parametrize("line", range(1, 8))
def test_loop_that_is_interrupted_while_it_begins_leaves_nothing(
    wire: WireSettings, contexts: list[zmq.Context[Any]], line: int
) -> None:
    server = server_of(wire)
    before = sys.gettrace()
    sys.settrace(interrupted_at_line(line, DisplayServer._open))
    try:
        with pytest.raises(KeyboardInterrupt):
            server.start()
    finally:
        sys.settrace(before)
    assert [context.closed for context in contexts] == [True]
    server.close("over")
    again = server_of(wire)
    again.start()  # the address is free
    again.close("over")
