"""All that a run sees of a healthy server, and of one that is unusual but within its rights."""

from dataclasses import replace
from typing import Any

from ssegauge.conformance.recording.transcript import Transcript
from tests.corpus.build import EPOCH_MS, Run, completed, connected, event, exchange, failed, healthy, progress, task
from tests.corpus.course import RETRY, answer, reader, snapshot, update, waits

APP, FOREIGN = "https://app.example", "https://foreign.example"
CORS = {"Access-Control-Allow-Origin": APP, "Vary": "Origin"}
GONE = b'{"error": "unknown_task", "message": "This task does not exist; start a new one."}'
SENT = (20, 40, 60, 80)
MOVES = [(100.0 * n + 5, progress(sent)) for n, sent in enumerate(SENT, 1)]
COURSE = ((8.0, progress(0, "pending")), *MOVES, (505.0, completed()))


def of(task_id: str, one: Transcript, **facts: Any) -> Transcript:
    """The same, seen of another task."""
    chunks = tuple(replace(chunk, data=chunk.data.replace(b"task-1", task_id.encode())) for chunk in one.chunks)
    return replace(one, chunks=chunks, facts=replace(one.facts, task_id=task_id, **facts), name=f"{task_id}-{one.name}")


def refusal(role: str, status: int = 404, headers: Any = None, **more: Any) -> Transcript:
    """A request that is refused with JSON."""
    fields = {"Content-Type": "application/json", **(headers or {})}
    return exchange(GONE, role=role, status=status, headers=fields, **more)


def look(role: str, moment: str, **facts: Any) -> Transcript:
    """A look at the server from outside."""
    return exchange(role=role, answered=False, name=f"{role}-{moment}", moment=moment, **facts)


def self_running() -> Run:
    """A task that runs by itself and one that fails, with the polling endpoint asked after."""
    reports = (progress(20, estimatedTimeRemaining=1.5), progress(60))
    failure = {"status": "failed", "progress": 0, "error": "The source did not answer; try again later."}
    return (
        healthy(*reports, reader="uncut", name="happy-path"),
        healthy(*reports, reader="twin", name="happy-path-twin", started_ms=EPOCH_MS + 1),
        snapshot(900, {"taskId": "task-1", "status": "completed", "progress": 100}),
        of("task-2", exchange(*task(end=failed()), name="failing"), kind="failing"),
        of("task-2", snapshot(900, failure)),
    )


def manual() -> Run:
    """A task that we move, its readers in time, late and after its end, and clients that come back."""
    later = ((55.0, progress(60)), (155.0, progress(80)), (255.0, completed()))
    seen = (
        *(update(100.0 * n, sent) for n, sent in enumerate(SENT, 1)),
        update(500, 100, "completed"),
        reader(*COURSE, name="paced", reader="uncut"),
        reader((8.0, progress(40)), *later, at=250.0, joined="late", name="late"),
        *(resumed(n, last) for n, last in enumerate(("0", "20", "40", "60"), 1)),
        snapshot(900, {"status": "completed", "progress": 100}),
        reader(completed(), at=900.0, joined="after-end", name="after-end"),
        answer(204, at=900.0, joined="after-end", name="back", resume="terminal", last_event_id="100"),
        odd_id("stale", "other-7"),
        odd_id("garbage", "' OR 1=1"),
    )
    return tuple(of("task-3", one) for one in seen)


def resumed(n: int, last_event_id: str) -> Transcript:
    """A client that comes back with the id of the n-th event, while the fifth is being told."""
    rest = [(max(0.0, at - 420) + 9, said) for at, said in COURSE[n:]]
    facts = {"reader": "cut", "resume": "known", "last_event_id": last_event_id}
    return reader(*rest, at=420.0, name=f"resume-{n}", **facts)


def odd_id(resume: str, last_event_id: str) -> Transcript:
    """A client that comes with an id that the task never gave."""
    facts = {"joined": "late", "resume": resume, "last_event_id": last_event_id}
    return waits((9.0, progress(20)), at=150.0, for_ms=15.0, how="cut", name=resume, **facts)


def requests(unknown: Transcript) -> Run:
    """What is refused, and what is borne."""
    opened = {"how": "cut", "task_id": "task-1"}
    allowed = {"Access-Control-Allow-Headers": "Last-Event-ID", "Access-Control-Allow-Methods": "GET"}
    return (
        unknown,
        *(refusal("malformed-id", case=case, name=f"malformed-{case}") for case in ("nul", "long", "quote")),
        refusal("method", 405, {"Allow": "GET, HEAD, OPTIONS"}, case="PUT"),
        exchange(role="head", task_id="task-1"),
        exchange(connected(), role="query", **opened),
        exchange(role="http10", headers={"Transfer-Encoding": None}),
        refusal("large-header", 431),
        refusal("malformed-request", 400, case="a NUL in a field"),
        exchange(connected(), role="origin", case="foreign", origin=FOREIGN, headers={"Vary": "Origin"}, **opened),
        exchange(connected(), role="origin", case="allowed", origin=APP, headers=CORS, name="allowed", **opened),
        exchange(role="preflight", status=204, origin=APP, headers={**CORS, **allowed}),
        refusal("no-token", 401, {"WWW-Authenticate": 'Bearer realm="progress"'}),
    )


def situations() -> Run:
    """An idle stream, one at the moment of the end, and what was left when many had gone."""
    beats = ((7000.0 * n, b": keep-alive\n") for n in (1, 2))
    pending = (8.0, progress(0, "pending"))
    race = {"at": 497.0, "situation": "race", "race_ms": -3}
    held = {"descriptors": 20, "memory_bytes": 50 << 20, "cycles": 200, "opened": 200}
    again = {"started_ms": EPOCH_MS + 2000, "joined": "late", "situation": "after-cut"}
    return (
        of("task-4", waits(pending, *beats, for_ms=16_500.0, how="cut", situation="idle", patience_ms=16_500)),
        of("task-5", update(500, 100, "completed")),
        of("task-5", reader(progress(50), completed(), **race)),
        look("open-streams", "before", value=0, opened=0),
        look("open-streams", "during", value=10, opened=10),
        look("open-streams", "after", value=0, opened=0),
        *(look("sockets", how, cut=10, held=0, opened=10) for how in ("fin", "rst")),
        *(look("process", when, **held) for when in ("before", "after")),
        of("task-6", waits(pending, for_ms=50.0, how="cut", situation="after-storm")),
        of("task-7", exchange(connected(), progress(20), how="cut", situation="storm")),
        of("task-7", exchange(connected(2000), progress(60), completed(), name="after", **again)),
    )


def in_other_bytes(one: Transcript) -> Transcript:
    """The same stream with CRLF for its line ends, in chunks of single bytes."""
    if one.role != "stream":
        return one
    pieces = (replace(chunk, data=bytes([byte])) for chunk in one.chunks for byte in chunk.data.replace(b"\n", b"\r\n"))
    return replace(one, chunks=tuple(pieces))


def in_other_words(one: Transcript) -> Transcript:
    """The same with header field names in lower case, and a charset."""
    if not one.head:
        return one
    headers = one.head.headers
    fields = ((name.lower(), text.replace("/event-stream", "/event-stream;charset=UTF-8")) for name, text in headers)
    return replace(one, head=replace(one.head, headers=tuple(fields)))


ERROR_STREAM = exchange(
    RETRY,
    event({"type": "error", "taskId": "task-0", "message": "This task does not exist.", "timestamp": int(EPOCH_MS)}),
    role="unknown-task",
)
# A slow task, of which we saw the beginning alone; and a capture that somebody made of another.
UNFINISHED = (
    of("task-8", exchange(*task()[:-1], how="timeout", ended_at=10_000.0, name="slow")),
    of("task-8", snapshot(10_001, {"status": "running", "progress": 60}), when="running"),
    exchange(*task(), capture=True, task_id=None, how="cut", name="capture"),
)

HEALTHY: Run = (*self_running(), *manual(), *requests(refusal("unknown-task")), *situations())
UNUSUAL: Run = tuple(
    in_other_words(in_other_bytes(one)) for one in (*self_running(), *manual(), *requests(ERROR_STREAM), *UNFINISHED)
)
