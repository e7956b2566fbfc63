"""Files on the web: downloaded whole, or gone on with where an earlier download broke off."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from filelock import FileLock, Timeout

from signseg_rig.errors import WeightsError, WeightsMissingError
from signseg_rig.files.user import read_user_file
from signseg_rig.files.whole import remove, write_whole
from signseg_rig.weights.catalogue import Download, WeightFile

TIMEOUT_S = 60.0
CHUNK_BYTES = 2**20
MAX_BYTES = 8 * 2**30
BEGUN_SUFFIX, VERSION_SUFFIX, LOCK_SUFFIX = ".begun", ".begun.json", ".begun.lock"

OnProgress = Callable[[int, int | None], None]


def cached_file(download: Download) -> Path:
    """Return where torch would have kept the file, by its own rules and without importing it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache"))
    home = Path(os.environ.get("TORCH_HOME", cache / "torch"))
    return home.expanduser() / "hub" / "checkpoints" / download.file_name


@contextmanager
def downloaded(
    entry: WeightFile,
    download: Download,
    folder: Path,
    *,
    timeout_s: float = TIMEOUT_S,
    on_progress: OnProgress = lambda _n, _n_all: None,
) -> Iterator[Path]:
    """Download a file into a folder, for as long as it takes to look at it and move it away.

    Parameters
    ----------
    entry : WeightFile
    download : Download
        Its source.
    folder : Path
        Where it is begun. What was received stays there when the connection breaks, and the next
        call goes on from it, if the server still has the same file.
    timeout_s : float
        How long the server may send nothing.
    on_progress : callable
        Called with the numbers of bytes that are here, and that there are where the server says so.

    Yields
    ------
    path : Path
        The whole file, by the count of its bytes. Removed afterwards, unless it was moved.

    Raises
    ------
    WeightsMissingError
        It cannot be had, or not all of it came.
    WeightsError
        The server sends something else, or there is no room for it.
    """
    begun = folder / f"{entry.file_name}{BEGUN_SUFFIX}"
    version = folder / f"{entry.file_name}{VERSION_SUFFIX}"
    lock = folder / f"{entry.file_name}{LOCK_SUFFIX}"
    try:
        with FileLock(lock, timeout=0):
            _Transfer(entry, download.url, begun, version, timeout_s).run(on_progress)
            try:
                yield begun
            finally:
                # Whole, and looked at: what was not moved away is not the file.
                remove(begun)
                remove(version)
    except Timeout as error:
        raise WeightsError(
            f"{entry.name} is being downloaded already. Wait for it, or stop it."
        ) from error
    remove(lock)


class _NoResumeError(Exception):
    """The server does not go on from where the download broke off."""


class _Transfer:
    def __init__(
        self, entry: WeightFile, url: str, begun: Path, version: Path, timeout_s: float
    ) -> None:
        self._entry = entry
        self._url = url
        self._begun = begun
        self._version = version
        self._timeout_s = timeout_s

    def run(self, on_progress: OnProgress) -> None:
        try:
            try:
                self._receive(self._n_here(), on_progress)
            except _NoResumeError:
                remove(self._begun)
                self._receive(0, on_progress)
        except HTTPError as error:
            error.close()
            raise self._cannot_be_had(f"the server answers {error.code} {error.reason}") from error
        # A connection that breaks, or stalls, or an answer that is none.
        except (HTTPException, URLError, TimeoutError, ConnectionError) as error:
            why = getattr(error, "reason", error)
            raise self._cannot_be_had(str(why) or type(error).__name__) from error

    def _n_here(self) -> int:
        """Count the bytes of an earlier download that may be gone on with."""
        try:
            n_here = self._begun.stat().st_size
        except OSError:
            return 0
        return n_here if self._same_version() or self._entry.sha256 else 0

    def _same_version(self) -> str:
        """Return what the server called the version that was begun, if it is of this address."""
        try:
            told = json.loads(read_user_file(self._version))
            return str(told["version"]) if told["url"] == self._url else ""
        except (ValueError, LookupError, TypeError, RecursionError):
            return ""

    def _receive(self, n_here: int, on_progress: OnProgress) -> None:
        request = Request(self._url, headers={"Accept-Encoding": "identity"})  # noqa: S310 - of the catalogue
        if n_here:
            request.add_header("Range", f"bytes={n_here}-")
            if version := self._same_version():
                request.add_header("If-Range", version)
        try:
            answer = build_opener(_SafeRedirects).open(request, timeout=self._timeout_s)
        except HTTPError as error:
            if error.code == 416 and n_here:  # nothing is left of it, or it is shorter now
                error.close()
                raise _NoResumeError from error
            raise
        with answer:
            n_before = self._n_before(answer, n_here)
            n_all = self._n_all(answer, n_before)
            self._note_version(answer)
            self._write(answer, n_before, n_all, on_progress)

    def _n_before(self, answer: HTTPResponse, n_here: int) -> int:
        if "html" in answer.headers.get("Content-Type", ""):
            raise WeightsError(
                f"{self._url} gives a web page in place of the file of {self._entry.name!r}: a "
                f"page to log in, or to say that it is gone. {self._remedy()}"
            )
        if answer.status != 206:
            return 0  # the server begins at the beginning
        start = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
        if start is None or int(start[1]) != n_here:
            raise _NoResumeError
        return n_here

    def _n_all(self, answer: HTTPResponse, n_before: int) -> int | None:
        length = answer.headers.get("Content-Length", "")
        n_all = n_before + int(length) if length.isdecimal() else None
        expected = self._entry.n_bytes
        if n_all is not None and n_all != (expected or n_all):
            remove(self._begun)
            raise WeightsError(
                f"{self._url} is not the file of {self._entry.name!r}: it has {n_all} bytes, "
                f"expected are {expected}. {self._remedy()}"
            )
        needed, free = (n_all or expected or 0) - n_before, _free_bytes(self._begun.parent)
        if needed > free:
            raise WeightsError(
                f"There is no room for {self._entry.name!r} in {self._begun.parent}: {needed:,} "
                f"bytes are needed, and {free:,} are free."
            )
        return n_all

    def _note_version(self, answer: HTTPResponse) -> None:
        # A weak tag does not promise the same bytes.
        tag = answer.headers.get("ETag", "")
        version = tag if tag.startswith('"') else answer.headers.get("Last-Modified", "")
        told = json.dumps({"url": self._url, "version": version})
        write_whole(self._version, told.encode())

    def _write(
        self, answer: HTTPResponse, n_before: int, n_all: int | None, on_progress: OnProgress
    ) -> None:
        n_here = n_before
        with self._begun.open("ab" if n_before else "wb") as file:
            while chunk := answer.read1(CHUNK_BYTES):
                file.write(chunk)
                n_here += len(chunk)
                on_progress(n_here, n_all)
                if n_here > (n_all or MAX_BYTES):
                    raise WeightsError(f"{self._url} sends more than {n_all or MAX_BYTES} bytes.")
            file.flush()
            os.fsync(file.fileno())
        if n_all is not None and n_here < n_all:
            raise self._cannot_be_had(f"it broke off after {n_here} of {n_all} bytes")

    def _cannot_be_had(self, why: str) -> WeightsMissingError:
        n_here = self._begun.stat().st_size if self._begun.is_file() else 0
        again = (
            f"{n_here:,} bytes of it are here; 'signseg-rig weights fetch {self._entry.name}' goes "
            "on from there. Or download"
            if n_here
            else "Download"
        )
        return WeightsMissingError(
            f"{self._url} cannot be downloaded: {why}. {again} it on a machine that reaches it, "
            f"and bring it here with 'signseg-rig weights add {self._entry.name} FILE'."
        )

    def _remedy(self) -> str:
        return (
            "Look at it in a browser, and bring the file here with 'signseg-rig weights add "
            f"{self._entry.name} FILE'."
        )


class _SafeRedirects(HTTPRedirectHandler):
    """Follows to other places, as publishers' servers do, but to none that can be read along."""

    def redirect_request(  # noqa: PLR0917 - the arguments are the library's
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        if req.type == "https" and not newurl.lower().startswith("https:"):
            raise WeightsError(
                f"{req.full_url} leads to {newurl}, which is not encrypted, so that others could "
                "put something else in its place. Download it in a browser if you must."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free
