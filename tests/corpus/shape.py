"""Messages that are right and messages that are not, each in a stream that is whole apart from that."""

from typing import Any

from tests.corpus.build import EPOCH_MS, TASK, Case, Run, completed, connected, event, exchange, failed, healthy, task
from tests.corpus.build import progress as report

NOW = int(EPOCH_MS)
STATE = {"taskId": TASK, "status": "running", "stage": "Scoring", "progress": 20, "message": "20 %"}
MESSAGE = {"type": "progress", "taskId": TASK, "progress": STATE, "timestamp": NOW + 20}
CAPTURE = {"capture": True, "task_id": None, "how": "cut"}
BEATS = (event({"type": "heartbeat", "taskId": TASK}), b"event: ping\ndata:\n\n", b"event: ping\ndata: {}\n\n")


def says(data: str, **facts: Any) -> Run:
    """A stream one of whose events has this data."""
    return (healthy(f"id: 20\ndata: {data}\n\n".encode(), report(60), **facts),)


def message(without: str = "", **changes: Any) -> Run:
    """A stream one of whose messages is changed."""
    changed = {name: value for name, value in {**MESSAGE, **changes}.items() if name != without}
    return (healthy(event(changed, "20"), report(60)),)


def state(without: str = "", **changes: Any) -> Run:
    """A stream one of whose reports has another state."""
    return message(progress={name: value for name, value in {**STATE, **changes}.items() if name != without})


def ends(terminal: bytes) -> Run:
    """A stream with another terminal event."""
    return (exchange(*task(end=terminal)),)


ALIVE: Run = (healthy(report(20), *BEATS, report(60)),)  # heartbeats are judged by a rule of their own
CANARY: Run = (exchange(b"data: canary-injected\n\n", situation="canary"),)
NO_EVENTS: Run = (exchange(b": hello\n\n", how="cut"),)
USUAL = ((healthy(),), (exchange(*task(end=failed())),), message(added=[{"deep": None}]), ALIVE)
UNJUDGED = (NO_EVENTS, CANARY)

CASES = {
    "shape/not-json": Case(
        good=(
            *(*USUAL, says("null"), says('{"a": NaN}'), says('"text"')),
            says('{\n  "a": 1\n}'),  # unprefixed-data's
        ),
        bad=(says("{'type': 'progress'}"), says("hello"), says('{"type": '), says("[" * 100_000)),
        silent=UNJUDGED,
    ),
    "shape/not-an-object": Case(
        good=(*USUAL, says("{")),
        bad=(says("[{}]"), says("null"), says('"text"'), says("7")),
        silent=UNJUDGED,
    ),
    "shape/duplicate-keys": Case(
        good=(*USUAL, says('{"a": {"a": 1}}')),
        bad=(says('{"type": "progress", "type": "error"}'), says('{"progress": [{"a": 1, "a": 1}]}')),
        silent=UNJUDGED,
    ),
    "shape/not-a-json-number": Case(
        good=(*USUAL, says('{"a": 1e400, "b": "NaN"}')),
        bad=(says('{"score": NaN}'), says("[-Infinity]")),
        silent=UNJUDGED,
    ),
    "shape/type-missing": Case(
        good=(*USUAL, message(type=7), says("[]")),
        bad=(message(without="type"), says("{}")),
        silent=UNJUDGED,
    ),
    "shape/type-unknown": Case(
        good=(*USUAL, message(without="type")),
        bad=(message(type="status"), message(type="Progress"), message(type=None), message(type=["progress"])),
        silent=UNJUDGED,
    ),
    "shape/task-id-mismatch": Case(
        good=(*USUAL, (healthy(**CAPTURE),), message(type="status", taskId="other")),
        bad=(
            message(taskId="another-task"),
            message(without="taskId"),
            message(taskId=7),
            message(taskId=""),
            (healthy(task_id="another-task"),),
            (healthy(event({**MESSAGE, "taskId": "another-task"}), **CAPTURE),),
        ),
        silent=UNJUDGED,
    ),
    "shape/inner-task-id-mismatch": Case(
        good=(*USUAL, (healthy(**CAPTURE),), message(without="progress")),
        bad=(state(taskId="another-task"), state(without="taskId"), state(taskId=None)),
        silent=(*UNJUDGED, (exchange(connected(), how="cut"),)),
    ),
    "shape/named-event": Case(
        good=(*USUAL, (healthy(b"event:\n" + report(20)),), (healthy(b"event: message\n" + report(20)),)),
        bad=((healthy(b"event: progress\n" + report(20)),), (healthy(b"event: done\ndata\n\n"),)),
        silent=UNJUDGED,
    ),
    "shape/timestamp-missing": Case(
        good=(*USUAL, message(timestamp="now"), message(type="status", timestamp=None)),
        bad=(message(without="timestamp"), message(timestamp=None), (healthy(connected(timestamp=None)),)),
        silent=UNJUDGED,
    ),
    "shape/timestamp-not-ms": Case(
        good=(*USUAL, message(without="timestamp"), message(timestamp=float(NOW))),
        bad=(
            message(timestamp=NOW // 1000),
            message(timestamp=NOW * 1000),
            message(timestamp=NOW + 0.5),
            message(timestamp=True),
            message(timestamp="2025-10-09T08:53:20Z"),
            message(timestamp=[NOW]),
        ),
        silent=UNJUDGED,
    ),
    "shape/timestamp-skewed": Case(
        good=(
            *USUAL,
            (healthy(started_ms=EPOCH_MS - 4900),),
            (healthy(started_ms=EPOCH_MS + 4900),),
            # The current state was made long before a late reader came; `connected` was made for it.
            (exchange(connected(3_600_000), report(20), started_ms=EPOCH_MS + 3_600_000),),
        ),
        bad=(
            (healthy(started_ms=EPOCH_MS - 3_600_000),),
            (healthy(started_ms=EPOCH_MS + 3_600_000),),
            (healthy(report(20), report(60, at=3_600_000)),),
        ),
        silent=(*UNJUDGED, (healthy(**CAPTURE),)),
    ),
    "shape/timestamp-regresses": Case(
        good=(
            *USUAL,
            (healthy(report(20), report(60, at=20)),),
            (exchange(connected(5000), report(20), report(60)),),  # the current state is older than `connected`
            (healthy(report(20), event({**MESSAGE, "timestamp": "now"}), report(60)),),
        ),
        bad=((healthy(report(20, at=50), report(60, at=49)),),),
        silent=(*UNJUDGED, (exchange(connected(), report(20), how="cut"),)),
    ),
    "shape/progress-missing": Case(
        good=(*USUAL, state(progress=None)),
        bad=(message(without="progress"), message(progress=20), message(progress=[STATE]), message(progress={})),
        silent=(*UNJUDGED, (exchange(connected(), how="cut"),)),
    ),
    "shape/status-unknown": Case(
        good=(*USUAL, message(without="progress")),
        bad=(state(status="processing"), state(status="Running"), state(without="status"), state(status=["running"])),
        silent=(*UNJUDGED, (exchange(connected(), how="cut"),)),
    ),
    "shape/stage-empty": Case(
        good=(*USUAL, state(stage="分析")),
        bad=(state(stage=""), state(without="stage"), state(stage=None), state(stage=3)),
        silent=UNJUDGED,
    ),
    "shape/progress-not-a-number": Case(
        good=(*USUAL, state(progress=33.3), state(progress=1000), state(progress=float("nan"))),
        bad=(state(progress="20%"), state(without="progress"), state(progress=True), state(progress=[20])),
        silent=UNJUDGED,
    ),
    "shape/progress-out-of-range": Case(
        good=(*USUAL, state(progress=99.9), state(progress="120"), state(without="progress"), state(progress=True)),
        bad=(
            state(progress=120),
            state(progress=-1),
            state(progress=100.01),
            says('{"type": "progress", "progress": {"progress": 1e400}}'),
        ),
        silent=UNJUDGED,
    ),
    "shape/message-missing": Case(
        good=(*USUAL, state(message="")),
        bad=(state(without="message"), state(message=None), state(message={"en": "hello"})),
        silent=UNJUDGED,
    ),
    "shape/eta-negative": Case(
        good=(state(estimatedTimeRemaining=0), state(estimatedTimeRemaining=0.5)),
        bad=(state(estimatedTimeRemaining=-1), state(estimatedTimeRemaining="3 s"), state(estimatedTimeRemaining=True)),
        silent=(*UNJUDGED, *USUAL, state(estimatedTimeRemaining=None)),
    ),
    "shape/results-before-completed": Case(
        good=(*USUAL, state(results=None), state(partialResults={"score": 0})),
        bad=(state(results={"score": 0}), state(status="pending", results=[])),
        silent=(*UNJUDGED, (exchange(connected(), completed()),)),
    ),
    "shape/completed-without-results": Case(
        good=((healthy(),), ends(completed(results={})), ends(completed(results=0))),
        bad=(ends(completed(results=None)), ends(report(100, "completed"))),
        silent=(*UNJUDGED, ends(failed())),
    ),
    "shape/failed-without-error": Case(
        good=(ends(failed()),),
        bad=(
            ends(failed(error="")),
            ends(failed(error=None)),
            ends(failed(error={"code": 7})),
            ends(report(0, "failed")),
        ),
        silent=(*UNJUDGED, (healthy(),)),
    ),
}
