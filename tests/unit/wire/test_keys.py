"""CURVE keys: made once, readable by their owner alone, and refused when they are damaged."""

import os
import stat
from pathlib import Path

import pytest
import zmq
import zmq.auth

from signseg_rig.errors import ConfigError
from signseg_rig.wire.keys import load_display_keys, load_loop_keys, make_keys

NAMES = ["loop.key", "loop.key_secret", "display.key", "display.key_secret"]


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    make_keys(tmp_path / "keys")
    return tmp_path / "keys"


def test_four_files_and_nothing_else(tmp_path: Path) -> None:
    files = make_keys(tmp_path / "new" / "keys")
    assert files == [tmp_path / "new" / "keys" / name for name in NAMES]
    assert sorted(path.name for path in (tmp_path / "new" / "keys").iterdir()) == sorted(NAMES)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")
def test_secrets_are_their_owners_alone(keys: Path) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in keys.iterdir()}
    assert modes["loop.key_secret"] == modes["display.key_secret"] == 0o600


@pytest.mark.parametrize("name", NAMES)
def test_keys_are_never_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("precious")
    with pytest.raises(ConfigError, match="not overwritten") as caught:
        make_keys(tmp_path)
    assert name in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "precious"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be written"):
        make_keys(tmp_path / "file" / "keys")


def test_each_side_trusts_the_other(keys: Path) -> None:
    loop, display = load_loop_keys(keys), load_display_keys(keys)
    assert display.loop_public == loop.public
    assert display.public in loop.permitted
    for pair in (loop, display):
        assert zmq.curve_public(pair.secret) == pair.public
    assert loop.secret != display.secret


def test_secrets_are_not_shown(keys: Path) -> None:
    for pair in (load_loop_keys(keys), load_display_keys(keys)):
        assert pair.secret.decode() not in repr(pair)


def test_each_machine_needs_only_its_own_secret(keys: Path) -> None:
    loop, display = load_loop_keys(keys), load_display_keys(keys)
    secret = (keys / "display.key_secret").rename(keys.parent / "carried")
    assert load_loop_keys(keys) == loop
    secret.rename(keys / "display.key_secret")
    (keys / "loop.key_secret").unlink()
    assert load_display_keys(keys) == display


@pytest.mark.parametrize(
    ("load", "missing"),
    [
        (load_loop_keys, "loop.key_secret"),
        (load_display_keys, "display.key_secret"),
        (load_display_keys, "loop.key"),
    ],
)
def test_a_missing_key_is_named_with_its_remedy(keys: Path, load, missing: str) -> None:
    (keys / missing).unlink()
    with pytest.raises(ConfigError, match="is missing") as caught:
        load(keys)
    assert str(keys / missing) in str(caught.value)
    assert "signseg-rig keys" in str(caught.value)


def test_a_loop_without_any_display_is_told(keys: Path) -> None:
    (keys / "display.key").unlink()
    with pytest.raises(ConfigError, match="no key of a display"):
        load_loop_keys(keys)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read"),
        ("\x00\xff", "cannot be read"),
        ('curve\n    public-key = "short"\n', "is damaged"),
        (f'curve\n    public-key = "{"a" * 40}"\n    secret-key = "ab"\n', "is damaged"),
        (f'curve\n    public-key = "{"a" * 40}"\n', "public key only"),
    ],
    ids=["empty", "binary", "short public", "short secret", "no secret"],
)
def test_a_damaged_key_is_told(keys: Path, text: str, message: str) -> None:
    (keys / "loop.key_secret").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        load_loop_keys(keys)


def test_a_damaged_key_of_a_display_is_told(keys: Path) -> None:
    (keys / "second.key").write_text("nothing")
    with pytest.raises(ConfigError, match=r"second\.key"):
        load_loop_keys(keys)
