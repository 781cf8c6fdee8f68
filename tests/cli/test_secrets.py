"""A secret that a server sends back in every way is in nothing that a run prints or writes."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.cli.command import http, ssegauge, tcp_server

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


@pytest.mark.parametrize("words", [("--json",), (), ("--quiet",)], ids=["json", "terminal", "quiet"])
def test_a_secret_is_in_nothing(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSE_KEY", SECRET)
    with tcp_server(http(BODY, HEAD)) as url:
        (tmp_path / "ssegauge.toml").write_text(TOML.format(url=url), encoding="utf-8")
        command = ("check", "--quick", "--out", "run", "--junit", "run/j.xml", "--sarif", "run/s.sarif", *words)
        done = ssegauge(*command, cwd=tmp_path)

    assert done.returncode == 1, done.stderr
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
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
