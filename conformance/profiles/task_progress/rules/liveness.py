"""Rules on streams of tasks on which nothing happens, and on those without a task."""

from collections.abc import Iterator

from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Item, Mark, View
from ssegauge.conformance.sse import Comment, Event

MARGIN_MS = 1000.0


@rule(
    "liveness/idle-stream-closed",
    "must",
    profile("S6.3", "An idle stream MUST stay open while its task is unfinished."),
    over="streams",
    needs=("task.create_manual",),
    patient=True,
)
def idle_stream_closed(view: View) -> Iterator[Mark]:
    """A stream on which nothing happens stays open.

    Why: Every close makes clients reconnect: users see "connection lost" though all is well, and servers get
    needless load.

    Mend: Raise the write, read or idle timeout that ends the response, and send heartbeats.

    Example: (the response ends after 12 s, with its task still running)
    """
    end = view.transcript.end
    if view.facts.situation != "idle" or view.terminal or not end or not view.timed:
        return
    if end.how in {"eof", "error"}:
        yield view.bad(f"the idle stream was closed after {end.at_ms / 1000:.1f} s")
    elif end.at_ms >= _patience_ms(view) - MARGIN_MS:
        yield view.good()


def _patience_ms(view: View) -> float:
    patience = view.facts.patience_ms
    return float("inf") if patience is None else patience


@rule(
    "liveness/heartbeats-without-a-task",
    "must",
    profile("S7.2", "It MUST NOT be answered with a 5xx, with silence, or with a stream that looks alive."),
    over="unknown-task",
)
def heartbeats_without_a_task(view: View) -> Iterator[Mark]:
    """The stream of an unknown task does not look alive.

    Why: A client with a mistyped or outdated id shows "connected" for ever and never learns that nothing will come.

    Mend: Look the task up before the stream starts and answer 404 with a JSON body.

    Example: : heartbeat
    """
    if not view.is_event_stream:
        if view.head and 400 <= view.head.status < 500:
            yield view.good()
        return
    if any(message.type == "error" for message in view.messages):
        yield view.good()
    elif signs := [item for item in view.items if _looks_alive(view, item)]:
        yield view.bad("a stream without a task goes on as if there were one", signs[0])


def _looks_alive(view: View, item: Item) -> bool:
    """Whether it is a heartbeat or an event of a task, in a stream that does not end."""
    if view.ended_by_server or not view.transcript.end or not isinstance(item.what, Comment | Event):
        return False
    connected = any(message.item is item and message.type == "connected" for message in view.messages)
    return not connected
