"""Updates: what is sent, when it is planned, and in which order."""

from __future__ import annotations

import itertools
import statistics
import threading
from collections import defaultdict
from random import Random
from typing import Any

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.target import Target, from_toml
from ssegauge.loadtests.driving import pacing
from ssegauge.loadtests.driving.client import Client
from ssegauge.loadtests.driving.updates import Driver, Hooks, Task, update_body
from ssegauge.loadtests.measuring.integrity import Tokens
from ssegauge.loadtests.measuring.meters import glance, is_terminal
from ssegauge.loadtests.stream import clock
from ssegauge.loadtests.stream.connection import resolve
from tests.loadtests.servers import PATIENCE, TaskServer, Update, tasks


@given(st.floats(0.1, 10_000), st.integers(0, 10**9), st.integers(1, 9))
def test_the_plan_has_one_happening_a_slot_and_one_of_each_subject_a_round(
    rate: float, start_ns: int, many: int
) -> None:
    planned = [*itertools.islice(pacing.plan(start_ns, rate, range(many), Random(1)), 6 * many)]
    slots = [(due_ns - start_ns) * rate / 1e9 for due_ns, _ in planned]
    assert all(k - 1e-4 <= slot <= k + 1 + 1e-4 for k, slot in enumerate(slots))
    subjects = [subject for _, subject in planned]
    assert all(sorted(subjects[at : at + many]) == [*range(many)] for at in range(0, len(subjects), many))


@pytest.mark.parametrize(("rate", "many"), [(25, 50), (1, 1), (0.5, 1)])
def test_a_server_that_polls_in_step_with_the_plan_shows_all_its_latencies(rate: float, many: int) -> None:
    """Each task is updated every 2 s or 1 s on average, and learnt of at the next multiple of 2 s."""
    planned = itertools.islice(pacing.plan(0, rate, range(many), Random(1)), 200 * many)
    waits: defaultdict[int, list[float]] = defaultdict(list)
    for due_ns, subject in planned:
        waits[subject].append(2 - due_ns / 1e9 % 2)
    for waited in waits.values():  # evenly over 0 to 2 s
        assert statistics.quantiles(waited, n=4) == pytest.approx([0.5, 1.0, 1.5], abs=0.25)


def test_progress_never_falls_and_never_reaches_the_end() -> None:
    reported = [pacing.progress_of(sequence) for sequence in range(1, 100_000)]
    assert reported == sorted(reported)
    assert (reported[0] >= 0, max(reported) <= 99) == (True, True)


def test_our_own_update_follows_the_specification() -> None:
    running = update_body(None, "running", 3, "text")
    assert running == {"status": "running", "stage": "Load", "progress": 5, "message": "text"}
    completed = update_body(None, "completed", 4, "text")
    assert (completed["status"], completed["progress"], bool(completed["results"])) == ("completed", 100, True)


EVENTS: dict[str, tuple[str, int | None, bool]] = {
    "progress": ('{"type":"progress","progress":{"status":"running"},"timestamp":1700000000017}', 1700000000017, False),
    "completed": (
        '{"type":"progress","progress":{"status":"completed"},"timestamp":1700000000017}',
        1700000000017,
        True,
    ),
    "failed": ('{"type":"progress","progress":{"status":"failed"}}', None, True),
    "error": ('{"type":"error","timestamp":1700000000017}', 1700000000017, True),
    "no JSON": ("[DONE]", None, False),
    "no object": ("[1]", None, False),
    "a stamp that is none": ('{"timestamp":true,"progress":3}', None, False),
}


@pytest.mark.parametrize(("data", "stamp", "terminal"), EVENTS.values(), ids=EVENTS)
def test_what_an_event_tells(data: str, stamp: int | None, terminal: bool) -> None:
    assert glance(data)[1] == stamp
    assert is_terminal(data) == terminal


class Driven:
    """Hooks and tasks against a task server."""

    def __init__(self, server: TaskServer) -> None:
        self.target: Target = from_toml(server.target)
        self.origin = resolve(self.target.base_url, self.target.tls)
        self.replies: list[tuple[str, str]] = []
        self.client = Client(self.origin, PATIENCE)
        self.hooks = Hooks(self.target, self.origin, self.client, Tokens("ab"), self._on_reply)

    def create(self) -> Task:
        assert self.target.task.create_manual
        return self.hooks.create(self.target.task.create_manual)

    def _on_reply(self, name: str, _sent: int, _arrived: int, failure: str) -> None:
        self.replies.append((name, failure))


def wait_until(condition: Any) -> None:
    with gevent.Timeout(PATIENCE):
        while not condition():
            gevent.sleep(0.005)


def test_a_slow_server_shifts_no_plan_and_reorders_nothing() -> None:
    """Every reply waits until the driver has planned several more; each update still has its own planned time."""
    seen: list[Update] = []
    go_on = threading.Event()

    def slow(update: Update) -> list[Update]:
        seen.append(update)
        go_on.wait(PATIENCE)
        return []

    with tasks(slow) as server:
        driven = Driven(server)
        task = driven.create()
        start_ns = clock.now()
        driver = Driver(driven.hooks, [task], rate=100)
        wait_until(lambda: len(task.due) >= 5)
        go_on.set()
        wait_until(lambda: len(seen) >= 6)
        driver.stop(PATIENCE)
        driven.client.close()
    tokens = [driven.hooks._tokens.find(update.body["message"]) for update in seen]
    assert [token.sequence for token in tokens if token] == list(range(1, len(seen) + 1))
    due = [token.due_ns for token in tokens if token]
    assert all(abs(at_ns - due[0] - k * 10_000_000) < 10_000_000 for k, at_ns in enumerate(due))  # each in its slot
    assert due[0] - start_ns < 5e9


def test_an_update_that_is_refused_is_not_expected_to_arrive() -> None:
    with tasks(update_status=409) as server:
        driven = Driven(server)
        task = driven.create()
        driven.hooks.update(task, clock.now(), clock.now())
        driven.client.close()
    assert (task.sent, task.accepted, task.refused) == (1, 0, {1})
    assert driven.replies[-1] == ("update", "status 409")


def test_a_create_hook_whose_reply_has_no_id_says_where_it_looked() -> None:
    with tasks() as server:
        driven = Driven(server)
        driven.target = from_toml(server.target.replace("json = {}", 'json = {}\nid = "/task/id"'))
        with pytest.raises(CannotJudge, match="no task ID at /task/id"):
            driven.create()
        driven.client.close()
