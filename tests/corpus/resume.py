"""Event ids, and clients that come back with one."""

from typing import Any

from ssegauge.conformance.recording.transcript import Transcript
from tests.corpus.build import Case, completed, connected, event, exchange, healthy, progress, task
from tests.corpus.course import answer, no_answer, reader, update, waits

UNCUT = reader(
    (10.0, progress(0, "pending")),
    (110.0, progress(20)),
    (210.0, progress(40)),
    (310.0, progress(60)),
    (410.0, completed()),
    name="uncut",
    reader="uncut",
)
MOVES = (update(100, 20), update(200, 40))
LATER = {"at": 250.0}
NO_EVENTS = (exchange(b": hello\n\n", how="cut"),)


def cut(*chunks: bytes | tuple[float, bytes], after: str = "20", **more: Any) -> Transcript:
    """A client that was cut after an event and came back."""
    return reader(*chunks, **back(after), **more)


def back(after: str = "20") -> dict[str, Any]:
    return {"name": "cut", "reader": "cut", "resume": "known", "last_event_id": after, **LATER}


def odd(resume: str) -> Case:
    """What is to be said of clients with ids that this task never gave."""
    facts = {"resume": resume, "joined": "late", "last_event_id": "-1", "case": "negative", **LATER}
    refusal = event({"type": "error", "taskId": "task-1", "message": "Unknown event."})
    return Case(
        good=(
            (*MOVES, reader((10.0, progress(40)), how="cut", **facts)),
            (*MOVES, reader((10.0, progress(0, "pending") + progress(20) + progress(40)), how="cut", **facts)),
            (*MOVES, reader((10.0, completed()), refusal, **facts)),
        ),
        bad=(
            (answer(400, b"{}", **facts),),
            (answer(500, **facts),),
            (answer(204, **facts),),
            (no_answer(**facts),),
            (reader(refusal, **facts),),
            (waits(for_ms=2000.0, how="cut", **facts),),
            (*MOVES, waits((10.0, progress(20)), **facts)),  # an old state
        ),
        silent=(
            (waits(for_ms=300.0, how="cut", **facts),),
            (no_answer(how="error", **facts),),
            (answer(503, **facts), answer(429, **facts)),  # no room
            (answer(202, **facts), answer(202)),  # not on account of the id
            (
                *MOVES,
                waits((10.0, progress(20)), **facts),
                waits((10.0, progress(20)), joined="late", **LATER),
            ),  # the same
            (waits(**{**facts, "last_event_id": "40"}), UNCUT),  # it counts each task's events: the id is known here
            (answer(400, **{**facts, "resume": "known"}),),
            (waits((10.0, event({"type": "progress", "progress": {"status": "done"}})), **facts),),
        ),
    )


CASES = {
    "resume/ids-missing": Case(
        good=((healthy(),), (exchange(*task(), situation="race"),), (healthy(event({"type": "status"})),)),
        bad=(
            (healthy(progress(20, id=None)),),
            (healthy(b"id:\n" + progress(20, id=None)),),
            (exchange(connected(), completed(None)),),
        ),
        silent=(NO_EVENTS, (exchange(connected(), how="cut"),)),
    ),
    "resume/ids-repeated": Case(
        good=(
            (healthy(),),
            (healthy(progress(20), progress(20), progress(60)),),  # the same event twice is a duplicate
            (healthy(), healthy(name="twin")),
            (healthy(), exchange(connected(), progress(60), completed(), joined="late", name="late")),
            (healthy(), healthy(progress(20, stage="Still scoring"), progress(60), name="twin")),  # disagree's
            (healthy(), healthy(task_id="task-2", name="other-task")),
        ),
        bad=(
            (healthy(progress(20), progress(60, id="20")),),
            (healthy(b"id: 7\ndata: 1\n\n", b"id: 7\ndata: 2\n\n"),),
            (  # they count a connection's events
                exchange(connected(), progress(20, id="1"), progress(60, id="2"), completed("3")),
                exchange(connected(), progress(60, id="1"), completed("2"), joined="late", name="late"),
            ),
        ),
        silent=(NO_EVENTS, (exchange(connected(), progress(20, id=None), how="cut"),)),
    ),
    "resume/id-on-synthetic-event": Case(
        good=((healthy(),),),
        bad=((exchange(b"id: 1\n" + connected(), progress(20)),), (exchange(b"id\n" + connected(), progress(20)),)),
        silent=(NO_EVENTS, (exchange(progress(20), how="cut"),)),
    ),
    "resume/gap-on-resume": Case(
        good=(
            (UNCUT, cut(progress(40), progress(60), completed())),
            (UNCUT, cut((10.0, progress(20) + progress(40) + progress(60) + completed()))),  # duplicate's
            (UNCUT, cut(progress(40), how="cut")),  # we left before the rest
            (UNCUT, cut(after="100")),
            (UNCUT, cut(progress(40, id="40"), progress(60), completed(), b"data: new\n\n")),
            (UNCUT, waits((10.0, progress(40)), for_ms=500.0, **back())),  # the rest may be on its way
        ),
        bad=(
            (UNCUT, cut(progress(60), completed())),
            (UNCUT, cut(progress(40), completed())),
            (UNCUT, cut(progress(60), how="cut")),
            (UNCUT, cut()),
            (UNCUT, waits(**back())),  # silence
            (UNCUT, waits((10.0, progress(40)), **back())),
            (UNCUT, answer(400, **back())),
            (UNCUT, answer(204, **back())),
            (UNCUT, no_answer(**back())),
        ),
        silent=(
            (UNCUT,),
            (cut(progress(60), completed()),),
            (UNCUT, cut(progress(60), completed(), after="unknown")),
            (UNCUT, cut(how="cut")),
            (UNCUT, answer(503, **back()), answer(429, **back())),  # too many of us at once
            (UNCUT, no_answer(how="error", **back())),
            (reader(progress(20), progress(40, id="20"), name="uncut", reader="uncut"), cut(completed())),
            (
                reader(progress(20, id=None), completed(None), name="uncut", reader="uncut"),
                cut(completed(None), after=""),
            ),
        ),
    ),
    "resume/duplicate-on-resume": Case(
        good=(
            (UNCUT, cut(progress(40), progress(60), completed())),
            (UNCUT, cut(completed())),  # gap's
            (UNCUT, cut(after="100")),
        ),
        bad=(
            (UNCUT, cut(progress(20), progress(40), progress(60), completed())),
            (UNCUT, cut(progress(0, "pending"), how="cut")),
        ),
        silent=((UNCUT,), (UNCUT, waits(**back())), (UNCUT, answer(400, **back())), (UNCUT, no_answer(**back()))),
    ),
    "resume/stale-id-refused": odd("stale"),
    "resume/garbage-id-fails": odd("garbage"),
    "resume/retry-missing": Case(
        good=((healthy(),), (exchange(b"retry: 0\n" + connected(), how="cut"),)),
        bad=((exchange(*task(retry=b"")),),),
        silent=(
            NO_EVENTS,
            (exchange(*task(retry=b"retry: 3s\n\n")),),  # retry-not-digits's
            (exchange(*task(retry=b""), situation="race"),),
        ),
    ),
    "resume/preflight-refuses-last-event-id": Case(
        good=tuple(
            (exchange(role="preflight", status=status, headers={"Access-Control-Allow-Headers": leave}),)
            for status, leave in ((204, "Cache-Control, last-event-id"), (200, "Last-Event-ID"), (204, "*"))
        ),
        bad=(
            (exchange(role="preflight", status=204, headers={"Access-Control-Allow-Headers": "Cache-Control"}),),
            (exchange(role="preflight", status=204),),
            (exchange(role="preflight", status=405, headers={"Access-Control-Allow-Headers": "Last-Event-ID"}),),
            (exchange(role="preflight", answered=False, how="timeout", ended_at=2000.0),),
        ),
        silent=(
            (healthy(),),
            (exchange(role="preflight", answered=False, how="error"),),
            (exchange(role="preflight", answered=False, how="timeout", ended_at=1000.0),),  # may be slow
            (exchange(role="preflight", status=503),),  # no room
        ),
    ),
}
