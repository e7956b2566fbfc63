"""Signals are answered in words, but never by the thread that they interrupt."""

import signal
import threading

import pytest

from signseg_rig.cli.signals import obeyed_signals
from signseg_rig.run.control import RunControl


def test_what_is_said_of_a_signal_is_printed_by_another_thread() -> None:
    """In the middle of a print its own thread could not print: the run would end in an error."""
    said: list[tuple[str, int]] = []
    control, is_over = RunControl(), False

    def say(sentence: str) -> None:
        said.append((sentence, threading.get_ident()))

    before = signal.getsignal(signal.SIGINT)
    with obeyed_signals(control, say, is_over=lambda: is_over):
        signal.raise_signal(signal.SIGINT)
        assert control.is_stopped
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        is_over = True
        signal.raise_signal(signal.SIGTERM)
    assert [sentence for sentence, _ in said] == [
        "SIGINT: stopping after this presentation; once more stops at once.",
        "SIGTERM: the run is over already; its report follows.",
    ]
    assert threading.get_ident() not in {thread for _, thread in said}
    assert signal.getsignal(signal.SIGINT) is before
