"""CURVE keys: made once, readable by their owner alone, and refused when they are damaged."""

import os
import stat
from contextlib import suppress
from pathlib import Path

import pytest
import zmq
import zmq.auth
import zmq.utils.z85
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
        ("curve\n    public-key\n", "cannot be read"),
        (f'curve\n    public-key = "{"~" * 40}"\n', "is damaged"),
        (f'curve\n    public-key = "{"#" * 40}"\n', "is damaged"),
        (f'curve\n    public-key = "{"a" * 40}"\n    secret-key = "{"#" * 40}"\n', "is damaged"),
        ("#" * 2**20, "has 1048576 bytes"),
        (
            f'curve\n    public-key = "{"a" * 40}"\n    secret-key = "{"b" * 40}"\n',
            "do not belong together",
        ),
    ],
    ids=[
        "empty",
        "binary",
        "short public",
        "short secret",
        "no secret",
        "no value",
        "no Z85",
        "more than bytes hold",
        "more than bytes of a secret hold",
        "too long",
        "other pair",
    ],
)
def test_a_damaged_key_is_told(keys: Path, text: str, message: str) -> None:
    (keys / "loop.key_secret").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        load_loop_keys(keys)


def test_a_damaged_key_of_a_display_is_told(keys: Path) -> None:
    (keys / "second.key").write_text("nothing")
    with pytest.raises(ConfigError, match=r"second\.key"):
        load_loop_keys(keys)


PIECES = st.sampled_from(
    [b"public-key", b"secret-key", b"=", b'"', b" ", b"\n", b"#", b"a" * 40, b"~" * 40]
)
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")


@posix
@pytest.mark.parametrize(
    ("load", "name"), [(load_loop_keys, "loop"), (load_display_keys, "display")]
)
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_secret_that_others_can_read_is_refused_as_ssh_does(
    keys: Path, load, name: str, mode: int
) -> None:
    secret = keys / f"{name}.key_secret"
    secret.chmod(mode)
    with pytest.raises(ConfigError, match=f"mode is {mode:o}") as caught:
        load(keys)
    assert f"{secret}." in str(caught.value)
    secret.chmod(0o600)
    load(keys)


@posix
@pytest.mark.parametrize(
    ("load", "name"),
    [
        (load_loop_keys, ""),
        (load_loop_keys, "display.key"),
        (load_display_keys, ""),
        (load_display_keys, "loop.key"),
    ],
)
@pytest.mark.parametrize("mode", [0o772, 0o727])
def test_keys_that_others_can_change_are_refused(keys: Path, load, name: str, mode: int) -> None:
    (keys / name).chmod(mode)
    with pytest.raises(ConfigError, match=rf"mode is {mode:o}.*chmod go-w {keys / name}"):
        load(keys)


@posix
@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="Only root gives files away")
@pytest.mark.parametrize("name", ["", "display.key", "loop.key_secret"])
def test_keys_of_another_user_are_refused(
    keys: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv("SUDO_UID", raising=False)
    os.chown(keys / name, 12345, -1)
    with pytest.raises(ConfigError, match=r"belongs to another user \(number 12345\)"):
        load_loop_keys(keys)
    monkeypatch.setenv("SUDO_UID", "12345")
    load_loop_keys(keys)


@posix
def test_new_keys_are_fit_to_be_used_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o002)
    try:
        make_keys(tmp_path / "keys")
    finally:
        os.umask(before)
    load_loop_keys(tmp_path / "keys")
    load_display_keys(tmp_path / "keys")


@posix
def test_key_that_is_a_pipe_is_not_waited_for(keys: Path) -> None:
    (keys / "display.key").unlink()
    os.mkfifo(keys / "display.key")
    with pytest.raises(ConfigError, match="it is no file"):
        load_loop_keys(keys)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.one_of(st.binary(max_size=300), st.lists(PIECES).map(b"".join)))
def test_any_bytes_are_a_key_or_a_sentence(keys: Path, content: bytes) -> None:
    (keys / "display.key").write_bytes(content)
    with suppress(ConfigError):
        permitted = load_loop_keys(keys).permitted
        assert all(len(zmq.utils.z85.decode(key)) == 32 for key in permitted)
