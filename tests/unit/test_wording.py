"""Phrases that errors have in common."""

import errno

import pytest

from signseg_rig.errors import SweepError
from signseg_rig.wording import close_match_hint, explained_writing, first_few


def test_names_that_are_alike_are_asked_for():
    assert close_match_hint("sunglas", ["wig", "sunglass"]) == " Did you mean 'sunglass'?"
    hint = close_match_hint("sunglas", ["sunglass", "sunglasses", "wig"], n=3)
    assert hint == " Did you mean 'sunglass' or 'sunglasses'?"
    assert close_match_hint("tench", ["wig", "sunglass"]) == ""


@pytest.mark.parametrize(
    ("n_items", "text"), [(0, ""), (1, "0"), (3, "0; 1; 2"), (4, "0; 1; 2; and 1 more")]
)
def test_long_lists_are_cut_and_counted(n_items, text):
    assert first_few(map(str, range(n_items)), 3, separator="; ") == text


def test_what_the_disk_says_becomes_an_error_with_a_remedy(tmp_path):
    full = OSError(errno.ENOSPC, "No space left on device")
    with (
        pytest.raises(SweepError, match=r"cannot be written: No space left on device\. Make room"),
        explained_writing(tmp_path, SweepError, "Make room."),
    ):
        raise full
    with (
        pytest.raises(ZeroDivisionError),
        explained_writing(tmp_path, SweepError, "Make room."),
    ):
        raise ZeroDivisionError
