"""A run that was not what it was to be is not judged, or fails, and says why."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from ssegauge.loadtests.running.cli import LOCUST
from ssegauge.reports import loaded
from tests.loadtests.conftest import PATIENT, Load, verdicts
from tests.loadtests.servers import OPEN_HEAD, StampedSender, reply, scripted, tasks
from tests.loadtests.test_runs import samples_in

STREAM = 'base_url = "{url}"\n[stream]\npath = "/"\n'


def load_processes() -> list[psutil.Process]:
    """The Locust process that was started from here, and its workers."""
    (first,) = [child for child in psutil.Process().children() if LOCUST in child.cmdline()]
    return [first, *first.children()]


def objective(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [item for item in document["objectives"] if item["rule"] == f"performance/{name}"]
    return dict(found)


def test_a_server_that_refuses_updates_fails_and_every_output_says_so(load: Load) -> None:
    said: list[Any] = []
    with tasks(update_status=429) as server:
        document = load(server.target + PATIENT, users=2, duration_s=1.5, rate=20, on_progress=said.append)
    refused = document["updates"]["refused"]
    assert 0 < refused <= document["updates"]["planned"]
    assert document["updates"]["refusals"]["status 429"] >= refused
    offered = objective(document, "offered-load")
    assert (document["verdict"], offered["verdict"], offered["value"]) == ("fail", "fail", 0.0)
    assert "updates were refused: status 429 x " in offered["note"]
    assert said[-1]["refused"] == refused
    assert dict(loaded.facts(document))["refused"].startswith("status 429 ")


def test_streams_that_are_refused_again_and_again_do_not_keep_the_others_waiting(load: Load) -> None:
    """They had half a minute to come."""
    served = StampedSender(0.0)
    places = iter(range(3))

    def script(connection: socket.socket, head: bytes) -> None:
        if next(places, None) is None:
            connection.sendall(reply(b"{}", "503 Service Unavailable"))
        else:
            served(connection, head)

    begun = time.monotonic()
    with scripted(script) as url:
        document = load(url, users=5, duration_s=1)
    assert time.monotonic() - begun < 25.0
    assert (document["connections"]["peak_open"], document["verdict"]) == (3, "fail")
    assert document["latency_ms"]["update"]["samples"] > 0


def test_updates_that_wait_for_slow_replies_are_not_the_load_that_was_asked_for(load: Load) -> None:
    def slow(update: Any) -> list[Any]:
        time.sleep(0.2)
        return [update]

    with tasks(slow) as server:
        document = load(server.target + PATIENT, users=1, duration_s=3, rate=50)
    offered = objective(document, "offered-load")
    assert offered["verdict"] == "could_not_judge"
    assert "replies take too long for the rate" in offered["note"]


@pytest.mark.parametrize("held_s", [3.0])
def test_a_generator_that_stood_still_judges_nothing(held_s: float, load: Load) -> None:
    """Stopped by a signal in mid-run: what it then reads together arrived at any time while it stood."""
    stopped: list[float] = []

    def stop_for_a_while(status: Any) -> None:
        if status["received"] > 20 and not stopped:
            process = load_processes()[0]
            os.kill(process.pid, signal.SIGSTOP)
            stopped.append(time.monotonic())
            threading.Timer(held_s, os.kill, (process.pid, signal.SIGCONT)).start()

    with scripted(StampedSender(0.0)) as url:
        document = load(STREAM.format(url=url), users=5, duration_s=8, on_progress=stop_for_a_while)
    assert stopped
    assert document["verdict"] == "could_not_judge"
    assert document["generator"]["saturated"]
    assert "the generator was the limit: it stood still for " in document["generator"]["note"]
    assert document["generator"]["delay_ms"]["max"] > 0.8e3 * held_s


def test_of_events_that_are_read_together_the_earlier_may_have_come_at_any_time_since_the_loop_last_asked(
    load: Load, folder: Path, tmp_path: Path
) -> None:
    """The own code blocks the loop for 0.3 s at a time, while one comes each 0.05 s, until the run is nearly over."""
    (tmp_path / "own.py").write_text(
        "from gevent import monkey\nfrom ssegauge import SSEUser\n"
        "really_sleep = monkey.get_original('time', 'sleep')\n"
        "class Slow(SSEUser):\n    path = '/'\n    seen = 0\n"
        "    def on_event(self, kind, data, last_event_id):\n"
        "        self.seen += 1\n        really_sleep(0.3 if self.seen < 15 else 0.0)\n"
    )
    with scripted(StampedSender(0.0, 0.05)) as url:
        target = STREAM.format(url=url) + "[limits]\nupdate_s = 1.0\n"
        document = load(target, scenario=str(tmp_path / "own.py"), users=1, duration_s=4)
    updates = samples_in(folder).query("kind == 'update'").sort_values("at_ms")
    together = updates[updates.duplicated("at_ms", keep="last")]
    assert len(together)
    assert (together.delay_ms >= together.value - 15).all()  # the value is wrong by no more than the delay says
    assert objective(document, "update-latency")["verdict"] == "could_not_judge"


def test_streams_that_never_opened_slowed_nothing_down(load: Load) -> None:
    def no_stream(connection: socket.socket, head: bytes) -> None:
        """Create tasks, take updates, answer the old endpoint; hold back the head of every stream."""
        if head.startswith(b"GET /stream"):
            connection.recv(1)
            return
        body = b'{"taskId": "7"}'
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)

    with scripted(no_stream) as url:
        target = f"""
base_url = "{url}"
existing = {{ path = "/old" }}
[stream]
path = "/stream/{{task_id}}"
[task.create_manual]
path = "/tasks"
[task.update]
path = "/tasks/{{task_id}}/updates"
[limits]
connect_s = 0.05
update_s = 0.5
"""
        document = load(target, users=3, duration_s=1, rate=10)
    assert document["connections"]["peak_open"] == 0
    assert "pass" not in verdicts(document).values()
    assert document["integrity"] is None
    assert "may hold the head until the first event" in document["generator"]["note"]


def test_a_server_with_few_slots_is_named(load: Load) -> None:
    slots = threading.Semaphore(4)

    def script(connection: socket.socket, _: bytes) -> None:
        with slots:
            connection.sendall(OPEN_HEAD + b"data: a\n\n")
            time.sleep(0.5)
            connection.sendall(b"data: b\n\n")

    with scripted(script) as url:
        document = load(STREAM.format(url=url) + "[limits]\nconnect_s = 0.9\n", users=20, duration_s=3)
    concurrent = objective(document, "concurrent-streams")
    assert concurrent["verdict"] == "fail"
    # Four; more on a busy machine, which sees the end of one stream after the beginning of the next.
    assert re.match(r"answers \d+ at a time; the others waited up to \d+\.\d s for their head", concurrent["note"])


def test_nothing_is_said_of_the_integrity_of_a_stream_that_is_not_driven(load: Load) -> None:
    with scripted(StampedSender(0.0)) as url:
        document = load(STREAM.format(url=url) + PATIENT, users=3, duration_s=1)
    assert document["integrity"] is None
    assert document["updates"] is None
    assert "updates" not in dict(loaded.facts(document))


def test_latency_is_true_for_a_server_that_polls_though_streams_are_opened_and_closed_in_phases(load: Load) -> None:
    """Each stream looks for news once a second, from its opening on: on average an update waits for half of it."""
    period_s = 1.0

    def polled(update: Any) -> list[Any]:
        return [update]

    with tasks(polled, period_s=period_s) as server:
        document = load(server.target + '[existing]\npath = "/old"\n' + PATIENT, users=10, duration_s=8, rate=60)
    assert document["phases"]
    latency = document["latency_ms"]["update"]
    assert latency["samples"] > 100
    assert latency["p50"] == pytest.approx(1e3 * period_s / 2, abs=120)
    assert document["integrity"]["lost"] == 0


STOPPING = """
from gevent import monkey
from locust import events
from ssegauge.loadtests.scenarios.progress import ProgressUser

def hold_the_loop_up(**_):
    monkey.get_original("time", "sleep")(1.0)

events.test_stopping._handlers.insert(0, hold_the_loop_up)
"""


def test_the_end_of_a_run_is_not_measured(load: Load, tmp_path: Path) -> None:
    """Locust holds the loop up when it stops, to look where that was called from; nothing is under way by then."""
    (tmp_path / "own.py").write_text(STOPPING)
    with tasks() as server:
        document = load(server.target, scenario=str(tmp_path / "own.py"), users=3, duration_s=1, rate=40)
    assert verdicts(document)["update-latency"] == "pass"
    assert document["latency_ms"]["update"]["max"] < 900
    assert document["integrity"]["lost"] == 0
