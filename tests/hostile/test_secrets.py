"""A secret that a server sends back is in nothing that a run prints or writes: every place by every way of writing."""

import base64
import gzip
import html
import json
import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.conftest import asked_for
from tests.hostile.command import Done, run
from tests.hostile.modes import chunk, head
from tests.hostile.server import Answer, serving

SECRET = 'zqö7"Kx/wV9\\j3-Pw'
USER = "alice"
TOML = """
base_url = "http://127.0.0.1:{port}"
headers = {{ Authorization = "Bearer ${{SSE_KEY}}" }}
[stream]
path = "/events?k=${{SSE_KEY}}"
"""


WRITTEN: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "upper case": str.upper,
    "swapped case": str.swapcase,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in upper case": lambda text: re.sub(r"\\u(....)", lambda m: "\\u" + m[1].upper(), json.dumps(text)[1:-1]),
    "percent": lambda text: quote(text, safe=""),
    "percent in lower case": lambda text: re.sub("%..", lambda m: m[0].lower(), quote(text, safe="")),
    "percent of every byte": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "percent in JSON": lambda text: json.dumps(quote(text))[1:-1],
    "HTML": html.escape,
    "numbered entities": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "Python": lambda text: repr(text.encode())[2:-1],
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of user and password": lambda text: base64.b64encode(f"{USER}:{text}".encode()).decode(),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(f"x{text}y".encode()).decode(),
}
PIECES = sorted(
    {piece for write in WRITTEN.values() for piece in (write(SECRET), write(SECRET)[3:-3]) if len(piece) > 7}
    | {"kx/wv9", "kx%2fwv9", "kx\\/wv9"}
)


def stream(fields: bytes = b"", body: bytes = b"data: 1\n\n", status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    usual = b"Content-Type: text/event-stream\r\nConnection: close\r\n"
    return head(fields + (b"" if b"Content-Type" in fields else usual), status) + body


def in_pieces(text: bytes, size: int) -> bytes:
    chunks = b"".join(chunk(text[at : at + size]) for at in range(0, len(text), size))
    return head(b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n") + chunks + chunk(b"")


PLACES: dict[str, Callable[[bytes], bytes]] = {
    "Location": lambda text: stream(b"Location: /x?" + text + b"\r\n", b"", b"HTTP/1.1 302 Found"),
    "Location of another scheme": lambda text: stream(b"Location: ftp://x/" + text + b"\r\n", b"", b"HTTP/1.1 301 No"),
    "Content-Type": lambda text: stream(b"Content-Type: text/html;k=" + text + b"\r\n"),
    "Content-Encoding": lambda text: stream(b"Content-Encoding: " + text + b"\r\n"),
    "status reason": lambda text: stream(b"", b"", b"HTTP/1.1 404 " + text),
    "reason of a stream": lambda text: stream(b"", status=b"HTTP/1.1 200 " + text),
    "cookie": lambda text: stream(b"Set-Cookie: s=" + text + b"\r\n"),
    "any field": lambda text: stream(b"X-Echo: " + text + b"\r\n"),
    "Access-Control-Allow-Origin": lambda text: stream(b"Access-Control-Allow-Origin: " + text + b"\r\n"),
    "data": lambda text: stream(body=b"data: " + text + b"\n\n"),
    "JSON key": lambda text: stream(body=b'data: {"' + text + b'": 1}\n\n'),
    "field name": lambda text: stream(body=text + b": 1\ndata: 1\n\n"),
    "event type": lambda text: stream(body=b"event: " + text + b"\ndata: 1\n\n"),
    "id": lambda text: stream(body=b"id: " + text + b"\ndata: 1\n\n"),
    "retry": lambda text: stream(body=b"retry: " + text + b"\ndata: 1\n\n"),
    "comment": lambda text: stream(body=b": " + text + b"\n\ndata: 1\n\n"),
    "unfinished event": lambda text: stream(body=b"data: 1\n\ndata: " + text),
    "beside bytes that are not UTF-8": lambda text: stream(body=b"data: \xff" + text + b"\xfe\n\n"),
    "single bytes": lambda text: in_pieces(b"data: " + text + b"\n\n", 1),
    "pieces of five": lambda text: in_pieces(b"data: " + text + b"\n\n", 5),
    "gzip": lambda text: stream(b"Content-Encoding: gzip\r\nX: y\r\n", gzip.compress(b"data: " + text + b"\n\n")),
    "protocol error": lambda text: b"HTTP/1.1 200 OK\r\n" + text + b"\r\n\r\n",
    "chunk size": lambda text: in_pieces(b"data: 1\n\n", 99)[:-5] + text + b"\r\n",
}


def all_at_once(place: str) -> Answer:
    """Send the secret in one place, in every way of writing, to one reader after the other."""
    ways = [PLACES[place](write(SECRET).encode()) for write in WRITTEN.values()]
    turns = iter(range(1 << 30))

    def answer(connection: socket.socket) -> None:
        connection.sendall(ways[next(turns) % len(ways)])
        connection.shutdown(socket.SHUT_WR)

    return answer


def everything(place: Path, done: Done) -> dict[str, str]:
    files = {
        str(path.relative_to(place)): path.read_bytes().decode("utf-8", "replace")
        for path in place.rglob("*")
        if path.is_file() and path.name != "ssegauge.toml"
    }
    return {"output": done.said, **files, **{f"{name}, base64": _bodies(text) for name, text in files.items()}}


def _bodies(text: str) -> str:
    """What stands in a transcript as base64 or as pieces of text, as a whole."""
    rows = [json.loads(line) for line in text.splitlines() if line.startswith('{"chunk"')]
    parts = [row["chunk"] for row in rows]
    raw = b"".join(base64.b64decode(one["b64"]) if "b64" in one else one["text"].encode() for one in parts)
    with_coding = [raw]
    if raw.startswith(b"\x1f\x8b"):
        import zlib

        with_coding.append(zlib.decompressobj(31).decompress(raw))
    return b"".join(with_coding).decode("utf-8", "replace")


def leaks(texts: dict[str, str]) -> list[tuple[str, str]]:
    return [
        (name, piece)
        for name, text in texts.items()
        for low in [text.lower()]
        for piece in PIECES
        if piece.lower() in low
    ]


def check(name: str, place: Path) -> Done:
    with serving(all_at_once(name)) as served:
        (place / "ssegauge.toml").write_text(TOML.format(port=served.port), encoding="utf-8")
        words = ("check", "--quick", "--out", "run", "--junit", "run/j.xml", "--sarif", "run/s.sarif")
        return run(*words, "--verbose", cwd=place, SSE_KEY=SECRET)


# The others are part of `make hostile`.
BRISK = ("data", "single bytes")
PLAYED = [name if name in BRISK else pytest.param(name, marks=pytest.mark.hostile) for name in PLACES]


@pytest.fixture(scope="module")
def checks(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[dict[str, tuple[Path, Future[Done]]]]:
    places = {name: tmp_path_factory.mktemp("secrets") for name in asked_for(request, "name")}
    with ThreadPoolExecutor(4) as pool:
        yield {name: (place, pool.submit(check, name, place)) for name, place in places.items()}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", PLAYED)
def test_a_secret_is_in_nothing(name: str, checks: dict[str, tuple[Path, Future[Done]]]) -> None:
    place, running = checks[name]
    done = running.result()
    assert "Traceback" not in done.said, done.said
    assert (place / "run" / "run.json").is_file()
    assert leaks(everything(place, done)) == [], done.said


def test_the_search_finds_what_is_there() -> None:
    for way, write in WRITTEN.items():
        assert leaks({"x": f"<{write(SECRET)}>"}), way


@pytest.mark.timeout(600)
def test_run_folders_are_their_owners_alone(checks: dict[str, tuple[Path, Future[Done]]]) -> None:
    place, running = checks["data"]
    running.result()
    modes = {path.relative_to(place).as_posix(): path.stat().st_mode & 0o777 for path in (place / "run").rglob("*")}
    assert (place / "run").stat().st_mode & 0o777 == 0o700
    assert {modes[name] for name in ("run/run.json", "run/conformance.json", "run/transcripts/hello.jsonl")} == {0o600}
