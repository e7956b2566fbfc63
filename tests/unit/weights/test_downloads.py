"""Downloads from a web server of this machine, which does what servers and networks do."""

import contextlib
import hashlib
import http.server
import re
import threading

import pytest

from signseg_rig.errors import WeightsError, WeightsMissingError
from signseg_rig.weights import CATALOGUE, Download, WeightFile, fetch_weights, find_weights

CONTENT = bytes(range(256)) * 40
N_BYTES = len(CONTENT)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """What it has, how it gives it, and what it was asked for."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.tag = '"first"'
        self.knows_ranges = True
        self.status = 200
        self.kind = "application/octet-stream"
        self.tells_length = True
        self.stops_after = None
        self.stalls = False
        self.location = None
        self.go_on = threading.Event()
        self.asked = []

    def url(self, path="/small.pth"):
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server, wanted = self.server, self.headers.get("Range")
        server.asked.append((self.path, wanted))
        if server.location and self.path == "/small.pth":
            self.send_response(302)
            self.send_header("Location", server.location)
            self.end_headers()
            return
        first = 0
        if (
            wanted
            and server.knows_ranges
            and self.headers.get("If-Range", server.tag) == server.tag
        ):
            first = int(re.match(r"bytes=(\d+)-", wanted)[1])
        if first >= len(server.content):
            self.send_error(416)
            return
        content = server.content[first:]
        self.send_response(206 if first else server.status)
        self.send_header("Content-Type", server.kind)
        if server.tag:
            self.send_header("ETag", server.tag)
        if first:
            last = len(server.content) - 1
            self.send_header("Content-Range", f"bytes {first}-{last}/{last + 1}")
        if server.tells_length:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # who asked has heard enough
            self.wfile.write(content[: server.stops_after])
            self.wfile.flush()
        if server.stalls:
            server.go_on.wait()

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.go_on.set()
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SIGNSEG_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "weights"


@pytest.fixture
def know(monkeypatch, server):
    def put(sha256=SHA256, n_bytes=N_BYTES):
        source = Download(server.url())
        entry = WeightFile("small", "small.pth", "10 kB", "MIT", source, sha256, n_bytes)
        monkeypatch.setitem(CATALOGUE, "small", entry)

    put()
    return put


def names(folder):
    return sorted(one.name for one in folder.iterdir())


def test_download_is_made_once(know, folder, server):
    told = []
    assert fetch_weights("small", lambda *n: told.append(n)).read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert fetch_weights("small") == folder / "small.pth"
    assert server.asked == [("/small.pth", None)]
    assert names(folder) == ["small.pth"]


def test_damaged_file_is_fetched_again(know, folder, server):
    folder.mkdir()
    (folder / "small.pth").write_bytes(b"x" * len(CONTENT))
    assert fetch_weights("small").read_bytes() == CONTENT


@pytest.mark.parametrize("sha256", [SHA256, ""])
def test_broken_download_goes_on_where_it_stopped(know, folder, server, sha256):
    know(sha256)
    server.stops_after = 1000
    with pytest.raises(WeightsMissingError, match=r"broke off after 1000 of 10240 bytes.* goes on"):
        fetch_weights("small")
    assert not (folder / "small.pth").exists()
    server.stops_after = None
    assert fetch_weights("small").read_bytes() == CONTENT
    assert server.asked[-1] == ("/small.pth", "bytes=1000-")
    assert "small.pth.begun" not in names(folder)


@pytest.mark.parametrize("change", ["another file now", "knows no ranges", "shorter than before"])
def test_download_begins_anew_where_it_cannot_go_on(know, folder, server, change):
    know("", None)
    server.stops_after = 1000
    with pytest.raises(WeightsMissingError):
        fetch_weights("small")
    server.stops_after = None
    if change == "another file now":
        server.content, server.tag = CONTENT[::-1], '"second"'
    if change == "knows no ranges":
        server.knows_ranges = False
    if change == "shorter than before":
        server.content = CONTENT[:900]
    assert fetch_weights("small").read_bytes() == server.content


def test_wrong_hash_is_refused_and_the_next_download_begins_anew(know, folder, server):
    server.content = CONTENT[::-1]
    with pytest.raises(WeightsError, match=f"sha256 .*expected are 10240 and {SHA256}"):
        fetch_weights("small")
    server.content = CONTENT
    assert fetch_weights("small").read_bytes() == CONTENT
    assert server.asked[-1] == ("/small.pth", None)


def test_hash_that_nobody_publishes_is_compared_from_the_first_fetch_on(know, folder, server):
    know("", None)
    path = fetch_weights("small")
    assert (folder / "small.pth.sha256").read_text().startswith(SHA256)
    path.unlink()
    server.content = CONTENT[::-1]
    with pytest.raises(WeightsError, match=r"the one which was fetched first.*small\.pth\.sha256"):
        fetch_weights("small")
    assert not path.exists()
    (folder / "small.pth.sha256").unlink()
    assert fetch_weights("small").read_bytes() == server.content
    assert find_weights("small") == path


@pytest.mark.parametrize("status", [403, 404, 503])
def test_server_that_refuses(know, folder, server, status):
    server.status = status
    with pytest.raises(WeightsMissingError, match=f"answers {status}.*weights add small FILE"):
        fetch_weights("small")
    assert not (folder / "small.pth").exists()


def test_redirect_is_followed(know, server):
    server.location = server.url("/elsewhere")
    assert fetch_weights("small").read_bytes() == CONTENT
    assert [path for path, _ in server.asked] == ["/small.pth", "/elsewhere"]


@pytest.mark.parametrize("place", ["/small.pth", "file:///etc/passwd"])
def test_redirect_to_itself_or_to_a_file(know, folder, server, place):
    server.location = place
    with pytest.raises(WeightsMissingError, match="cannot be downloaded"):
        fetch_weights("small")
    assert not (folder / "small.pth").exists()


def test_nobody_reads_along_after_a_redirect():
    from urllib.request import Request

    from signseg_rig.weights.downloads import _SafeRedirects

    with pytest.raises(WeightsError, match="not encrypted"):
        _SafeRedirects().redirect_request(
            Request("https://a.example/f"), None, 302, "", {}, "http://b.example/f"
        )


def test_web_page_in_place_of_a_file(know, folder, server):
    know("", None)
    server.content, server.kind = b"<html>Please log in</html>", "text/html; charset=utf-8"
    with pytest.raises(WeightsError, match="a web page in place of the file"):
        fetch_weights("small")
    assert "small.pth" not in names(folder)


def test_file_of_another_size_is_not_downloaded(know, folder, server):
    server.content = CONTENT * 2
    with pytest.raises(WeightsError, match="it has 20480 bytes, expected are 10240"):
        fetch_weights("small")
    assert "small.pth" not in names(folder)


def test_server_that_stalls(know, folder, server):
    server.stops_after, server.stalls = 1000, True
    with pytest.raises(WeightsMissingError, match=r"timed out.*1,000 bytes of it are here"):
        fetch_weights("small", timeout_s=0.2)


def test_endless_file(know, server, monkeypatch):
    know("", None)
    monkeypatch.setattr("signseg_rig.weights.downloads.MAX_BYTES", 5000)
    server.tells_length = False
    with pytest.raises(WeightsError, match="sends more than 5000 bytes"):
        fetch_weights("small")


def test_nobody_answers(know, monkeypatch):
    entry = WeightFile(
        "small", "small.pth", "3 kB", "MIT", Download("http://127.0.0.1:1/small.pth")
    )
    monkeypatch.setitem(CATALOGUE, "small", entry)
    with pytest.raises(WeightsMissingError, match="Connection refused"):
        fetch_weights("small")


def test_disk_without_room(know, server, small_disk, monkeypatch):
    """Seen before anything is sent where the length is told, and where it is not as it fills up."""
    know("", None)
    monkeypatch.setenv("SIGNSEG_WEIGHTS", str(small_disk.path / "weights"))
    (small_disk.path / "weights").mkdir()
    server.content = bytes(3 * 2**20)
    with pytest.raises(WeightsError, match="There is no room for 'small'"):
        fetch_weights("small")
    server.tells_length = False
    with pytest.raises(WeightsError, match=r"cannot be put at .*No space left.*Make room"):
        fetch_weights("small")
    assert not (small_disk.path / "weights" / "small.pth").exists()


def test_one_download_at_a_time(know, folder, server):
    server.stops_after, server.stalls = 1000, True
    begun = threading.Event()
    raised = []

    def first():
        try:
            fetch_weights("small", lambda *_: begun.set())
        except WeightsMissingError as error:
            raised.append(error)

    thread = threading.Thread(target=first)
    thread.start()
    assert begun.wait(timeout=60)
    with pytest.raises(WeightsError, match="being downloaded already"):
        fetch_weights("small")
    server.go_on.set()
    thread.join()
    assert raised
