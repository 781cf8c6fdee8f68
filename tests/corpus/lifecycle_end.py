"""How the end of a task is told, during it and after it."""

from typing import Any

from ssegauge.conformance.recording.transcript import Transcript
from tests.corpus.build import Case, Run, completed, connected, event, exchange, failed, healthy, progress, task
from tests.corpus.course import answer, no_answer, reader, snapshot, update, waits

ENDED = update(500, 100, "completed")
TOLD = reader((100.0, progress(20)), (505.0, completed()), name="told")
ERROR = event({"type": "error", "taskId": "task-1", "message": "You fell behind; reconnect."})
AFTER: dict[str, Any] = {"at": 900.0, "joined": "after-end"}
BACK: dict[str, Any] = {**AFTER, "resume": "terminal", "last_event_id": "100"}
RACE: dict[str, Any] = {"at": 497.0, "situation": "race", "race_ms": -3}


def ends(*chunks: bytes, **more: Any) -> Transcript:
    """A stream with another end."""
    return exchange(*task()[:-1], *chunks, **more)


def after(*others: Transcript) -> Run:
    """A task that ended and was told so, and what others saw of it."""
    return (ENDED, TOLD, *others)


CASES = {
    "lifecycle/no-terminal": Case(
        good=(
            (healthy(),),
            (exchange(*task(end=failed()), kind="failing"),),
            (ends(completed(), how="cut"),),
            (ends(completed(), completed()),),
        ),
        bad=(
            (ends(),),
            after(waits((100.0, progress(20)), name="hangs")),
            (waits((100.0, progress(20))), snapshot(1000, {"status": "failed"})),
        ),
        silent=(
            (ends(how="timeout", ended_at=5000.0),),  # the task may only be slower than our patience
            (ends(how="cut"),),
            (ends(ERROR),),  # the stream itself failed, and says so
            (ends(b"data: {}\n\n"),),  # the end may be in an event that others judge
            (ends(event({"type": "progress", "progress": {"status": "done"}})),),
            (ends(b'data: {"type":"progress","progress":{"status":"completed"}}\n'),),  # truncated-event's
            (ends(how="error", detail="incomplete body"),),
            (ends(kind="failing"),),  # failed-task-silent's
            (ends(resume="known", reader="cut"),),  # gap-on-resume's
            (ends(situation="idle"),),
            (ENDED, waits((100.0, progress(20)), for_ms=600.0)),  # on its way
            (update(500, 100, "completed", code=409), waits((100.0, progress(20)))),  # it never ended
        ),
    ),
    "lifecycle/terminal-repeated": Case(
        good=((healthy(),), (healthy(), healthy(name="twin")), (ends(completed(), progress(50)),)),
        bad=((ends(completed(), completed("101")),), (ends(failed(), completed()),)),
        silent=((ends(),), (ends(completed(), completed(), situation="race"),)),
    ),
    "lifecycle/event-after-terminal": Case(
        good=(
            (healthy(),),
            (ends(completed(), b": bye\n\n"),),
            (ends(completed(), completed("101")),),  # terminal-repeated's
            (ends(completed(), event({"type": "heartbeat"}), how="timeout"),),  # heartbeat-is-an-event's
            (exchange(completed(), connected()),),  # connected-not-first's
        ),
        bad=((ends(completed(), ERROR),), (ends(completed(), progress(50)),), (ends(completed(), b"data: bye\n\n"),)),
        silent=((ends(ERROR),),),
    ),
    "lifecycle/completed-below-100": Case(
        good=((healthy(),), (ends(completed(progress=100.0)),)),
        bad=((ends(completed(progress=99)),), (ends(completed(progress=0)),)),
        silent=((ends(completed(progress="99")),), (ends(completed(progress=101)),), (ends(failed()),)),
    ),
    "lifecycle/stream-open-after-terminal": Case(
        good=((healthy(),), (ends(completed(), ended_at=3000.0),)),
        bad=(
            (ends(completed(), how="timeout", ended_at=5000.0),),
            (ends(completed(), b": beat\n", how="cut", ended_at=5000.0),),
        ),
        silent=(
            (ends(how="timeout", ended_at=5000.0),),
            (ends(completed(), how="cut"),),  # we left at once
            (ends(completed(), how="error", detail="incomplete body: peer closed"),),  # truncated-chunked-body's
            (ends(completed(), how="error", detail="connection reset by peer"),),
            (ends(completed(), how="cut", ended_at=5000.0, capture=True),),
        ),
    ),
    "lifecycle/late-after-end-hangs": Case(
        good=(
            after(reader(completed(), **AFTER)),
            after(reader((10.0, progress(20) + completed()), **AFTER)),  # the whole history
            after(answer(204, **BACK)),
            after(reader(**BACK)),  # a stream that just ends
            after(answer(404, b"{}", **BACK)),
        ),
        bad=(
            after(waits(**AFTER)),
            after(waits((5.0, progress(20)), **AFTER)),
            after(reader(**AFTER)),
            after(no_answer(**AFTER)),
            after(answer(204, **AFTER)),
            after(answer(404, b"{}", **AFTER)),
            after(waits(**BACK)),
            after(no_answer(**BACK)),
            after(waits(**{**RACE, "at": 503.0})),
        ),
        silent=(
            (TOLD,),
            (waits(**AFTER),),  # nothing says that it ended
            (update(500, 100, "completed", code=409), waits(**AFTER)),
            after(waits(completed(), **AFTER)),  # stream-open-after-terminal's
            after(reader(event({"type": "progress", "progress": {"status": "done"}}), **AFTER)),
            after(waits(how="cut", **AFTER)),
            after(no_answer(how="error", **AFTER)),
            after(answer(503, b"{}", **AFTER)),  # no room
        ),
    ),
    "lifecycle/completion-race": Case(
        good=(
            (ENDED, reader(completed(), **RACE)),
            (ENDED, waits(completed(), **RACE)),
            (ENDED, reader(progress(50), completed(), **RACE), TOLD),
        ),
        bad=(
            (ENDED, waits((5.0, progress(50)), **RACE)),
            (ENDED, reader(progress(50), **RACE)),
            (ENDED, no_answer(**RACE)),
            (ENDED, answer(204, **RACE)),
        ),
        silent=(
            (waits((5.0, progress(50)), **RACE),),  # nothing says that it ended
            (update(500, 100, "completed", code=400), waits((5.0, progress(50)), **RACE)),
            (ENDED, waits((5.0, progress(50)), **{**RACE, "at": 503.0})),  # came after the end
            (ENDED, waits((5.0, progress(50)), how="cut", **RACE)),
            (ENDED, waits((5.0, progress(50)), for_ms=3900.0, **RACE)),  # it may only be late
            (update(4600, 100, "completed"), waits((5.0, progress(50)), **RACE)),  # all was slow: it ended late
            (ENDED, answer(503, **RACE), answer(429, **RACE)),  # too many of us at once
            (ENDED, reader(progress(50), **RACE), ends()),  # no-terminal's: no stream tells the end
            (ENDED, reader(event({"type": "progress", "progress": {"status": "done"}}), **RACE)),
        ),
    ),
    "lifecycle/reconnect-restarts-task": Case(
        good=(
            after(answer(204, **BACK)),
            after(reader(completed(), **AFTER)),
            after(reader((10.0, progress(20) + completed()), **BACK)),  # the history again is no restart
            after(reader((10.0, progress(10) + progress(20) + completed()), **BACK)),  # more of it, made before the end
            (update(50, 10), *after(reader(progress(10, at=900, message="to 10 %"), completed(), **AFTER))),  # we asked
            after(answer(404, b"{}", **BACK)),
        ),
        bad=(
            after(waits((5.0, progress(0, "pending", at=905)), (30.0, progress(7, at=930)), **BACK)),
            after(reader((5.0, progress(1, at=905)), completed(), **AFTER)),
            after(reader((5.0, progress(1, at=905)), completed(), **AFTER), update(950, 1, code=400)),
            (update(50, 10), *after(reader(progress(10, "pending", at=900, message="to 10 %"), **AFTER))),
            after(reader(event({"type": "progress", "progress": {"status": "running"}}), **AFTER)),  # without a time
        ),
        silent=((TOLD,), after(no_answer(**BACK)), (reader(progress(1), **BACK),)),
    ),
    "lifecycle/reconnect-after-end-not-204": Case(
        good=(after(answer(204, **BACK)),),
        bad=(after(reader(**BACK)), after(reader(completed(), **BACK)), after(answer(404, b"{}", **BACK))),
        silent=(
            after(reader(completed(), **AFTER)),
            after(waits(**BACK)),  # late-after-end-hangs's
            after(reader(progress(1, at=905), completed(), **BACK)),  # reconnect-restarts-task's
            after(reader(completed(), **{**BACK, "last_event_id": "20"})),  # not the terminal event's id
        ),
    ),
}
