"""What the client does when the connection, the server, or the network goes away."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from tests.browser.client import Client
from tests.browser.relay import Relay
from tests.browser.server import Server
from tests.browser.waiting import wait_until

pytestmark = pytest.mark.browser

CANARY = """(url) => {
    window.connected = 0;
    window.canary = new EventSource(url);
    window.canary.onmessage = (event) => { window.connected += JSON.parse(event.data).type === "connected"; };
}"""


@pytest.fixture
def let_reconnects_pass(server: Server, relay: Relay, page: Page) -> Callable[[], None]:
    """Waits until a plain EventSource of the same page has reconnected twice: so would have any other."""

    def wait() -> None:
        task_id = server.create(manual=True)
        page.evaluate(CANARY, f"/api/brand-monitor/progress/{task_id}")
        for times in (1, 2, 3):
            wait_until(lambda times=times: page.evaluate("window.connected") == times, f"connection {times}")
            relay.cut()
            relay.mend()
        page.evaluate("window.canary.close()")

    return wait


@pytest.mark.parametrize("end", [Server.kill, Server.stop])
def test_a_task_lost_in_a_restart_is_told_as_unknown(
    end: Callable[[Server], None], relay: Relay, start_server: Callable[..., Server], page: Page
) -> None:
    server = start_server()
    relay.point_to(server.url)
    task_id = server.create(manual=True)
    server.update(task_id, status="running", progress=40)
    page.goto(relay.url)
    client = Client(page, task_id)
    client.wait_for(isConnected=True, progress_progress=40)

    end(server)
    relay.point_to(start_server().url)
    state = client.wait_for(ended="unknown")

    assert "restart" in state["error"]
    assert not state["isConnected"]
    assert state["progress"]["progress"] == 40


def test_after_unknown_nothing_is_requested_again(
    server: Server, relay: Relay, page: Page, let_reconnects_pass: Callable[[], None]
) -> None:
    page.goto(relay.url)
    Client(page, "never-was").wait_for(ended="unknown")
    before = list(relay.requests)

    let_reconnects_pass()

    assert (relay.streams_requested("never-was"), relay.snapshots_requested("never-was")) == (1, 1)
    assert before == relay.requests[: len(before)]


def test_completion_while_disconnected_is_learnt_once_and_ends_the_reconnecting(
    server: Server, relay: Relay, page: Page, let_reconnects_pass: Callable[[], None]
) -> None:
    task_id = server.create(manual=True)
    server.update(task_id, status="running", progress=40)
    page.goto(relay.url)
    client = Client(page, task_id)
    client.wait_for(isConnected=True, progress_progress=40)

    relay.cut()
    client.wait_for(isConnected=False, progress_progress=40)
    server.update(task_id, status="completed", results={"score": 7})
    relay.mend()
    state = client.wait_for(ended="completed")
    requested = relay.streams_requested(task_id)
    let_reconnects_pass()

    assert state["progress"]["results"] == {"score": 7}
    assert 2 == requested == relay.streams_requested(task_id)
    assert relay.snapshots_requested(task_id) == 0


def test_a_long_loss_is_told_and_taken_back(server: Server, relay: Relay, page: Page) -> None:
    task_id = server.create(manual=True)
    page.goto(relay.url)
    client = Client(page, task_id, graceMs=50)
    client.wait_for(isConnected=True, progress_progress=0)

    relay.cut()
    lost = client.wait_for(error="Connection lost. Reconnecting; the analysis itself goes on.", progress_progress=0)
    relay.mend()
    server.update(task_id, status="running", progress=5)
    client.wait_for(isConnected=True, error=None, progress_progress=5)

    assert lost["ended"] is None
    assert {state["error"] for state in client.told if state["isConnected"]} == {None}


def test_an_offline_browser_comes_back(server: Server, page: Page) -> None:
    task_id = server.create(manual=True)
    page.goto(server.url)
    client = Client(page, task_id, silenceMs=300, answerMs=1000, retryMs=50)
    client.wait_for(isConnected=True)

    page.context.set_offline(True)
    server.update(task_id, status="running", progress=5)
    client.wait_for(isConnected=False)
    page.context.set_offline(False)

    client.wait_for(isConnected=True, progress_progress=5)


def test_a_connection_that_died_without_a_word_is_noticed(server: Server, relay: Relay, page: Page) -> None:
    task_id = server.create(manual=True)
    page.goto(relay.url)
    client = Client(page, task_id, silenceMs=200, answerMs=1000, retryMs=10)
    client.wait_for(isConnected=True, progress_progress=0)

    relay.freeze_streams()
    server.update(task_id, status="running", progress=30)
    client.wait_for(progress_progress=30)
    server.update(task_id, progress=60)
    client.wait_for(isConnected=True, progress_progress=60)


def let_silence_pass(page: Page, task_id: str) -> None:
    """Let 31 s pass, in which the client doubts the silence and asks; return when it has read the answer."""
    with page.expect_response(lambda response: response.url.endswith(f"/tasks/{task_id}")) as answer:
        page.clock.fast_forward(31_000)
    answer.value.finished()
    page.evaluate("() => fetch('/health').then((answer) => answer.text())")  # what came before it was read before it


def test_a_quiet_task_keeps_its_connection(server: Server, relay: Relay, page: Page) -> None:
    task_id = server.create(manual=True)
    page.clock.install()
    page.goto(relay.url)
    client = Client(page, task_id)
    client.wait_for(isConnected=True, progress_progress=0)

    for times in (1, 2, 3):
        let_silence_pass(page, task_id)
        assert relay.snapshots_requested(task_id) == times
    server.update(task_id, status="running", progress=5)
    client.wait_for(progress_progress=5)

    assert relay.streams_requested(task_id) == 1
    assert {state["error"] for state in client.told} == {None}


def test_a_server_that_stays_away_is_given_up(
    server: Server, relay: Relay, page: Page, let_reconnects_pass: Callable[[], None]
) -> None:
    task_id = server.create(manual=True)
    page.goto(relay.url)
    client = Client(page, task_id, silenceMs=50, retryMs=10, attempts=3)
    client.wait_for(isConnected=True)

    relay.cut()
    state = client.wait_for(ended="unreachable")
    relay.mend()
    before = relay.streams_requested(task_id)
    let_reconnects_pass()

    assert "try again" in state["error"]
    assert before == relay.streams_requested(task_id)


def test_a_refused_client_stops_and_says_what_to_do(start_server: Callable[..., Server], page: Page) -> None:
    server = start_server("--token", "secret")
    page.goto(server.url)

    state = Client(page, "any").wait_for(ended="refused")

    assert "Authorization" in state["error"]


def answers(*first: dict[str, Any]) -> Callable[[Route], None]:
    """Fulfils the first requests so, and lets the others through."""
    left: Iterator[dict[str, Any]] = itertools.chain(first)

    def answer(route: Route) -> None:
        made = next(left, None)
        route.fulfill(**made) if made else route.continue_()

    return answer


def stream_of(body: str) -> dict[str, Any]:
    return {"status": 200, "content_type": "text/event-stream", "body": body}


FATAL = {
    "bad gateway": {"status": 502, "body": "<html>"},
    "too many streams": {"status": 503, "json": {}},
    "no content": {"status": 204},
    "not a stream": {"status": 200, "content_type": "text/html", "body": "<html>"},
}


@pytest.mark.parametrize("refusal", FATAL.values(), ids=FATAL)
def test_what_an_event_source_gives_up_at_is_tried_again(refusal: dict[str, Any], server: Server, page: Page) -> None:
    task_id = server.create(manual=True)
    page.goto(server.url)
    page.route("**/progress/*", answers(refusal, refusal))

    client = Client(page, task_id, retryMs=10)

    client.wait_for(isConnected=True)
    server.update(task_id, status="running", progress=5)
    client.wait_for(progress_progress=5)
    assert {None} == {state["error"] for state in client.told}


def test_a_task_whose_stream_is_always_refused_is_followed_by_asking(server: Server, page: Page) -> None:
    """As behind a proxy that does not stream: the polling endpoint still answers, so there is no giving up."""
    task_id = server.create(manual=True)
    page.goto(server.url)
    page.route("**/progress/*", lambda route: route.fulfill(**FATAL["bad gateway"]))
    client = Client(page, task_id, retryMs=5, maxRetryMs=5, attempts=2)

    for percent in (10, 20, 30):
        server.update(task_id, status="running", progress=percent)
        client.wait_for(progress_progress=percent, ended=None)
    server.update(task_id, status="completed", results={"score": 1})

    client.wait_for(ended="completed")


def test_no_content_for_an_ended_task_ends_the_client(server: Server, page: Page) -> None:
    task_id = server.create(steps=1, interval_ms=1)
    page.goto(server.url)
    page.route("**/progress/*", answers({"status": 204}))

    state = Client(page, task_id, retryMs=10).wait_for(ended="completed")

    assert state["progress"]["progress"] == 100


def test_an_error_event_is_told_and_the_truth_asked_for(server: Server, page: Page) -> None:
    task_id = server.create(manual=True)
    page.goto(server.url)
    event = f'data: {{"type":"error","taskId":"{task_id}","message":"The store is away. Wait a minute."}}\n\n'
    page.route("**/progress/*", answers(stream_of(event)))

    client = Client(page, task_id, retryMs=10)

    client.wait_for(error="The store is away. Wait a minute.", ended=None)
    client.wait_for(isConnected=True, error=None)


def test_an_error_event_for_an_unknown_task_is_the_end(page: Page, server: Server) -> None:
    """A stream with one `error` event is the other legal answer for an unknown task."""
    page.goto(server.url)
    event = 'data: {"type":"error","taskId":"gone","message":"Task gone. Start a new one."}\n\n'
    page.route("**/progress/*", answers(stream_of(event), stream_of(event)))

    assert Client(page, "gone").wait_for(ended="unknown")["error"] == "Task gone. Start a new one."


def test_an_unreadable_event_is_told_and_the_next_one_taken(server: Server, page: Page) -> None:
    task_id = server.create(manual=True)
    page.goto(server.url)
    noise = "data: {nonsense\n\ndata: 7\n\ndata: null\n\n"
    foreign = 'data: {"type":"progress","taskId":"other","progress":{"status":"failed"}}\n\n'
    page.route("**/progress/*", answers(stream_of(f"retry: 10\n{noise}{foreign}")))

    client = Client(page, task_id)

    client.wait_for(error="The server sent an update that cannot be read. Waiting for the next one.")
    client.wait_for(isConnected=True, error=None, progress_progress=0)
    assert "failed" not in {state["ended"] for state in client.told}
