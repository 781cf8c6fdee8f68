"""Streams that need calls first, under load: a session for each user, or one for all; what fails is counted."""

import json
import re
import socket
import threading
from pathlib import Path

import pytest

from tests.loadtests.conftest import PATIENT, Load
from tests.loadtests.servers import StampedSender, reply, scripted

TARGET = """
base_url = "{url}"
[[before]]
path = "/runs"
method = "POST"
keep = {{ run = "/run", session = "header:X-Session-Id" }}
[stream]
path = "/runs/{{run}}/events"
headers = {{ X-Session-Id = "{{session}}" }}
[promises]
shared = {shared}
"""


class Sessions:
    """POST /runs gives a run and a session; its stream, which both name, never ends."""

    def __init__(self, started: bytes = b"") -> None:
        self.started = started
        self.made = 0
        self.opened: list[str] = []
        self.lock = threading.Lock()

    def __call__(self, connection: socket.socket, head: bytes) -> None:
        if head.startswith(b"POST /runs "):
            with self.lock:
                self.made += 1
                answer = self.started or json.dumps({"run": self.made}).encode()
                session = f"X-Session-Id: session-{self.made}-end\r\nConnection: close\r\n"
            return connection.sendall(reply(answer, fields=session.encode()))
        run = re.match(rb"GET /runs/(\d+)/events ", head)
        if not run or b"X-Session-Id: session-%s-end\r\n" % run[1] not in head:
            return connection.sendall(reply(b"{}", "404 Not Found", b"Connection: close\r\n"))
        with self.lock:
            self.opened.append(run[1].decode())
        return StampedSender(0.0)(connection, head)


@pytest.mark.parametrize(("shared", "made"), [("false", 4), ("true", 1)])
def test_each_user_has_a_session_or_all_have_one(shared: str, made: int, load: Load, folder: Path) -> None:
    sessions = Sessions()
    with scripted(sessions) as url:
        document = load(TARGET.format(url=url, shared=shared) + PATIENT, users=4, duration_s=1)

    assert document["connections"]["failed"] == 0
    assert (document["connections"]["peak_open"], sessions.made) == (4, made)
    assert sorted(sessions.opened) == (["1", "2", "3", "4"] if made == 4 else ["1"] * 4)
    written = "".join(file.read_text() for file in folder.glob("*.json"))
    assert re.findall(r"session-\d-end", written) == []


def test_a_call_that_fails_is_counted_and_named(load: Load) -> None:
    with scripted(Sessions(b"<!doctype html>")) as url:
        document = load(TARGET.format(url=url, shared="false") + PATIENT, users=2, duration_s=1)

    assert set(document["connections"]["drop_reasons"]) == {
        "[[before]] 1, POST /runs: the reply is an HTML page, not JSON, so there is no value at /run"
    }
    assert document["verdict"] != "pass"
