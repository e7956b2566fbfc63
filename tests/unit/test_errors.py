"""Messages of errors can be read, whatever they quote."""

import pytest

from signseg_rig.errors import MAX_LINE, ConfigError, RigError, WeightsMissingError


def test_a_message_of_readable_lines_stays_as_it_is():
    said = "Grün ist kein µ:\n  line 3\n\tas \U0001f600 says."
    assert str(ConfigError(said)) == said


@pytest.mark.parametrize("kind", [RigError, ConfigError, WeightsMissingError])
def test_what_a_message_quotes_is_cut_and_its_remedy_kept(kind):
    said = str(kind(f"The file {'x' * 100_000} is damaged.\nCopy it again."))
    first, last = said.split("\n")
    assert MAX_LINE < len(first) < MAX_LINE + 40
    assert first.startswith("The file xxx")
    assert f"[{100_000 + 21 - MAX_LINE} characters more]" in first
    assert first.endswith("xxx is damaged.")
    assert last == "Copy it again."


def test_a_message_tells_a_terminal_nothing():
    said = str(RigError("No unit '\x1b[2J\x07\r', \ud800 or \u202e."))
    assert said == "No unit '\\x1b[2J\\x07\\r', \\ud800 or \\u202e."
