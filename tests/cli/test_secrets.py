"""A secret that a server sends back in every way is in nothing that a run prints or writes."""

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.cli.command import at_once, http, ssegauge, tcp_server

SECRET = 'zq7"kx/wv9\\öj3'
TOML = """
base_url = "{url}"
profile = "event-stream"
[stream]
path = "/events"
headers = {{ Authorization = "Bearer ${{SSE_KEY}}" }}
json = {{ b64 = "${{SSE_KEY}}" }}
"""
HEAD = f"Content-Type: text/html; key={quote(SECRET, safe='')}\r\nX-Key: {SECRET}"
BODY = f"{SECRET}: 1\ndata: {json.dumps(SECRET)}\ndata: {SECRET}\n\n".encode() + b"\xff" + SECRET.encode()
PIECES = ("kx/wv9", "kx%2Fwv9", "kx%2fwv9", "kx\\/wv9")


OUTPUTS = {"json": ("--json",), "terminal": (), "quiet": ("--quiet",)}
Ran = tuple[Path, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def checks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Ran]]]:
    """A check with each way of output: the folder where it was made, and what it said."""

    places = {output: tmp_path_factory.mktemp(output) for output in OUTPUTS}

    def check(output: str) -> Ran:
        place = places[output]
        with tcp_server(http(BODY, HEAD)) as url:
            (place / "ssegauge.toml").write_text(TOML.format(url=url), encoding="utf-8")
            command = ("check", "--quick", "--out", "run", "--junit", "run/j.xml", "--sarif", "run/s.sarif")
            return place, ssegauge(*command, *OUTPUTS[output], cwd=place)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSE_KEY", SECRET)
        with at_once(check, OUTPUTS) as running:
            yield running


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_secret_is_in_nothing(output: str, checks: dict[str, Future[Ran]]) -> None:
    place, done = checks[output].result()
    assert done.returncode == 1, done.stderr
    files = [path for path in (place / "run").rglob("*") if path.is_file()]
    texts = {path.name: path.read_text(encoding="utf-8") for path in files}
    assert {"conformance.json", "run.json", "report.html", "hello.jsonl", "j.xml", "s.sarif"} <= set(texts)
    assert "[redacted]" in texts["hello.jsonl"]
    texts |= {"stdout": done.stdout, "stderr": done.stderr}
    assert [(name, piece) for name, text in texts.items() for piece in PIECES if piece in text] == []


def test_a_server_that_cannot_be_judged_is_named_without_secrets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSE_KEY", SECRET)
    with tcp_server(http(b"", "Content-Length: 0", "404 Not Found")) as url:
        (tmp_path / "ssegauge.toml").write_text(
            TOML.format(url=url).replace("/events", "/events?k=${SSE_KEY}"), encoding="utf-8"
        )
        done = ssegauge("check", "--quiet", cwd=tmp_path)

    assert (done.returncode, "/events?k=[redacted]: HTTP/1.1 404" in done.stderr) == (2, True), done.stderr
    assert [piece for piece in PIECES if piece in done.stderr + done.stdout] == []
