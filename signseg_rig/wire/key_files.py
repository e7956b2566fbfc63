"""Who may read and change the files of keys: their owner, and nobody else."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from signseg_rig.errors import ConfigError
from signseg_rig.wording import shell_line


def check_file(file: Path, *, max_bytes: int) -> None:
    """Check that a key is a file, of the size of one, that only its owner can change.

    Raises
    ------
    ConfigError
        It is not; the message says what to do.
    """
    status = _status(file)
    if not stat.S_ISREG(status.st_mode):
        raise ConfigError(f"The key {file} cannot be read: it is no file. Name a folder of keys.")
    if status.st_size > max_bytes:
        raise ConfigError(
            f"The key {file} cannot be read: it has {status.st_size} bytes, and a key has a few "
            "hundred. Copy it again, or make new ones with 'signseg-rig keys'."
        )
    _check_writers(file, status)


def check_secret(file: Path) -> None:
    """Check that only its owner can read a secret key, as ssh does.

    Raises
    ------
    ConfigError
        Others can; the message says what to do.
    """
    mode = _status(file).st_mode
    if _has_modes() and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(
            f"The secret key {file} can be read by others (its mode is {stat.S_IMODE(mode):o}): "
            "whoever has read it can pose as this end of the connection. Make new keys where that "
            f"may have happened; otherwise say {shell_line('chmod', '600', file)}."
        )


def check_folder(folder: Path) -> None:
    """Check that only its owner can add keys to a folder: each is let in as a display.

    Raises
    ------
    ConfigError
        Others can; the message says what to do.
    """
    if folder.is_dir():  # what is missing is told of the key
        _check_writers(folder, _status(folder))


def _check_writers(path: Path, status: os.stat_result) -> None:
    if not _has_modes():
        return
    what = "folder of keys" if stat.S_ISDIR(status.st_mode) else "key"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigError(
            f"The {what} {path} can be changed by others (its mode is "
            f"{stat.S_IMODE(status.st_mode):o}), who could let their own display in. Look whether "
            f"its keys are yours, then say {shell_line('chmod', 'go-w', path)}."
        )
    if status.st_uid not in _trusted_owners():
        raise ConfigError(
            f"The {what} {path} belongs to another user (number {status.st_uid}), who could let "
            f"their own display in. Copy the keys to a folder of your own."
        )


def _status(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise ConfigError(f"The key {path} cannot be read: {error.strerror}.") from error


if sys.platform == "win32":

    def _has_modes() -> bool:
        return False

    def _trusted_owners() -> set[int]:
        return set()

else:

    def _has_modes() -> bool:
        return True

    def _trusted_owners() -> set[int]:
        """Root, this user, and who has become root by sudo."""
        owners = {0, os.geteuid()}
        sudo_user = os.environ.get("SUDO_UID", "")
        if os.geteuid() == 0 and sudo_user.isdecimal():
            owners.add(int(sudo_user))
        return owners
