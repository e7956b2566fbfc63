"""Weight files on the web, and the cache in which torch keeps those that it downloaded."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from signseg_rig.errors import WeightsMissingError
from signseg_rig.weights.catalogue import Download

TIMEOUT_S = 60.0


def cached_file(download: Download) -> Path:
    """Give where torch would have kept the file, by its own rules and without importing it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache"))
    home = Path(os.environ.get("TORCH_HOME", cache / "torch"))
    return home.expanduser() / "hub" / "checkpoints" / download.file_name


def download_url(name: str, download: Download, folder: Path) -> Path:
    """Download a file into a folder.

    Parameters
    ----------
    name : str
        Of the weights, for the message.
    download : Download
    folder : Path

    Returns
    -------
    path : Path

    Raises
    ------
    WeightsMissingError
        It cannot be had.
    """
    path = folder / download.file_name
    try:
        with urlopen(download.url, timeout=TIMEOUT_S) as answer, path.open("wb") as file:  # noqa: S310 - addresses are the catalogue's
            shutil.copyfileobj(answer, file)
    # A connection that breaks, or an answer that is none, is an OSError as well.
    except OSError as error:
        if isinstance(error, HTTPError):
            error.close()
        raise WeightsMissingError(
            f"{download.url} cannot be downloaded ({error}). Download it on a machine that reaches "
            f"it, and bring it here with 'signseg-rig weights add {name} FILE'."
        ) from error
    return path
