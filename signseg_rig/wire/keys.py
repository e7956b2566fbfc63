"""CURVE keys, by which the loop and the display know each other across a network."""

from __future__ import annotations

import re
import shutil
import struct
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import zmq.auth
from zmq.utils import z85

from signseg_rig.errors import ConfigError
from signseg_rig.wire.key_files import check_file, check_folder, check_secret
from signseg_rig.wording import command

LOOP = "loop"
DISPLAY = "display"
KEY_LENGTH = 40
KEY = re.compile(rb"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")
MAX_FILE_BYTES = 64 * 2**10
REMEDY = "Copy it again, or make new ones with 'signseg-rig keys'."


@dataclass(frozen=True, slots=True)
class LoopKeys:
    """What the loop needs.

    Parameters
    ----------
    public, secret : bytes
        Its own pair, in Z85.
    permitted : frozenset of bytes
        Public keys, in Z85, of the displays that may connect.
    """

    public: bytes
    secret: bytes = field(repr=False)
    permitted: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class DisplayKeys:
    """What the display needs.

    Parameters
    ----------
    public, secret : bytes
        Its own pair, in Z85.
    loop_public : bytes
        The key of the only loop that it trusts.
    """

    public: bytes
    secret: bytes = field(repr=False)
    loop_public: bytes


def make_keys(folder: Path) -> list[Path]:
    """Make a pair of keys for the loop and one for the display.

    Parameters
    ----------
    folder : Path
        Made where it does not exist.

    Returns
    -------
    files : list of Path
        Two public keys (``.key``) and two secret ones (``.key_secret``), which only their owner
        may read where the file system knows owners.

    Raises
    ------
    ConfigError
        There are keys already, or the folder cannot be written.
    """
    files = [folder / f"{name}{end}" for name in (LOOP, DISPLAY) for end in (".key", ".key_secret")]
    existing = ", ".join(file.name for file in files if file.exists())
    if existing:
        raise ConfigError(
            f"{folder} holds keys already ({existing}), and they are not overwritten: a run may "
            "use them. Delete them first, or name another folder."
        )
    try:
        # Its owner's alone: whoever can write there lets displays in.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A new temporary folder is its owner's alone, so that no secret is readable for a moment.
        with tempfile.TemporaryDirectory(dir=folder) as private:
            for file in files[::2]:
                public, secret = zmq.auth.create_certificates(private, file.stem)
                Path(public).chmod(0o644)
                Path(secret).chmod(0o600)
            for file in files:
                shutil.move(Path(private, file.name), file)
    except OSError as error:
        raise ConfigError(f"Keys cannot be written to {folder}: {error}.") from error
    return files


def load_loop_keys(folder: Path) -> LoopKeys:
    """Load the loop's keys.

    Parameters
    ----------
    folder : Path
        With ``loop.key_secret`` and the public keys of the displays that may connect.

    Raises
    ------
    ConfigError
        A key is missing or damaged, or others than its owner could read or change the keys.
    """
    check_folder(folder)
    public, secret = _load_pair(folder / f"{LOOP}.key_secret")
    displays = [file for file in sorted(folder.glob("*.key")) if file.stem != LOOP]
    if not displays:
        raise ConfigError(
            f"There is no key of a display in {folder}, so none could connect. Put the display's "
            f"'{DISPLAY}.key' there."
        )
    permitted = frozenset(_load(file)[0] for file in displays)
    return LoopKeys(public=public, secret=secret, permitted=permitted)


def load_display_keys(folder: Path) -> DisplayKeys:
    """Load the display's keys.

    Parameters
    ----------
    folder : Path
        With ``display.key_secret`` and ``loop.key``.

    Raises
    ------
    ConfigError
        A key is missing or damaged, or others than its owner could read or change the keys.
    """
    check_folder(folder)
    public, secret = _load_pair(folder / f"{DISPLAY}.key_secret")
    loop_public, _ = _load(folder / f"{LOOP}.key")
    return DisplayKeys(public=public, secret=secret, loop_public=loop_public)


def _load_pair(file: Path) -> tuple[bytes, bytes]:
    public, secret = _load(file)
    check_secret(file)
    if secret is None:
        raise ConfigError(
            f"{file} holds a public key only, and a secret one is needed. Copy the file that "
            "'signseg-rig keys' made."
        )
    if zmq.curve_public(secret) != public:
        raise ConfigError(
            f"The two keys in {file} do not belong together. Copy the file again, or make new keys "
            "with 'signseg-rig keys'."
        )
    return public, secret


def _load(file: Path) -> tuple[bytes, bytes | None]:
    if not file.exists():
        raise ConfigError(
            f"The key {file} is missing. Make keys with '{command('keys', file.parent)}', or copy "
            "them from the machine on which they were made."
        )
    check_file(file, max_bytes=MAX_FILE_BYTES)
    try:
        public, secret = zmq.auth.load_certificate(file)
    except (OSError, ValueError, LookupError) as error:
        raise ConfigError(f"The key {file} cannot be read: {error}. {REMEDY}") from error
    if not all(key is None or _is_key(key) for key in (public, secret)):
        raise ConfigError(
            f"The key {file} is damaged: a key has {KEY_LENGTH} characters, of those that Z85 "
            f"knows. {REMEDY}"
        )
    return public, secret


def _is_key(text: bytes) -> bool:
    """Whether text is a key in Z85; five characters can stand for more than four bytes hold."""
    if not KEY.fullmatch(text):
        return False
    try:
        z85.decode(text)
    except struct.error:
        return False
    return True
