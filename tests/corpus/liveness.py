"""Streams on which nothing happens, and streams of no task at all."""

from typing import Any

from ssegauge.conformance.recording.transcript import Transcript
from ssegauge.conformance.target import Ends, Promises
from tests.corpus.build import Case, completed, connected, event, exchange, healthy, progress

COMMENT = b":\n\n"
BEFORE = (10.0, connected() + progress(0, "pending"))
EVENT, DONE = b"data: 1\n\n", b"data: done\n\n"
NOT_FOUND = b'{"error": "unknown_task", "message": "This task does not exist."}'


def idle(*later: tuple[float, bytes], how: str = "cut", ended_at: float = 16_500.0, **more: Any) -> Transcript:
    """A stream of a task that nobody moves, read for longer than a heartbeat may take."""
    facts = {"situation": "idle", "kind": "manual", "patience_ms": 16_500.0, **more}
    return exchange(BEFORE, *later, how=how, ended_at=ended_at, **facts)


def unknown(*chunks: bytes | tuple[float, bytes], how: str = "timeout", **more: Any) -> Transcript:
    """The answer for a task that never was."""
    return exchange(*chunks, role="unknown-task", how=how, ended_at=2000.0, **more)


def said(kind: str) -> bytes:
    return event({"type": kind, "taskId": "task-1", "timestamp": 1_760_000_000_000})


def plain(*chunks: tuple[float, bytes], how: str = "cut", ended_at: float = 16_500.0, **more: Any) -> Transcript:
    """A stream of which nothing is known but its address."""
    return exchange(*chunks, how=how, ended_at=ended_at, **{"task_id": None, "kind": "plain", **more})


MESSAGE = b'event: message_start\ndata: {"type": "message_start", "message": {"id": "msg_1", "content": []}}\n\n'
PING = b'event: ping\ndata: {"type": "ping"}\n\n'

CASES = {
    "liveness/silent": Case(
        good=((plain((15_400.0, COMMENT)),), (plain((10.0, b"data: hello\n\n"), ended_at=300.0),)),
        bad=((plain(),), (plain(reader="long", how="timeout", ended_at=32_000.0),)),
        silent=(
            (plain(ended_at=15_500.0),),
            (plain(how="eof"),),
            (plain(situation="slow"),),
            (plain(capture=True),),
        ),
    ),
    "liveness/gap-too-long": Case(
        good=((plain((10.0, EVENT), (2900.0, EVENT), ended_at=4000.0),), (plain((10.0, EVENT), (20.0, DONE)),)),
        bad=(
            (plain((10.0, EVENT), (3100.0, EVENT), ended_at=3200.0),),
            (plain((10.0, EVENT), (1500.0, COMMENT), ended_at=4000.0),),
            (plain((10.0, EVENT), (1500.0, b"event: ping\ndata: {}\n\n"), (3200.0, EVENT)),),
        ),
        silent=(
            (plain((4000.0, EVENT), ended_at=4000.0),),  # the first has a promise of its own
            (plain(),),
            (plain((10.0, EVENT), (3100.0, EVENT), situation="slow"),),
        ),
        promises=Promises(gap_s=3.0, ends=Ends(data="done")),
    ),
    "liveness/first-event-late": Case(
        good=((plain((1900.0, EVENT)),),),
        bad=((plain((2100.0, EVENT)),), (plain(ended_at=2500.0),), (plain((100.0, COMMENT), (2500.0, EVENT)),)),
        silent=((plain(ended_at=1500.0),), (plain((2100.0, EVENT), resume="known", last_event_id="1"),)),
        promises=Promises(first_event_s=2.0),
    ),
    "liveness/heartbeat-missing": Case(
        good=(
            (idle((7500.0, COMMENT), (15_000.0, COMMENT)),),
            (idle((15_400.0, COMMENT)),),  # a timer that is set for 15 s fires a little later
            (idle((7500.0, said("heartbeat")), (15_000.0, said("heartbeat"))),),  # has a rule of its own
            (idle(*((1000.0 * n, event({"n": n})) for n in range(1, 17))),),  # never silent
        ),
        bad=((idle(),), (idle((100.0, COMMENT)),), (idle(ended_at=32_000.0),)),
        silent=(
            (idle((7500.0, COMMENT), how="eof", ended_at=9000.0),),  # closed too early to tell
            (idle(capture=True),),
            (idle((15_400.0, event({"n": 1}))),),  # by chance it came in time
            (healthy(),),
            (plain(),),  # not one byte has a rule of its own
        ),
    ),
    "liveness/heartbeat-is-an-event": Case(
        good=(
            (idle((7500.0, COMMENT), (15_000.0, b": heartbeat\n\n")),),
            (idle((5000.0, progress(0, "pending", id="2", message="2 tasks before yours")), (9000.0, COMMENT)),),
            (idle((20.0, progress(0, "pending", id="2")), (9000.0, COMMENT)),),  # still the opening
        ),
        bad=(
            (idle((7500.0, said("heartbeat"))),),
            (idle((7500.0, b"event: ping\ndata: {}\n\n")),),
            (idle((7500.0, b"data: keep-alive\n\n"), (9000.0, COMMENT)),),
            (idle((7500.0, progress(0, "pending", at=7500))),),
            (healthy(progress(20), said("ping")),),
        ),
        silent=(
            (idle(),),
            (healthy(),),
            (idle((5000.0, event([["ping"]]))),),
            (exchange((20.0, MESSAGE), (7500.0, PING), situation="idle"),),  # the API has pings
        ),
    ),
    "liveness/idle-stream-closed": Case(
        good=((idle((7500.0, COMMENT)),), (idle(how="timeout"),)),
        bad=(
            (idle(how="eof", ended_at=12_000.0),),
            (idle(how="error", ended_at=12_000.0, detail="incomplete body: peer closed the connection"),),
        ),
        silent=(
            (idle((9000.0, completed()), how="eof", ended_at=9001.0),),  # the task ended by itself
            (idle(ended_at=3000.0),),  # interrupted
            (idle(how="eof", capture=True),),
            (healthy(),),
        ),
    ),
    "liveness/heartbeats-without-a-task": Case(
        good=(
            (unknown(NOT_FOUND, status=404, how="eof"),),
            (unknown(b"", status=400, how="eof"),),
            (unknown(connected() + said("error"), how="eof"),),
            (unknown(connected() + said("error") + COMMENT),),  # goes on, but has said what is wrong
        ),
        bad=(
            (unknown(connected(), (500.0, COMMENT)),),
            (unknown(COMMENT),),
            (unknown(connected() + progress(0, "pending")),),
            (unknown(b"data: hello\n\n", how="error"),),
        ),
        silent=(
            (unknown(answered=False),),
            (unknown(connected()),),  # silence, not a heartbeat
            (unknown(connected(), how="eof"),),
            (unknown(COMMENT, how="cut", detail="interrupted"),),
            (unknown(b"{}", status=500, how="eof"),),
        ),
    ),
}
