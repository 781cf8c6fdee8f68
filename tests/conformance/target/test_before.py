"""The calls that a stream needs first, made against a small server that gives sessions and runs."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ssegauge.conformance.check import Options, check
from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.facts import Facts
from ssegauge.conformance.play import Plan
from ssegauge.conformance.recording.before import HookFailed
from ssegauge.conformance.recording.live import Recording
from ssegauge.conformance.recording.redaction import Redactor
from ssegauge.conformance.recording.server import PROBE, Server
from ssegauge.conformance.runfolder import RunFolder
from ssegauge.conformance.target import Target, from_toml

WITHOUT_CAUSE = {"again"}  # asks nothing where nobody was told nothing
SESSION, TOKEN = "sess-4711-secret", "tok-0815-secret"


class Runs(BaseHTTPRequestHandler):
    """POST /runs starts a run and names a session; GET /runs/N/events needs both; /html, /broken and the like fail."""

    protocol_version = "HTTP/1.1"
    server: "Site"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"null")
        self.server.seen.append(("POST", self.path, body, dict(self.headers)))
        if self.path == "/runs":
            self.server.runs += 1
            self._reply(
                201,
                json.dumps({"id": self.server.runs, "access_token": TOKEN}),
                "application/json",
                **{"Mcp-Session-Id": SESSION},
            )
        elif self.path == "/html":
            self._reply(200, "<!doctype html><title>Log in</title>", "text/html")
        elif self.path == "/ready":
            self._reply(202, "", "application/json")
        else:
            self._reply(500, '{"error": "down"}', "application/json")

    def do_GET(self) -> None:
        self.server.seen.append(("GET", self.path, None, dict(self.headers)))
        if self.headers.get("Mcp-Session-Id") != SESSION or not self.path.startswith("/runs/"):
            return self._reply(404, "{}", "application/json")
        number = self.path.split("/")[2]
        return self._reply(200, f'id: {number}\ndata: {{"run": "{number}"}}\n\n', "text/event-stream")

    def _reply(self, status: int, text: str, kind: str, **more: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(text)), **more}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        pass


class Site(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Runs)
        self.seen: list[tuple[str, str, Any, dict[str, str]]] = []
        self.runs = 0

    def asked(self, method: str, path: str) -> list[tuple[Any, dict[str, str]]]:
        return [(body, headers) for how, where, body, headers in self.seen if (how, where) == (method, path)]


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def described(site: Site, before: str) -> Target:
    return from_toml(
        f'base_url = "http://127.0.0.1:{site.server_address[1]}"\n{before}\n'
        '[stream]\npath = "/runs/{run}/events"\nheaders = { Mcp-Session-Id = "{session}", accept = "a/b" }\n'
    )


START = (
    '[[before]]\npath = "/runs"\njson = { topic = "x" }\nkeep = { run = "/id", session = "header:mcp-session-id" }\n'
)


async def test_each_call_is_made_in_order_and_filled_in_with_what_earlier_ones_kept(site: Site) -> None:
    then = (
        '[[before]]\npath = "/ready"\nmethod = "POST"\nheaders = { Mcp-Session-Id = "{session}" }\njson = ["{run}"]\n'
    )
    async with Server(described(site, START + then), Recording()) as server:
        assert await server.prepare() == {"run": "1", "session": SESSION}

    ((body, headers),) = site.asked("POST", "/ready")
    assert (body, headers["Mcp-Session-Id"]) == (["1"], SESSION)


async def test_streams_of_one_probe_are_about_one_subject_and_those_of_another_about_another(site: Site) -> None:
    async with Server(described(site, START), Recording()) as server:
        PROBE.set("one")
        twice = [await server.read(name, Facts()) for name in ("a", "b")]
        PROBE.set("two")
        other = await server.read("c", Facts())

    assert [view.messages[0].fields["run"] for view in (*twice, other)] == ["1", "1", "2"]


async def test_the_targets_own_accept_is_sent_with_every_request_for_the_stream(site: Site) -> None:
    async with Server(described(site, START), Recording()) as server:
        await server.read("a", Facts(last_event_id="7"))
        live = server.begin(
            "origin", server.target.stream, headers={"Accept": "text/event-stream", "Origin": "http://x"}
        )
        await live.finish(5)

    first, second = (headers for _, headers in site.asked("GET", "/runs/1/events"))
    assert (first["accept"], first["Last-Event-ID"]) == ("a/b", "7")
    assert (second["accept"], second["Origin"]) == ("a/b", "http://x")
    assert [headers["Accept"] for _, headers in site.asked("POST", "/runs")] == ["*/*"]


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ('path = "/broken"\nmethod = "POST"', "[[before]] 2, POST {base}/broken: HTTP/1.1 500 Internal Server Error"),
        (
            'path = "/html"\nmethod = "POST"\nkeep = { x = "/id" }',
            "[[before]] 2, POST {base}/html: the reply is an HTML page, not JSON, so there is no value at /id",
        ),
        ('path = "/runs"\nmethod = "POST"\nkeep = { x = "/ID" }', "[[before]] 2, POST {base}/runs: no value at /ID"),
        (
            'path = "/ready"\nmethod = "POST"\nkeep = { x = "header:X-Run" }',
            "[[before]] 2, POST {base}/ready: the reply has no header field X-Run",
        ),
    ],
)
async def test_a_call_that_fails_is_named_with_what_came(site: Site, before: str, said: str) -> None:
    async with Server(described(site, f"{START}[[before]]\n{before}\n"), Recording()) as server:
        with pytest.raises(HookFailed) as caught:
            await server.subject()

    told = str(caught.value)
    assert told.startswith(said.format(base=f"http://127.0.0.1:{site.server_address[1]}"))
    assert "\n" not in told


async def test_a_server_that_is_gone_is_named(site: Site) -> None:
    target = described(site, START)
    gone = Target("http://127.0.0.1:1", target.stream, "event-stream", before=target.before)
    async with Server(gone, Recording()) as server:
        with pytest.raises(HookFailed, match=r"\[\[before\]\] 1, POST http://127.0.0.1:1/runs: cannot connect"):
            await server.prepare()


def written(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


async def test_a_session_id_is_written_nowhere(site: Site, tmp_path: Path) -> None:
    recording = Recording(tmp_path, Redactor())
    async with Server(described(site, START), recording) as server:
        await server.read("a", Facts())

    files = written(tmp_path)
    assert set(files) == {"before-1.jsonl", "a.jsonl"}
    assert SESSION not in "".join(files.values())
    assert recording.redact.text(f"x{SESSION}") == "x[redacted]"


async def test_a_token_from_a_body_is_written_nowhere(site: Site, tmp_path: Path) -> None:
    target = described(site, START.replace("keep = { ", 'keep = { token = "/access_token", '))
    async with Server(target, Recording(tmp_path, Redactor())) as server:
        assert (await server.subject())["token"] == TOKEN

    text = written(tmp_path)["before-1.jsonl"]
    assert "access_token" in text
    assert TOKEN not in text


def test_a_check_of_such_a_server_judges_its_stream(site: Site, tmp_path: Path) -> None:
    target = described(site, START)
    plans: list[Plan] = []
    folder = RunFolder.create(tmp_path / "run", target, ["test"])
    document, notes = check(target, folder, Options(quick=True), on_plan=plans.append)

    (said,) = re.findall(r"up to (\d+) requests", plans[0].described())
    assert len(site.seen) <= int(said)
    assert site.runs == 1 + sum(one.name not in WITHOUT_CAUSE for one in plans[0].probes)
    assert notes == []
    assert document["counts"]["harness_error"] == 0
    asked = [headers for method, path, _, headers in site.seen if method == "GET" and path.startswith("/runs/")]
    assert len(asked) > 3
    assert {headers.get("Mcp-Session-Id") for headers in asked} == {SESSION}


def test_a_check_whose_call_fails_says_so(site: Site, tmp_path: Path) -> None:
    target = described(site, START.replace("/id", "/nothing"))
    with pytest.raises(CannotJudge, match=r"\[\[before\]\] 1, POST .*/runs: no value at /nothing"):
        check(target, RunFolder.create(tmp_path / "run", target, ["test"]), Options(quick=True))
