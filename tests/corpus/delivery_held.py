"""Events that are held back: until the end, until the next one; and streams that only look like it."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from ssegauge.conformance.recording.transcript import Chunk, Request, Transcript
from ssegauge.conformance.target import Promises
from tests.corpus.build import EPOCH_MS, Case, Run, completed, connected, exchange, progress
from tests.corpus.delivery import update
from tests.corpus.delivery_complete import feed, publish

ELSEWHERE = Request("GET", "https://feed.example/events")


def made(ms: float, n: int = 0, **more: Any) -> bytes:
    """An event that says when it was made, in ms after the streams were opened."""
    return b"data: " + json.dumps({"n": n, "timestamp": int(EPOCH_MS + ms), **more}).encode() + b"\n\n"


def iso(ms: float) -> bytes:
    moment = datetime.fromtimestamp((EPOCH_MS + ms) / 1000, UTC)
    return f'data: {{"at": "{moment.isoformat(timespec="milliseconds")}"}}\n\n'.encode()


def text(ms: float) -> bytes:
    return f"data: tick {(EPOCH_MS + ms) / 1000:.3f}\n\n".encode()


def whole_seconds(ms: float) -> bytes:
    return f'data: {{"ts": {int(EPOCH_MS + ms) // 1000}}}\n\n'.encode()


def read(*events: tuple[float, bytes], how: str = "eof", **more: Any) -> Transcript:
    return exchange(*events, how=how, **{"kind": "plain", "task_id": None, **more})


def elsewhere(one: Transcript) -> Transcript:
    """The same from another machine, whose clock need not be ours."""
    return replace(one, request=ELSEWHERE)


def in_one_piece(at_ms: float = 3500.0, first_ms: float = 0.0, make: Any = made, pause: float = 700.0) -> Transcript:
    return read(*((at_ms, make(first_ms + pause * n)) for n in range(5)))


def as_made(pause: float = 700.0, make: Any = made, delay: float = 3.0, how: str = "eof", **more: Any) -> Transcript:
    return read(*((pause * n + delay, make(pause * n)) for n in range(6)), how=how, **more)


def one_late(*whens: float, make: Any = made, lag: float = 4.0, **more: Any) -> Transcript:
    """Each event arrives when the next is made."""
    return read(*((after + lag, make(when)) for when, after in pairwise(whens)), how="cut", **more)


def unstamped(*whens: float, **more: Any) -> Transcript:
    return read(*((when, b"data: part\n\n") for when in whens), **more)


BURST = [3000.0 + n for n in range(6)]
EVERY_SECOND = [1000.0 * n + 17 for n in range(8)]
IRREGULAR = [17.0, 900.0, 2300.0, 2700.0, 4100.0, 4500.0, 6000.0]
TENTHS = [1000.0 + 290 * n + (n % 3) * 60 for n in range(12)]
PUBLISHED = tuple(publish(n, when) for n, when in enumerate(TENTHS))
STEADY = tuple(update(when, n) for n, when in enumerate(TENTHS))


def steady(*arrivals: float) -> Transcript:
    """The stream of a task; its updates arrive at these times, and then it ends."""
    moves = ((when, progress(n, message=f"{n} %")) for n, when in enumerate(arrivals))
    last = (arrivals[-1] + 1, completed())
    return exchange((5.0, connected()), *moves, last, situation="steady", kind="manual")


def answers(*whens: float, opening: float = 20.0, how: str = "eof") -> Run:
    """Three answers of a language model, each opened by who speaks."""
    events = ((opening, b"data: {}\n\n"), *((when, b'data: {"delta": "word "}\n\n') for when in whens))
    return tuple(read(*events, how=how, reader=reader) for reader in ("uncut", "twin", "beside"))


def gathered(one: Transcript) -> tuple[Chunk, ...]:
    """What came at one moment, in one packet each."""
    moments = sorted({chunk.at_ms for chunk in one.chunks})
    return tuple(Chunk(at, b"".join(each.data for each in one.chunks if each.at_ms == at)) for at in moments)


AT_ONCE = [3000.0 + 0.15 * n for n in range(30)]
CASES = {
    "delivery/held-to-the-end": Case(
        good=(
            (as_made(),),
            (as_made(make=iso),),
            (in_one_piece(at_ms=20.0, first_ms=-4000.0),),  # history
            (as_made(delay=2000.0),),
            (read(*((700.0 * (n - n % 2), made(700.0 * n - 700)) for n in range(2, 8))),),  # in pairs
            (*STEADY, steady(*TENTHS)),
        ),
        bad=(
            (in_one_piece(),),
            (in_one_piece(make=iso),),
            (in_one_piece(make=text),),
            (in_one_piece(at_ms=6900.0, make=whole_seconds, pause=1400.0),),
            (elsewhere(in_one_piece()),),
            (unstamped(*BURST, reader="uncut"), unstamped(*BURST, reader="twin")),
            (*STEADY, steady(*[6000.0] * 12)),
            answers(*AT_ONCE),
            answers(*(when + 40 * (n > 7) for n, when in enumerate(AT_ONCE))),  # and we were late once
        ),
        silent=(
            (replace(in_one_piece(), end=replace(in_one_piece().end, how="cut")),),  # goes on: a batch
            (unstamped(*BURST),),  # once may be chance
            (unstamped(*BURST, reader="uncut"), unstamped(5.0, 6.0, 7.0, 8.0, 9.0, reader="twin")),
            (unstamped(*(n / 10 for n in BURST), reader="uncut"), unstamped(*BURST[:3], reader="twin")),
            (read((5.0, b"data: begins\n\n"), *((when, b"data: part\n\n") for when in BURST)),) * 2,
            (in_one_piece(pause=100.0),),
            answers(*AT_ONCE[:5]),  # a short answer
            answers(*(when - 2200 for when in AT_ONCE)),  # all of it in less than a second
            answers(*(3000.0 + n for n in range(30))),  # a quick model, which thought first
            tuple(replace(one, chunks=gathered(one)) for one in answers(*(3000.0 + 10 * (n // 10) for n in range(30)))),
            answers(*AT_ONCE, 6000.0),
            answers(*AT_ONCE)[:1],
            (read(*((3500.0, b'data: {"born": 1}\n\n') for _ in range(3))),),
        ),
        promises=Promises(token="/delta"),
    ),
    "delivery/one-event-late": Case(
        good=(
            (as_made(pause=1013.0, how="cut"),),
            (as_made(pause=1013.0, delay=400.0, how="cut"),),  # late, each by as much
            (as_made(pause=3000.0, make=whole_seconds, how="cut"),),
            (read(*((20.0, made(-1013.0 * n)) for n in range(8, 0, -1)), how="cut"),),  # history
            (elsewhere(read(*((when + 1000, made(when)) for when in IRREGULAR), how="cut")),),  # a clock that is behind
            (*PUBLISHED, feed(*((when + 150.0, n) for n, when in enumerate(TENTHS)))),
        ),
        bad=(
            (one_late(*EVERY_SECOND),),
            (one_late(*EVERY_SECOND, make=iso),),
            (one_late(*(3 * when for when in EVERY_SECOND), make=whole_seconds),),
            (elsewhere(one_late(*IRREGULAR)),),
            (one_late(*IRREGULAR, make=text, situation="idle"),),
            (*PUBLISHED, feed(*((after + 3.0, n) for n, after in enumerate(TENTHS[1:])), situation="steady")),
        ),
        silent=(
            (elsewhere(one_late(*EVERY_SECOND)),),  # or a clock that is one second behind
            (one_late(*(1000.0 * n for n in range(8))),),  # windows, told when they are over
            (one_late(*EVERY_SECOND, make=lambda ms: made(ms)[:-2].replace(b"timestamp", b"startedAt") + b"\n\n"),),
            (one_late(*EVERY_SECOND[:3]),),
            (one_late(*(100.0 * n + 7 for n in range(8))),),
            (one_late(*EVERY_SECOND, capture=True),),
            (read(*((when, b"data: tick\n\n") for when in EVERY_SECOND), how="cut"),),
            (*PUBLISHED[:5], feed(*((after + 3.0, n) for n, after in enumerate(TENTHS[1:5])))),
        ),
    ),
}
