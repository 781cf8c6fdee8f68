"""Whole runs of requests and their answers, through Locust."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import threading
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ssegauge.reports import schema
from tests.loadtests.answers import CHUNKED, DONE, event
from tests.loadtests.conftest import PATIENT, Load, verdicts
from tests.loadtests.servers import chunk, reply, scripted

TARGET = """
base_url = "{url}"
profile  = "event-stream"
[stream]
path = "/chat"
json = {{ stream = true, messages = [{{ role = "user", content = "{{prompt}}" }}] }}
[promises]
ends  = "[DONE]"
token = "/choices/0/delta/content"
"""


class Page:
    """Prometheus, as far as it asks for the answers that finished; when the run is over there is no page any more."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.finished: list[int] = []

    def look(self, _: object) -> None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics") as page:
            text = page.read().decode()
            self.finished += map(int, re.findall(r"^ssegauge_finished (\d+)$", text, re.MULTILINE))


class TwoAtATime:
    """Answers two at a time, five tokens each, and remembers what it was asked."""

    def __init__(self) -> None:
        self.prompts: set[bytes] = set()
        self._slots, self._lock = threading.Semaphore(2), threading.Lock()

    def __call__(self, connection: socket.socket, head: bytes) -> None:
        while b"content" not in head:
            head += connection.recv(65536)
        with self._lock:
            self.prompts.add(head.rpartition(b'"content": "')[2])
        with self._slots:
            connection.sendall(CHUNKED + chunk(event(None)))
            for number in range(5):
                connection.sendall(chunk(event(f"w{number} ")))
                time.sleep(0.04)
            connection.sendall(chunk(DONE) + b"0\r\n\r\n")


def test_users_ask_a_server_that_answers_two_at_a_time(load: Load, folder: Path) -> None:
    """Its figures add up: what was asked and answered, tokens, goodput; and it is said how many it answers at once."""
    page, answer = Page(), TwoAtATime()
    stated = ("goodput > 1%", "first_token_p50 < 30s", "first_token_p95 < 0.001ms", "tokens_per_second_p5 > 0.01")
    with scripted(answer) as url:
        document = load(
            TARGET.format(url=url)
            + PATIENT.replace("[limits]", "[limits]\nconcurrent = 2")
            + f"[observe]\npid = {os.getpid()}\n",
            users=8,
            duration_s=4,
            prompts="20-30",
            shared_prefix=5,
            objectives=stated,
            metrics_port=page.port,
            on_progress=page.look,
        )
    schema.validate("load", document)
    assert document["scenario"] == "requests"
    _adds_up(document["requests"], len(answer.prompts))
    _is_judged(document)
    _is_kept(document, folder)
    (message,) = document["types"]
    assert message["latency_ms"]["samples"] == document["requests"]["finished"]  # one an answer: its first event
    assert message["latency_ms"]["p50"] == document["latency_ms"]["first_event"]["p50"]
    assert page.finished == sorted(page.finished)
    assert 0 < page.finished[-1] <= document["requests"]["finished"]


def _adds_up(asked: Mapping[str, Any], prompts: int) -> None:
    assert asked["asked"] == asked["finished"] == prompts > 10
    assert asked["most_under_way"] == 8
    assert asked["at_a_time"]["streams"] == 2
    assert asked["at_a_time"]["for"] == "head"
    assert asked["tokens"]["pieces"] == 5 * asked["finished"]
    assert asked["tokens"]["output"]["p50"] == 5
    assert asked["goodput"] == asked["good"] == 0  # no first token comes in a microsecond


def _is_judged(document: dict[str, Any]) -> None:
    found = verdicts(document)
    assert found["answers-finished"] == found["answers-at-once"] == "pass"
    assert found["first-token-p50"] == "pass"
    # Where this process was late for several tokens at once, it calls no first token too late, nor an answer for it.
    late = document["requests"]["tokens"]["first_read_late"]
    assert found["first-token-p95"] == found["goodput"] == ("could_not_judge" if late else "fail")


def _is_kept(document: Mapping[str, Any], folder: Path) -> None:
    asked = document["requests"]
    counted = pd.read_parquet(folder / "samples")["kind"].value_counts()
    assert counted["duration"] == counted["first_token"] == asked["finished"]
    late = asked["tokens"]["gaps_read_late"] + asked["tokens"]["read_together"]
    assert counted["token_gap"] + late == 4 * asked["finished"]
    assert (folder / "live.csv").stat().st_mode & 0o777 == 0o600
    lines = pd.read_csv(folder / "live.csv")
    assert len(lines) >= 4
    assert lines["finished"].is_monotonic_increasing
    assert lines["open"].max() <= 2
    process = document["server"]  # the mock is a thread of ours
    assert process["memory_mib"]["max"] >= process["memory_mib"]["first"] > 10
    assert process["descriptors"] > 5
    assert counted["server_memory"] >= 2


def test_a_server_that_refuses_every_request_is_told_in_one_line_and_judged_nothing_of(load: Load) -> None:
    refusal = reply(b'{"error": {"message": "no such key"}}', "401 Unauthorized")
    with scripted(lambda connection, _: connection.sendall(refusal)) as url:
        document = load(TARGET.format(url=url), users=2, duration_s=20, arrivals="40/s constant", prompts="5")
    assert document["verdict"] == "could_not_judge"
    assert document["requests"]["arrivals"] == "40/s constant"
    (note,) = {item["note"] for item in document["objectives"]}
    assert note.startswith("no request was answered by a stream: status 401: no such key x ")
    assert "give credentials" in note
    assert document["duration_s"] < 15
