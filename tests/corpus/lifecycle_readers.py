"""Several readers of one task: what they are told, and what their coming does to it."""

from typing import Any

from tests.corpus.build import Case, Run, completed, event, failed, healthy, progress
from tests.corpus.course import answer, reader, snapshot, update, waits

MOVES = (update(100, 10), update(200, 20))
LATE: dict[str, Any] = {"at": 300.0, "joined": "late", "name": "late"}
SOON, LONG_AFTER = 10.0, 1500.0


def two(*others: bytes, **more: Any) -> Run:
    """The usual reader and another one, who is told other events."""
    return (reader(*STEPS, completed(), name="first"), reader(*others, name="other", at=5.0, **more))


STEPS = (progress(0, "pending"), progress(20), progress(40), progress(60))


def own_words(n: int, **inner: Any) -> bytes:
    """A report without id, as a server writes it that knows none."""
    return progress(n, id=None, **inner)


def watched(*chunks: bytes | tuple[float, bytes], visits: tuple[float, ...] = (250.0,), **more: Any) -> Run:
    """A reader of a task that is moved twice, and others who come meanwhile."""
    visitors = (reader(progress(20), how="cut", at=at, name=f"visitor-{at:g}", joined="late") for at in visits)
    return (*MOVES, waits((5.0, progress(0, "pending")), *chunks, name="watcher", **more), *visitors)


MOVED = ((105.0, progress(10)), (205.0, progress(20)))
END = reader(*STEPS, completed(), name="first")
BROKE = reader(*STEPS, failed(error="no answer"), name="first", kind="failing")

CASES = {
    "lifecycle/late-subscriber-uninformed": Case(
        good=(
            (*MOVES, waits((SOON, progress(20)), **LATE)),
            (*MOVES, waits((SOON, progress(0, "pending") + progress(10) + progress(20)), **LATE)),  # the whole history
            (*MOVES, waits((SOON, completed()), **LATE)),
            (*MOVES, update(299.5, 30), waits((SOON, progress(20)), **LATE)),  # not answered when the reader came
            (*MOVES, update(250, 90, code=400), waits((SOON, progress(20)), **LATE)),
            (waits((SOON, progress(20, progress="20%")), **LATE),),
        ),
        bad=(
            (*MOVES, waits(**LATE)),
            (*MOVES, waits((LONG_AFTER, progress(30)), **LATE)),
            (*MOVES, waits((SOON, progress(10)), (LONG_AFTER, progress(20)), **LATE)),  # an old state
            (*MOVES, reader(**LATE)),
        ),
        silent=(
            (*MOVES, waits(for_ms=500.0, how="cut", **LATE)),  # we left too early to say
            (*MOVES, waits()),
            (*MOVES, waits(resume="stale", **LATE)),
            (*MOVES, waits(capture=True, **LATE)),
        ),
    ),
    "lifecycle/subscribers-disagree": Case(
        good=(
            two(*STEPS, completed()),
            two(*STEPS[2:], completed()),  # came later
            two(*STEPS[:2], how="cut"),  # left earlier
            two(STEPS[2], STEPS[2], STEPS[3], completed()),  # the current state, and then again with the rest
            two(*STEPS[:3], progress(60, estimatedTimeRemaining=3), completed()),  # an estimate is of its moment
            two(own_words(20), own_words(40), own_words(60), completed()),
            two(progress(40, id="1"), progress(60, id="2"), completed("3")),  # ids-repeated's, or ids-missing's
            (
                reader(progress(20), progress(40), progress(20), progress(60), name="first"),  # progress-regresses's
                reader(progress(20), progress(60), name="other", at=1.0),
            ),
        ),
        bad=(
            two(STEPS[0], STEPS[1], STEPS[3], completed()),  # one is missing
            two(STEPS[0], STEPS[2], STEPS[1], STEPS[3], completed()),
            two(*(progress(n, stage="Still scoring") for n in (20, 40, 60)), completed(stage="Still scoring")),
            two(*STEPS, completed(results={"score": 8})),
            two(own_words(21), own_words(41), failed(None)),  # nothing in common, and another end
        ),
        silent=(
            (healthy(),),
            two(*STEPS, completed(), resume="known"),
            two(STEPS[0], STEPS[3], completed(), situation="race"),
            two(own_words(5), own_words(7), how="cut"),  # nothing in common, which may be of another time
            two(how="cut"),
        ),
    ),
    "lifecycle/subscriber-moves-task": Case(
        good=(
            watched(*MOVED),
            watched((101.0, progress(0)), *MOVED),  # the first update moves it to running first, at 0
            watched(*MOVED, (260.0, progress(5))),  # progress-regresses's
            watched((105.0, progress(10)), (205.0, progress(20)), (255.0, progress(20, message="again"))),
        ),
        bad=(
            watched(*MOVED, (260.0, progress(21))),
            watched((6.0, progress(1, "pending")), *MOVED),  # by its own coming
            watched(*MOVED, (260.0, progress(0, "pending"))),  # it starts again
            watched(*MOVED, (260.0, progress(21)), (460.0, progress(22)), visits=(250.0, 450.0)),
        ),
        silent=(
            watched(*MOVED, (1900.0, progress(33))),  # it moves by itself, not when somebody comes
            watched(*MOVED, (260.0, progress(21)), (1900.0, progress(33))),
            watched(*MOVED, visits=()),
            watched(*MOVED, visits=(6000.0,)),
            watched(*MOVED, (260.0, progress(21)), situation="canary"),
            watched(*MOVED, (260.0, progress(21)), kind="self-running")[2:],
        ),
    ),
    "lifecycle/snapshot-disagrees": Case(
        good=(
            (END, snapshot(900, {"status": "completed", "progress": 100.0, "more": []})),
            (END, snapshot(900, {"status": "completed", "progress": "100 %"})),  # old clients may know it as text
            (BROKE, snapshot(900, {"status": "failed", "progress": 0, "error": "no answer"})),
        ),
        bad=(
            (END, snapshot(900, {"status": "pending", "progress": 0})),
            (END, snapshot(900, {"status": "completed", "progress": 60})),
            (BROKE, snapshot(900, {"status": "failed", "progress": 0, "error": "Error"})),
        ),
        silent=(
            (END,),
            (END, snapshot(900, {"state": "done"})),
            (END, snapshot(900, ["completed"])),
            (END, snapshot(900, {"status": "pending"}, code=404)),
            (END, snapshot(20, {"status": "running", "progress": 60})),  # asked before the end was told
            (snapshot(900, {"status": "pending"}), answer(500)),
            (reader(*STEPS, event({}), name="first"), snapshot(900, {"status": "completed"})),
        ),
    ),
}
