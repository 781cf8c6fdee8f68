"""Rules on streams on which nothing happens."""

from collections.abc import Iterator
from itertools import pairwise

from ssegauge.conformance.rules.reading.effects import plain_state
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Item, Mark, Message, Seen, View
from ssegauge.conformance.sse import Comment, Event

HEARTBEAT_NAMES = frozenset({"heartbeat", "heart-beat", "keepalive", "keep-alive", "ping", "pong"})
MARGIN_MS = 1000.0
OPENING_MS = 1000.0  # what comes this soon belongs to the opening, not to the silence


def _silence(view: View) -> tuple[float, float, Item | None]:
    """Return the longest time without a byte, the time observed, and what ended that silence, in ms."""
    end_ms = view.transcript.end.at_ms if view.transcript.end else 0.0
    times = [view.head.at_ms if view.head else 0.0, *(at_ms for at_ms, _ in view.chunks), end_ms]
    longest, until = max((after - before, after) for before, after in pairwise(times))
    return longest, end_ms - times[0], next((item for item in view.items if item.at_ms >= until), None)


@rule(
    "liveness/heartbeat-missing",
    "should",
    profile("S6.1", "While nothing happens a comment line SHOULD go out at least every 15 s, unless agreed otherwise."),
    needs=("task.create_manual",),
    patient=True,
)
def heartbeat_missing(seen: Seen) -> Iterator[Mark]:
    """A stream is never silent for longer than the heartbeat.

    Why: Proxies drop connections on which nothing comes, and neither side can tell a silent stream from a dead one.

    Mend: Send a comment line, such as `:` and a blank line, at least every 15 s while nothing happens.

    Example: (no byte for 16.5 s)
    """
    heartbeat_ms = seen.limits.heartbeat_s * 1000
    for view in seen.streams:
        if view.facts.situation != "idle" or not view.timed:
            continue
        longest, observed, until = _silence(view)
        if longest > heartbeat_ms + MARGIN_MS:
            yield view.bad(f"no byte for {longest / 1000:.1f} s", until)
        elif observed >= heartbeat_ms:
            yield view.good()


@rule(
    "liveness/heartbeat-is-an-event",
    "should",
    profile("S6.2", "A heartbeat SHOULD NOT be an event."),
    over="streams",
    needs=("task.create_manual",),
    patient=True,
)
def heartbeat_is_an_event(view: View) -> Iterator[Mark]:
    """A heartbeat is a comment, not an event.

    Why: Every event wakes the application: the ticket's client would parse it and show what it says.

    Mend: Send a comment line instead; clients ignore it, proxies count it. Send the state when it changes, not whenever
    a timer looks at it.

    Example: data: {"type":"heartbeat"}
    """
    idle = view.facts.situation == "idle" and view.timed
    beats = [message for message in view.messages if _names_heartbeat(message)]
    if idle:
        beats += _said_again(view)
    if beats:
        yield from (view.bad(_says_nothing(beat), beat) for beat in beats)
    elif idle and any(item.at_ms > OPENING_MS for item, _ in view.of(Comment)):
        yield view.good()


def _says_nothing(message: Message) -> str:
    if _names_heartbeat(message):
        return "an event that says nothing but that the stream is alive"
    return "an event that repeats the state, though nothing happened"


def _names_heartbeat(message: Message) -> bool:
    names = (message.event.type, message.event.data, message.type)
    return any(isinstance(name, str) and name.strip().lower() in HEARTBEAT_NAMES for name in names)


def _said_again(view: View) -> list[Message]:
    """Return the events that repeat the state of a task that nothing moved, later than the opening."""
    return [
        again
        for before, again in pairwise(view.progress)
        if plain_state(again) == plain_state(before) and again.item.at_ms - before.item.at_ms >= OPENING_MS
    ]


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
