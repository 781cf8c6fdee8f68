"""Many requests at once, and how many of them are answered at once."""

from dataclasses import replace
from typing import Any

from ssegauge.conformance.recording.transcript import Request, Transcript
from tests.corpus.build import EPOCH_MS, Case, Run, exchange
from tests.corpus.readers import reader

EVENT = b"data: 1\n\n"


def one_of(nth: int, head_at: float | None, ended_at: float, how: str = "cut", **more: Any) -> Transcript:
    """One of those that came at once; None: it had no answer until we left."""
    facts = {"task_id": None, "kind": "plain", "situation": "crowd", "nth": nth, **more}
    chunks = () if head_at is None else ((head_at + 1, EVENT),)
    answered = head_at is not None
    return exchange(
        *chunks, name=f"crowd-{nth}", how=how, head_at=head_at or 0, ended_at=ended_at, answered=answered, **facts
    )


def crowd(*heads: float | None, ended_at: float = 4000.0) -> Run:
    return tuple(one_of(n, head, ended_at) for n, head in enumerate(heads, 1))


def queued(each_ms: float, count: int = 3, later_ms: float = 5.0) -> Run:
    """Streams that end by themselves, one after the other; each is answered so much later than the one before ends."""
    return tuple(one_of(n, max(5.0, (n - 1) * each_ms + later_ms), n * each_ms, "eof") for n in range(1, count + 1))


def at_once(*heads: float) -> Run:
    """Streams that end with their first event."""
    return tuple(one_of(n, head, head + 1, "eof") for n, head in enumerate(heads, 1))


def came(at: float, lived: float, how: str = "eof", last: bytes = EVENT, **more: Any) -> Transcript:
    """A stream that somebody came to after so many ms; its last event comes with its end."""
    facts = {"task_id": None, "kind": "plain", **more}
    chunks = ((6.0, EVENT), (7.0, EVENT), (lived - 1.0, last))
    seen = exchange(*chunks, head_at=5.0, ended_at=lived, how=how, name=f"at-{at:g}", **facts)
    return replace(seen, started_ms=EPOCH_MS + at)


def each_for_the_next(lived: float = 1100.0, **more: Any) -> Run:
    """Streams that end when another comes; then one that was alone until another came, twice."""
    many = tuple(came(1000.0 * n, lived) for n in range(6))
    alone = {"situation": "again", "joined": "start", **more}
    late = {"situation": "again", "joined": "late", "how": "cut"}
    tries = ((came(at, 4200.0, **alone), came(at + 4000.0, 300.0, **late)) for at in (20_000.0, 30_000.0))
    return (*many, *(one for pair in tries for one in pair))


def ousting(*, keeps: int = 3) -> Run:
    """Streams of which the oldest ends when there are so many newer ones; at once, and later on."""
    last = 8 - keeps
    at_once = (
        one_of(n, 10.0 * n, 10.0 * (n + keeps) + 5 if n <= last else 200.0, "eof" if n <= last else "cut")
        for n in range(1, 9)
    )
    watch = replace(came(1000.0, 705.0), probe="watch")
    others = tuple(replace(came(1500.0 + 100.0 * n, 3000.0, "cut"), probe="plain") for n in range(3))
    return (*at_once, watch, *others)


def asked_again(nth: int) -> Transcript:
    """One whose connection the server's queue had no room for at first; its stream ends where another's has ended."""
    late = one_of(nth, 1003.0 + nth, 1004.0 + nth, "eof")
    assert late.head
    return replace(late, head=replace(late.head, connected_ms=1001.0))


def refused(nth: int, status: int) -> Transcript:
    return exchange(b"{}", name=f"crowd-{nth}", status=status, task_id=None, kind="plain", situation="crowd", nth=nth)


def member(nth: int, *at_ms: float, ended_at: float = 2600.0, head_at: float = 5.0) -> Transcript:
    """One of those that came at once and were answered at once; told events at these times."""
    facts = {"task_id": None, "kind": "plain", "situation": "crowd", "nth": nth}
    events = [(at, b"data: %d\n\n" % at) for at in at_ms]
    return exchange(*events, name=f"crowd-{nth}", how="cut", head_at=head_at, ended_at=ended_at, **facts)


def paced(alone_ms: float, beside_ms: float) -> Run:
    """One who stays, and is told an event after each pause, longer the more read: two at first, one later."""
    stays = ((0.0, 20_000.0), (10.0, 5000.0), (20.0, 5000.0), (9000.0, 12_000.0))
    times, at = [], 0.0
    while at < 19_000.0:
        others = sum(came <= at < left for came, left in stays[1:])
        at += alone_ms + beside_ms * others
        times.append(at)
    return tuple(
        reader([(at, b"data: %d\n\n" % at) for at in times], came, left, name=f"paced-{came:g}", reader="uncut")
        for came, left in stays
    )


def told_at_once(*waited_ms: float) -> Run:
    """Newcomers of other probes, and how long each waited for its first event."""
    plain = {"task_id": None, "kind": "plain", "how": "cut", "head_at": 2.0, "ended_at": 3000.0}
    return tuple(exchange((2.0 + ms, EVENT), name=f"plain-{n}", **plain) for n, ms in enumerate(waited_ms))


def call(n: int, waited_ms: float, *, answered: bool = True, **facts: Any) -> Transcript:
    """What is published, and how long it had no answer."""
    how, more = ("eof", {"head_at": waited_ms}) if answered else ("timeout", {"ended_at": waited_ms})
    return exchange(role="update", name=f"publish-{n}", how=how, answered=answered, kind="plain", **more, **facts)


def calls(*waited_ms: float) -> Run:
    return tuple(call(n, ms) for n, ms in enumerate(waited_ms))


ALONE = call(9, 3.0, situation="again")


def generation(nth: int, *chunks: tuple[float, bytes], method: str = "POST") -> Transcript:
    """One of the answers that were asked for at once."""
    facts = {"task_id": None, "kind": "plain", "nth": nth, "request": Request(method, "http://127.0.0.1/v1/chat")}
    return exchange(*chunks, (chunks[-1][0] + 1, b"data: [DONE]\n\n"), name=f"plain-{nth}", **facts)


def chunk_of_text(at_ms: float) -> tuple[float, bytes]:
    return at_ms, b'data: {"choices": [{"index": 0, "delta": {"content": "Hi"}}]}\n\n'


QUEUE_FULL = b'data: {"error": {"message": "queue timeout", "code": 503}}\n\n'
ANSWERED = generation(1, chunk_of_text(20.0), chunk_of_text(3900.0))
EACH_HALF = [20.0 + 500 * n for n in range(6)]
TOLD = (member(1, *EACH_HALF), member(2, *EACH_HALF))
LATE = (2620.0, 3120.0)
WAIT = {"ended_at": 3500.0}
# Told the state on coming, and nothing more.
GREETED = (member(1, 20.0), member(2, 25.0), member(3, 2650.0, **WAIT), member(4, 2655.0, **WAIT))
# A place is free again when the server sees that its reader left.
FOUR_PLACES = (*crowd(2, 3, 4, 1492, ended_at=5000.0), *(one_of(n, 7540.0, 16000.0) for n in (5, 6, 7, 8)))
IN_VAIN = tuple(one_of(n, None, 14000.0) for n in range(9, 17))
EVERY_800 = [40.0 + 800 * n for n in range(16)]
HELLO = exchange(EVENT, name="hello", role="hello", how="cut")
SLOW_HELLO = exchange(EVENT, name="hello", role="hello", how="cut", head_at=1400.0)
WAITED = exchange(name="plain", how="timeout", ended_at=5000.0, answered=False, task_id=None, kind="plain")

CASES = {
    "capacity/serves-few-at-once": Case(
        good=(
            (crowd(2, 3, 4, 9)),
            crowd(2, 900),
            (*crowd(2, 3, 4, 9), *paced(400.0, 10.0)),
            # They end with their age, or for no reason that is seen; or it was so but once.
            tuple(replace(one, end=replace(one.end, how="eof")) for one in ousting() if one.end),
            tuple(one for one in ousting() if one.probe != "watch"),
            (*ousting(), *(replace(came(4000.0 + n, 100.0), probe="watch") for n in range(3))),
            each_for_the_next(how="cut"),  # that one lives on
            each_for_the_next(last=b"event: replaced\ndata: by another\n\n"),  # and says so
            (*at_once(2, 3, 4), asked_again(4), asked_again(5)),
            # What goes to one reader each, in turns, or to all at once when it happens.
            (member(1, 100.0, 900.0), member(2, 300.0, 1100.0), member(3, 500.0), member(4, 700.0)),
            (member(1, 20.0), member(2, 22.0), member(3, 3200.0, **WAIT), member(4, 3200.0, **WAIT)),
            # Each has a pace of its own, and some begin late.
            (member(1, *EACH_HALF), member(2, 2300.0), member(3, 2700.0, **WAIT), member(4, 3300.0, **WAIT)),
            # One tick for all: some came a moment too late for the one before.
            (*GREETED, *told_at_once(900.0, 1400.0, 300.0)),
            # The model breaks off, and in the midst of what it says; it always does; or each GET ends the one before.
            (ANSWERED, generation(2, chunk_of_text(20.0), (2080.0, QUEUE_FULL))),
            (generation(1, (30.0, QUEUE_FULL)), generation(2, (2080.0, QUEUE_FULL))),
            (generation(1, chunk_of_text(20.0)), generation(2, (2080.0, QUEUE_FULL))),
            (generation(1, (30.0, QUEUE_FULL), method="GET"), generation(2, *[chunk_of_text(20.0)], method="GET")),
            (*TOLD, member(3, *LATE, **WAIT)),  # one alone may be so by chance
            (*TOLD, member(3), member(4)),  # told nothing, whoever leaves: another matter
            (*TOLD, *(member(n, *LATE, **WAIT) for n in range(3, 9))),  # more than there can be places
        ),
        bad=(
            (*crowd(2, 3, 4, 9), *paced(400.0, 400.0)),  # it waits for each of them
            each_for_the_next(),
            ousting(),
            crowd(2, 3, None, None),
            (*crowd(2, 3, ended_at=4000.0), one_of(3, 4010.0, 4500.0), one_of(4, 4020.0, 4500.0)),
            crowd(2, None, None, None, None),
            (*crowd(2, 3), refused(3, 503)),
            (*crowd(2, 3), refused(3, 429), refused(4, 429)),
            queued(1300.0),
            queued(1700.0, later_ms=-2.0),  # its last bytes were under way
            (HELLO, *crowd(None, None, None), WAITED),
            (*TOLD, member(3, *LATE, **WAIT), member(4, *LATE, **WAIT), member(5, **WAIT)),
            (TOLD[0], member(2, *LATE, **WAIT), member(3, **WAIT)),
            (*GREETED, *told_at_once(30.0, 20.0, 40.0)),
            (ANSWERED, generation(2, (2080.0, QUEUE_FULL)), generation(3, (2085.0, QUEUE_FULL))),
            (ANSWERED, generation(2, (8.0, b"event: ping\ndata: {}\n\n"), (9.0, b"event: error\ndata: {}\n\n"))),
            (*calls(2600.0, 4900.0, 2500.0, 3.0), ALONE),
            (*(call(n, 5000.0, answered=False) for n in range(3)), call(4, 500.0, answered=False), ALONE),
            (*crowd(2, 3, 4), *calls(2600.0, 4900.0, 2500.0), ALONE),
            (*FOUR_PLACES, *IN_VAIN),
            # It stands still for each reader, of which one came a little late; or two such processes do.
            (HELLO, *crowd(110.0, *EVERY_800, ended_at=13_000.0)),
            (HELLO, *crowd(*EVERY_800[:8], *EVERY_800[:8], ended_at=7000.0)),
        ),
        silent=(
            each_for_the_next(2200.0),  # it was not alone for long enough to say that its end is no matter of age
            each_for_the_next()[:8],  # tried once
            (HELLO,),
            crowd(2),
            (*calls(2600.0, 4900.0, 2500.0), call(9, 700.0, situation="again")),  # slow in any case
            (*calls(2600.0, 4900.0, 2500.0), call(9, 5000.0, situation="again", answered=False)),
            calls(2600.0, 4900.0, 2500.0),
            (*calls(2600.0, 4900.0, 3.0, 3.0), ALONE),  # a stall
            (*calls(2600.0, 4900.0, 2500.0, *[3.0] * 4), ALONE),
            crowd(None, None, None),  # the head comes with the first event
            at_once(2, 3, 1020.0, 1400.0),  # late, and not behind one that has just ended
            crowd(2, 1500.0, 1600.0),  # slow, but not for want of room
            (*crowd(2, 3, 4, 1492, ended_at=5000.0), *IN_VAIN),  # answered now and then, whoever leaves
            (*FOUR_PLACES, one_of(17, 2400.0, 5000.0), *IN_VAIN),
            (*FOUR_PLACES, *(one_of(n, 7600.0, 16000.0) for n in range(20, 24))),  # more than there are places
            (SLOW_HELLO, *crowd(*EVERY_800, ended_at=13_000.0)),
            (HELLO, *crowd(*EVERY_800[:5], ended_at=13_000.0)),
            # A door that lets them in a few at a time, and goes on telling those that are in.
            (HELLO, *(member(n, *range(int(at), 9000, 500), head_at=at) for n, at in enumerate(EVERY_800[:10], 1))),
            # Each has a schedule of its own, and its head comes with the first event.
            (HELLO, *crowd(40, 300, 450, 1300, 2200, 2330, 2700, 3900, 4020, 5000, ended_at=9000.0)),
            crowd(2, 3, None),  # one may have been lost on the way
            (*crowd(2), refused(2, 409)),  # one reader each, on purpose
            tuple(one_of(n, head, end, "eof") for n, head, end in ((1, 300, 1300), (2, 2000, 3000), (3, 500, 1500))),
            # The machine stood still: they are answered together, and one of them alone can have had the place.
            tuple(one_of(n, head, end, "eof") for n, head, end in ((1, 5, 1000), (2, 1205, 1300), (3, 1210, 1310))),
            (HELLO, *crowd(None, None), exchange(EVENT, task_id=None, kind="plain", how="cut")),
        ),
    ),
}
