"""Updates and their arrival: in time or late, one by one or in a burst."""

import math
from dataclasses import replace
from typing import Any

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.recording.transcript import Transcript
from tests.corpus.build import EPOCH_MS, Case, connected, exchange, progress

START_MS = 100.0  # when the first update is sent; the streams were opened at 0


def update(at_ms: float, n: int, status: str = "running", code: int = 200, **facts: Any) -> Transcript:
    """An update sent at a time."""
    told = {"task_id": "task-1", "message": f"{n} %", "progress": n, "status": status, **facts}
    return replace(exchange(b"{}", role="update", status=code, started_ms=EPOCH_MS + at_ms), facts=Facts(**told))


def updates(count: int = 8, pace_ms: float = 100.0) -> tuple[Transcript, ...]:
    """Updates to 10 %, 20 % and so on, one after the other."""
    return tuple(update(START_MS + pace_ms * n, 10 * (n + 1)) for n in range(count))


def told(*arrivals: float, how: str = "cut", ended_at: float | None = None, **facts: Any) -> Transcript:
    """A stream in which the events of the updates arrive at these times."""
    chunks = [(at, progress(10 * n)) for n, at in enumerate(arrivals, 1)]
    opening = (10.0, connected() + progress(0, "pending"))
    return exchange(opening, *chunks, how=how, ended_at=ended_at, **{"kind": "manual", **facts})


def polled(every_ms: float, last: float = 9000.0, old_ms: float = 0.0) -> Transcript:
    """A stream of events that are made every 200 ms and looked for at times; or so long after."""
    made = [200.0 * n for n in range(1, int(last / 200))]
    events = [(math.ceil(ms / every_ms) * every_ms + 1, ms) for ms in made]
    chunks = [(come, b'data: {"made": %d}\n\n' % (EPOCH_MS + ms - old_ms)) for come, ms in events]
    return exchange(*chunks, how="cut", task_id=None, kind="plain")


def history() -> Transcript:
    """What happened in a minute and a half before, told in three pieces."""
    chunks = [
        (100.0 * n, [b'data: {"made": %d}\n\n' % (EPOCH_MS - 1000 * (90 - 30 * n - i)) for i in range(30)])
        for n in range(3)
    ]
    return exchange(*((at_ms, b"".join(told)) for at_ms, told in chunks), how="cut", task_id=None, kind="plain")


def at(delay_ms: float, count: int = 8, pace_ms: float = 100.0) -> list[float]:
    """Arrival times of updates that all take as long."""
    return [START_MS + pace_ms * n + delay_ms for n in range(count)]


def coalesced() -> Transcript:
    """A stream that polls: it shows every fourth state, in time, and leaves out those that were overtaken."""
    chunks = ((410.0, progress(40)), (810.0, progress(80)))
    return exchange((10.0, connected() + progress(0)), *chunks, how="cut", kind="manual")


def other_words() -> Transcript:
    """A stream of a server that words its messages itself."""
    chunks = [(when, progress(10 * n, message="Working")) for n, when in enumerate(at(5), 1)]
    return exchange((10.0, connected() + progress(0)), *chunks, how="cut", kind="manual")


def hostile() -> Transcript:
    """A stream whose fields have types that nobody expects."""
    states = ({"message": [1]}, {"message": {"a": []}, "progress": [5]}, {"status": {}, "progress": "x"})
    return exchange(
        *(progress(10, **state) for state in states), *(b"data: %d\n\n" % n for n in range(3)), how="cut", kind="manual"
    )


WHEN = [100.0 + 290 * n + (n % 3) * 40 for n in range(40)]  # about 12 s, at irregular times
STEADY = tuple(update(when, n) for n, when in enumerate(WHEN))


def steady(arrivals: list[float], **facts: Any) -> tuple[Transcript, ...]:
    """The updates over many seconds, and a stream in which each arrives at a time, with the newest until then alone."""
    newest = dict(zip(arrivals, range(len(arrivals)), strict=True))
    chunks = [(when, progress(n, message=f"{n} %")) for when, n in newest.items()]
    return (*STEADY, exchange((10.0, connected()), *chunks, how="cut", kind="manual", situation="steady", **facts))


def on_the_grid(every_ms: float, jitter_ms: float = 0.0) -> list[float]:
    """Arrival times in steps: each update at the next look."""
    looks = [every_ms * (1 + int(when / every_ms)) for when in WHEN]
    return [look + jitter_ms * (int(look / every_ms) % 2) for look in looks]


def queued(each_ms: float) -> list[float]:
    """Arrival times where every update takes so long."""
    return [each_ms * (n + 1) for n in range(len(WHEN))]


CASES = {
    "delivery/polled": Case(
        good=(
            steady([when + 5 for when in WHEN]),
            steady([when + 900 for when in WHEN]),  # late, but each at its own time
            steady(on_the_grid(100.0)),  # nobody sees that
            steady(queued(500.0)),  # later and later: that is update-late's
        ),
        bad=(
            steady(on_the_grid(2000.0)),
            steady(on_the_grid(1000.0, jitter_ms=40.0)),
            steady(on_the_grid(500.0)),
            steady([*on_the_grid(1000.0)[:20], *(when + 300 for when in on_the_grid(1000.0)[20:])]),  # one stall
        ),
        silent=(
            (*STEADY, told()),
            steady(on_the_grid(1000.0)[:8]),  # too few
            steady(on_the_grid(1000.0), capture=True),
            (*STEADY, exchange(role="stream", status=500, situation="steady")),
            (hostile(),),
        ),
    ),
    "delivery/update-late": Case(
        good=(
            (*updates(), told(*at(5))),
            (*updates(), told(*at(1900))),
            (*updates(), coalesced()),
            (*updates(), other_words()),
            (*updates(), told(*at(5), resume="known")),
            (*updates(), update(5000, 100, code=409), told(*at(5), how="timeout", ended_at=9000.0)),  # was refused
            (*updates(3), update(400, 100, "completed"), told(*at(5, 3), how="timeout", ended_at=5400)),
        ),
        bad=(
            (*updates(), told(*at(2300))),
            (*updates(), told(*at(5, 7), 3000.0)),
            (*updates(), told(*at(5, 7), how="timeout", ended_at=3800.0)),
        ),
        silent=(
            (told(*at(5)),),
            (*updates(), told(*at(5), capture=True)),
            (*updates(), told(*at(2300), situation="slow")),
            (*updates(), told(*at(2300)), told(*at(2300), situation="beside-slow")),  # slow-reader-stalls-others's
            (*updates(), told(*at(2300), resume="stale")),
            (*updates(), told(how="cut", ended_at=1500.0)),  # we left before they could be late
            (*updates(), told(how="eof", ended_at=9000.0)),  # ended too early: that is another rule's
            (*updates(), exchange((950.0, connected() + progress(80)), how="cut", kind="manual", joined="late")),
            (*updates(), hostile()),
        ),
    ),
    "delivery/batched": Case(
        good=(
            (*updates(), told(*at(5))),
            (*updates(), told(*at(2300))),  # late, but one by one
            (*updates(), told(105, 205, 700, 701, 702, 703, 705, 805)),  # one stall of 400 ms
            (*updates(), told(210, 210, 410, 410, 610, 610, 810, 810)),  # pairs
            (polled(every_ms=200.0),),  # each when it is made
            (polled(every_ms=400.0),),  # so little may be meant
        ),
        bad=(
            (*updates(), told(*[1000.0] * 8)),
            (*updates(), told(1000, 1001, 1002, 1003, 1004, 1005, 1006, 1900)),
            (*updates(), told(510, 510, 510, 510, 910, 910, 910, 910)),
            (polled(every_ms=2000.0),),  # by their own time stamps
            (polled(every_ms=4000.0, last=8200.0),),  # behind a buffer, full twice
        ),
        silent=(
            (*updates(), coalesced()),
            (*updates(4), told(*[1000.0] * 4)),  # too few
            (*updates(8, 20), told(*[1000.0] * 8)),  # sent too close together
            (polled(every_ms=2000.0, last=4000.0),),  # twice may be chance
            (polled(every_ms=2000.0, old_ms=240_000.0),),  # reports that reach the server in lots
            (polled(every_ms=4000.0, last=4200.0),),  # once, however much
            (*updates(), hostile()),
            (history(),),
        ),
    ),
}
