"""``ssegauge init``: the file that it writes loads, checks, says what was seen, and holds no credential."""

import json
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ssegauge.conformance.check import Options, check
from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.init import init
from ssegauge.conformance.init.glimpse import Glimpse
from ssegauge.conformance.init.text import toml
from ssegauge.conformance.recording.transcript import from_capture
from ssegauge.conformance.runfolder import RunFolder
from ssegauge.conformance.seen import View
from ssegauge.conformance.target import KNOWN, Call, Ends, Given, Tls, from_toml, load_target
from tests.cli.command import http, tcp_server

LOOK_S = 1.0
SECRET = "sk-0815-very-secret"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "ssegauge.toml"


@pytest.fixture(scope="module")
def reference_url() -> Iterator[str]:
    line = [sys.executable, "-m", "ssegauge.reference_server", "--port", "0"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().split()[-1]
        process.terminate()


def ticking(connection: socket.socket) -> None:
    """A feed: an event and a comment, each so often, with ids, without end."""
    http(b"retry: 1000\n")(connection)
    for number in range(1000):
        connection.sendall(b'id: %d\nevent: tick\ndata: {"n": %d}\n\n: beat\n\n' % (number, number))
        time.sleep(0.05)


CHUNK = {"id": "c1", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "Hi"}}]}


def chatting(connection: socket.socket) -> None:
    """A chat completion that repeats the secret it was asked with."""
    told = [CHUNK, {**CHUNK, "echo": SECRET}]
    body = "".join(f"data: {json.dumps(one)}\n\n" for one in told) + "data: [DONE]\n\n"
    http(body.encode(), f"Content-Type: text/event-stream\r\nContent-Length: {len(body)}\r\nConnection: close")(
        connection
    )


def uncommented(text: str) -> str:
    """The file with every suggestion taken: lines that are TOML behind their #."""
    return re.sub(r"(?m)^# (?=\[+\w+|\w+ += )", "", text)


def test_a_feed_is_described(out: Path, tmp_path: Path) -> None:
    with tcp_server(ticking) as url:
        glimpse = init(f"{url.removeprefix('http://')}/ticks?room=1", Given(), out, LOOK_S)
        target = load_target(str(out))
        folder = RunFolder.create(tmp_path / "run", target, ["test"])
        document, _ = check(target, folder, Options(quick=True))

    assert (target.base_url, target.stream, target.profile) == (url, Call("/ticks?room=1", "GET"), "event-stream")
    assert (target.unused, document["counts"]["harness_error"]) == ((), 0)
    assert set(glimpse.types) == {"tick"}
    assert glimpse.events == glimpse.ids == glimpse.json_events > 1
    assert not glimpse.ended
    text = out.read_text()
    assert f'{glimpse.events} events ("tick" {glimpse.events})' in text
    assert re.search(r"(?m)^# resume = true +# a reconnect .*; \d+ ids were seen$", text)
    assert re.search(r"(?m)^# heartbeat_s = 15.0 +# seen between comments, at most: 0\.\d\d s$", text)
    assert re.search(r'(?m)^# ends = "never" +# no end was seen', text)


def test_a_chat_completion_is_described_without_its_key(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = Given(
        (f"Authorization: Bearer {SECRET}", "X-Team: ${TEAM}", "Accept: text/event-stream"),
        body=json.dumps({"model": "x", "api_key": SECRET, "stop": None, "messages": [{"content": f"Ä\x7f {SECRET}"}]}),
        insecure=True,
    )
    monkeypatch.setenv("TEAM", "team-of-env")
    with tcp_server(chatting) as url:
        init(f"{url}/v1/chat/completions?key={SECRET}x", given, out, LOOK_S)
        text = out.read_text()
        monkeypatch.setenv("AUTHORIZATION", SECRET)
        monkeypatch.setenv("KEY", "k")
        target = load_target(str(out))
        document, _ = check(target, RunFolder.create(tmp_path / "run", target, ["test"]), Options(quick=True))

    assert SECRET not in text
    assert "team-of-env" not in text
    assert target.profile == ("chat-completions" if "chat-completions" in KNOWN else "event-stream")
    assert (target.stream.method, target.stream.path) == ("POST", "/v1/chat/completions?key=k")
    assert target.stream.json == {"model": "x", "api_key": SECRET, "messages": [{"content": f"Ä\x7f {SECRET}"}]}
    assert target.headers == {"Authorization": f"Bearer {SECRET}", "X-Team": "team-of-env"}
    assert target.stream.headers == {"Accept": "text/event-stream"}
    assert target.tls == Tls(verify=False)
    assert document["counts"]["harness_error"] == 0
    assert '# ends = "[DONE]" ' in text
    assert '# token = "/choices/0/delta/content"' in text
    assert "# TOML has no null" in text


def test_the_stream_of_a_task_names_the_way_to_its_profile(reference_url: str, out: Path, tmp_path: Path) -> None:
    asked = urllib.request.Request(
        f"{reference_url}/api/brand-monitor/tasks",
        b'{"steps": 3, "interval_ms": 50}',
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked) as answer:
        task = json.load(answer)["taskId"]
    glimpse = init(f"{reference_url}/api/brand-monitor/progress/{task}", Given(), out, LOOK_S)
    target = load_target(str(out))
    document, _ = check(target, RunFolder.create(tmp_path / "run", target, ["test"]), Options(quick=True))

    assert (glimpse.profile, target.profile, glimpse.ended) == ("task-progress", "event-stream", True)
    assert glimpse.ends == Ends(pointer="/progress/status", in_=("completed",))
    assert '# ends = { pointer = "/progress/status", in = ["completed"] }' in out.read_text()
    assert "# These are the events of task-progress." in out.read_text()
    assert document["verdict"] == "pass"


def test_every_suggestion_is_one_that_can_be_taken(out: Path) -> None:
    with tcp_server(chatting) as url:
        init(url, Given(), out, LOOK_S)
    (out.parent / "event.schema.json").write_text("{}")
    target = from_toml(uncommented(out.read_text()), str(out))

    assert target.promises.ends == Ends(data="[DONE]")
    assert target.promises.schema_of("message") == {}
    assert [before.path for before in target.before] == ["/runs"]
    assert target.publish == Call("/publish", "POST", {"text": "{marker}"})
    assert (target.origin, target.observe.pid) == ("https://app.example", 4711)


REFUSED: dict[str, tuple[Callable[[socket.socket], None], str]] = {
    "html": (http(b"<h1>", "Content-Type: text/html\r\nContent-Length: 4"), "answered with 200 text/html, which is no"),
    "404": (http(b"", "Content-Length: 0", "404 Not Found"), "404 Not Found; check base_url and stream.path"),
    "500": (http(b"", "Content-Length: 0", "500 Oh"), "answered with 500 no content type, which is no event stream"),
    "moved": (http(b"", "Location: /x\r\nContent-Length: 0", "302 Found"), "redirected to /x"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_stream_is_named_and_nothing_written(case: str, out: Path) -> None:
    answer, said = REFUSED[case]
    with tcp_server(answer) as url, pytest.raises(CannotJudge, match=r"^GET http://") as caught:
        init(url, Given(), out, LOOK_S)

    assert said in str(caught.value)
    assert not out.exists()


def test_nothing_is_overwritten(out: Path) -> None:
    out.write_text("mine")
    with pytest.raises(CannotJudge, match=r"ssegauge\.toml: exists, and init overwrites nothing"):
        init("http://127.0.0.1:1", Given(), out, LOOK_S)
    assert out.read_text() == "mine"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with tcp_server(chatting) as url, pytest.raises(CannotJudge, match=r"--out .*/none/x\.toml: No such file"):
        init(url, Given(), tmp_path / "none" / "x.toml", LOOK_S)


@pytest.mark.parametrize("where", ["ssegauge.toml", "nothing", ""])
def test_only_a_url_can_be_looked_at(where: str, out: Path) -> None:
    with pytest.raises(CannotJudge, match="not an address; init looks at a stream, give its URL"):
        init(where, Given(), out, LOOK_S)


def seen(body: str, *, ended: bool = True) -> Glimpse:
    view = View(from_capture(body.encode()))
    glimpse = Glimpse.of(view)
    return glimpse if not ended else Glimpse.of(_ended(view))


def _ended(view: View) -> View:
    from dataclasses import replace

    from ssegauge.conformance.recording.transcript import End

    return View(replace(view.transcript, end=End(1000.0, "eof")))


@pytest.mark.parametrize(
    ("body", "ends"),
    [
        ("", Ends(how="close")),
        ("data: a\n\ndata: b\n\n", Ends(data="b")),
        ("data: a\n\ndata: a\n\n", Ends(how="close")),
        ("data: a\n\n", Ends(how="close")),
        ("data: 1\n\ndata: [DONE]\n\n", Ends(data="[DONE]")),
        ("data: {}\n\nevent: complete\ndata: {}\n\n", Ends(event="complete")),
        ("event: tick\ndata: {}\n\nevent: tick\ndata: {}\n\n", Ends(how="close")),
        ('data: {"status":"running"}\n\ndata: {"status":"Failed"}\n\n', Ends(pointer="/status", in_=("Failed",))),
        ('data: {"status":7}\n\ndata: {"status":7}\n\n', Ends(how="close")),
        (f"data: a\n\ndata: {'x' * 60}\n\n", Ends(how="close")),
    ],
)
def test_an_end_is_recognized(body: str, ends: Ends) -> None:
    assert seen(body).ends == ends


def test_a_stream_that_was_left_shows_no_end() -> None:
    assert seen("data: a\n\n", ended=False).ends is None
    assert seen("data: [DONE]\n\n", ended=False).ends == Ends(data="[DONE]")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, "{}"),
        ({"a-b": [1, True, 2.5, None], "c d": {"e": None}}, '{ a-b = [1, true, 2.5], "c d" = {} }'),
        ('"\\\n\x7f\u2028😀', '"\\"\\\\\\n\\u007f\u2028😀"'),
    ],
)
def test_json_is_written_as_toml(value: object, text: str) -> None:
    assert toml(value) == text
