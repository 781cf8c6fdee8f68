"""What was published at an address, and what arrived of it: all, once, in order; or not."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.recording.transcript import Request, Transcript
from tests.corpus.build import EPOCH_MS, Case, exchange
from tests.corpus.delivery import at as task_at
from tests.corpus.delivery import told as task_told
from tests.corpus.delivery import updates

FIRST_MS = 1000.0  # the streams were opened at 0, and are connected half a second after their heads
PACE_MS = 100.0


def publish(n: int, at_ms: float | None = None, status: int = 200, **facts: Any) -> Transcript:
    """A publication; it is answered after 2 ms."""
    sent = FIRST_MS + PACE_MS * n if at_ms is None else at_ms
    told = {"kind": "plain", "marker": marker(n), "message": f"{marker(n)} step", **facts}
    made = exchange(b"{}", role="update", status=status, started_ms=EPOCH_MS + sent)
    return replace(made, facts=Facts(**told))


def marker(n: int) -> str:
    return f"ssegauge{n:012x}"


SENT = tuple(publish(n) for n in range(8))


def says(n: int, more: str = "") -> bytes:
    return f'data: {{"text": "{marker(n)} step{more}"}}\n\n'.encode()


def feed(*told: tuple[float, int] | tuple[float, bytes], how: str = "cut", **more: Any) -> Transcript:
    """A stream in which publications arrive at times, in ms after the streams were opened."""
    chunks = [(when, says(what) if isinstance(what, int) else what) for when, what in told]
    facts = {"kind": "plain", "task_id": None, **more}
    return exchange(*chunks, how=how, **{"ended_at": 9000.0, **facts})


def in_time(*numbers: int, delay: float = 5.0) -> list[tuple[float, int]]:
    return [(FIRST_MS + PACE_MS * n + delay, n) for n in numbers]


ALL = in_time(*range(8))
LATE_SENT = (publish(8, 5000.0), publish(9, 5050.0))
TIDY = ((20.0, b"data: welcome\n\n"), *ALL)
STATES = [(FIRST_MS + 405.0 * n, n * 4) for n in (1,)] + [(FIRST_MS + 810.0, 7)]  # every 400 ms the newest
# Whoever comes is told the newest state at once.
GREETED = tuple(feed((20.0, 7), started_ms=EPOCH_MS + 3000.0 + 500.0 * n, reader="newcomer") for n in range(3))
HISTORY = tuple(feed((20.0, 6), (20.0, 7), started_ms=one.started_ms, reader="newcomer") for one in GREETED)
STUCK = replace(
    feed((10.0, b"data: hello\n\n"), situation="beside-slow", ended_at=6000.0), started_ms=EPOCH_MS + 4000.0
)


def doubled(say: Callable[[int], bytes], every: float = 200.0, many: int = 2, apart: float = 0.5) -> Transcript:
    """A stream on which each of eight events comes several times."""
    return feed(*((FIRST_MS + every * n + apart * k, say(n)) for n in range(8) for k in range(many)))


def tick(n: int) -> bytes:
    return b'data: {"n": %d}\n\n' % n


CASES = {
    "delivery/told-twice": Case(
        good=(
            (doubled(tick, many=1),),
            (doubled(lambda n: tick(n // 4), many=1),),  # a state, told again while it stays
            (doubled(lambda n: tick(n // 4), every=21.0, many=1),),
            (doubled(tick, every=50.0, apart=25.0),),  # told at a pace of its own
            (doubled(tick, every=500.0, apart=120.0),),
            (doubled(lambda n: b"event: all\n" + tick(n) + tick(n), many=1),),  # for two sorts of listeners
            (doubled(lambda n: tick(n % 2)),),  # lamps, perhaps
            (doubled(lambda n: tick(n) + (tick(n) if n % 2 else b""), many=1),),  # of two sources, which agree at times
        ),
        bad=(
            (doubled(tick),),
            (doubled(tick, many=3, apart=5.0),),
            (doubled(tick, every=800.0, apart=60.0),),  # of two listeners each at its own time
            (doubled(lambda n: tick(n) + tick(n + 50) + tick(n) + tick(n + 50), many=1),),
            (doubled(lambda n: b"id: %d\n" % n + tick(n) + b"id: %d\n" % (n + 50) + tick(n), many=1),),
        ),
        silent=(
            (feed(*((FIRST_MS + 9.0 * n, tick(n // 2)) for n in range(40))),),
            (feed((FIRST_MS, 1), (FIRST_MS, 1)),),
            (replace(doubled(tick), request=Request("POST", "http://127.0.0.1/stream")),),
            (doubled(lambda _: b"event: ping\ndata: {}\n\n"),),
        ),
    ),
    "delivery/update-lost": Case(
        good=(
            (*SENT, feed(*ALL)),
            (*SENT, feed(*TIDY, situation="steady")),
            (*SENT, feed(*ALL, how="eof", ended_at=1800.0)),
            (*SENT, feed(*in_time(*range(8), delay=3500.0))),  # late
            (*SENT, feed(*STATES), *GREETED),  # overtaken states are left out
            (*SENT, publish(9, 1900.0, status=429), feed(*ALL)),  # was not accepted
            (publish(9, 100.0), *SENT, feed(*ALL)),  # before the reader was connected
            (publish(9, subject="other"), *SENT, feed(*ALL)),  # for another stream
            (*updates(), task_told(*task_at(5))),
        ),
        bad=(
            (*SENT, feed(*in_time(0, 1, 2, 4, 5, 6, 7))),
            (*SENT, feed(*in_time(*range(7)))),
            (*SENT, feed((20.0, b"data: welcome\n\n"))),
            (*SENT, feed()),
            (*SENT, feed(*STATES)),
            (*SENT, feed(*STATES), *GREETED[:2]),
            (*SENT, feed(*STATES), *(replace(one, chunks=()) for one in GREETED)),
            (*SENT, publish(8, 2500.0), feed(*STATES, (2505.0, 8)), *HISTORY),
            (*SENT, publish(8, 3000.0), publish(9, 3600.0), feed(*STATES, (3605.0, 9)), *GREETED),  # not in haste
            (*SENT, feed(*ALL), feed(*in_time(*range(0, 8, 2)), reader="twin")),
            (*updates(), task_told(*task_at(5, 7), how="timeout", ended_at=5800.0)),
        ),
        silent=(
            (feed(*ALL),),
            (*SENT, feed(how="eof", ended_at=900.0)),
            (*SENT, feed(ended_at=3000.0)),  # we left too soon to say
            (*SENT, feed(resume="garbage")),
            (*SENT, feed(situation="idle")),
            (*SENT, feed(answered=False, how="error")),
            (*SENT, feed(capture=True)),
        ),
    ),
    "delivery/update-duplicated": Case(
        good=(
            (*SENT, feed(*ALL)),
            (*SENT, feed(*ALL, (1706.0, 7))),  # one state, of which something else had changed
            (*SENT, feed(*ALL, (4000.0, 7), (6000.0, 7))),  # the state as it is, now and then
            (*SENT, feed(*ALL, (1706.0, says(7, " changed")))),
            (*SENT, feed(*ALL, (1800.0, b"".join(says(n)[:-2] + b"\n" for n in range(8)) + b"\n"))),  # a digest
            (*updates(), task_told(*task_at(5))),
        ),
        bad=(
            (*SENT, feed(*[(when + more, n) for when, n in ALL for more in (0, 1)])),
            (*SENT, feed(*ALL, (1707.0, 7), (1708.0, 6))),
            (*SENT, feed(*ALL, (5000.0, 2), (5001.0, 3))),  # overtaken long ago
        ),
        silent=((*SENT, feed()), (*SENT, feed(*ALL, capture=True)), (feed(*ALL, *ALL),)),
    ),
    "delivery/update-reordered": Case(
        good=(
            (*SENT, feed(*ALL)),
            (*SENT, feed((1800.0, b"".join(says(n) for n in range(8))))),
            (publish(0, 1000.0), publish(1, 1001.0), feed((1010.0, 1), (1011.0, 0))),  # at the same time
            (*SENT, *LATE_SENT, STUCK, feed(*ALL, (5100.0, 9), (5101.0, 8))),  # while somebody does not read
            (*updates(), task_told(*task_at(5))),
        ),
        bad=(
            (*SENT, feed(*in_time(0, 1, 2), (1405.0, 4), (1406.0, 3), *in_time(5, 6, 7))),
            (*SENT, feed(*[(1800.0 + n, 7 - n) for n in range(8)])),
            (*SENT, *LATE_SENT, feed(*ALL, (5100.0, 9), (5101.0, 8))),
        ),
        silent=((*SENT, feed(*in_time(0))), (*SENT, feed()), (feed(*ALL),)),
    ),
}
