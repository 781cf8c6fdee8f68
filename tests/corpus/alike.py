"""Streams whose events are made alike, and streams in which one is not."""

from ssegauge.conformance.recording.transcript import Transcript
from ssegauge.conformance.target import Ends, Promises
from tests.corpus.build import Case, event, exchange

SIX = tuple(event({"n": n}) for n in range(6))
BEATS = b"data: ping\n\n"
PRICE = {"type": "object", "required": ["price"], "properties": {"price": {"type": "number"}}}


def stream(*chunks: bytes | tuple[float, bytes], how: str = "cut", name: str = "plain", **facts: str) -> Transcript:
    """A stream of which nothing is known but its address."""
    return exchange(*chunks, how=how, name=name, **{"task_id": None, "kind": "plain", **facts})


def named(kind: str, data: str = "") -> bytes:
    """An event of a type."""
    return f"event: {kind}\ndata: {data}\n\n".encode()


def bid(n: int, kind: str = "bid") -> bytes:
    """An event whose JSON says its type too."""
    return named(kind, f'{{"kind": "{kind}", "n": {n}}}')


def nameless(n: int, kind: str = "bid") -> bytes:
    return event({"kind": kind, "n": n})


def numbered(n: int, said: bytes) -> bytes:
    return b"id: %d\n" % n + said


def tick(n: int) -> bytes:
    return named("tick", f'{{"n": {n}}}')


def steady(n: float, data: bytes) -> tuple[tuple[float, bytes], ...]:
    """An event in its place among those that come every 300 ms."""
    return ((300.0 * n, data),)


TRACES = tuple(named("trace", f"Error {n}") for n in range(3))
HALF, OTHER_HALF = b"event: trace\ndata: Error 7\n:\n\n", b"data:   at main\n\n"
BIDS = tuple(map(bid, range(6)))
TICKS = tuple(one for n in range(1, 6) for one in steady(n, tick(n)))

CASES = {
    "shape/unlike-the-others": Case(
        good=(
            (stream(*SIX),),
            (stream(*SIX, b"data: [DONE]\n\n"),),
            (stream(*SIX, b"data: bye\n\n", how="eof"),),  # the last says that it is over
            (stream(*SIX, b"data: end\n\n"),),
            (stream(named("endpoint", "/messages?session=1"), *SIX),),  # a type of its own
            (stream(*SIX, named("ping", '{"type": "ping"}'), *SIX),),
            (stream(*SIX, named("reset"), *SIX),),  # whoever listens to it knows that it has no data
            (stream(*SIX, named("token", "Hello"), named("token", "world")),),
            (stream(*SIX, b"data: 1\n\n", b'data: "text"\n\n', b"data: null\n\n", *SIX),),
            (stream(*SIX, *(b"data: a line of a log %d\n\n" % n for n in range(5)), b'data: {"n": 7}\n\n'),),
            (stream(*SIX, b'data: {\n"n": 1}\n\n', *SIX),),  # unprefixed-data's
            (stream(*SIX, b'data: {"n": 1}\ndata: {}\n\n', *SIX),),  # two-values-in-one's
            (stream(b"id: 0\nretry: 100\ndata:\n\n", *SIX),),  # an id to come back with, as MCP has it
        ),
        bad=(
            (stream(*([b"data: <p>a<br></p>\n\n"] * 6), *([b"data: <p>b\n\ndata: c</p>\n\n"] * 2)),),
            (stream(b"event: patch\ndata: <div>\ndata:   <p>3</p>\n\ndata:   <p>4</p>\ndata: </div>\n\n"),),
            (stream(*SIX, b"data: ping\n\n", *SIX),),
            (stream(b"data: connected\n\n", *SIX),),
            (stream(*SIX, b"data:\n\n", *SIX),),
            (stream(b"data:\n\n", *SIX),),
            (stream(*SIX, named("ping"), *SIX),),
            (stream(*SIX, named("heartbeat", "ping")),),
            (stream(*SIX, b"data: [object Object]\n\n", *SIX),),
            (stream(*SIX, b"data: NaN\n\n", *SIX),),
            (stream(*SIX, *(b"data: undefined\n\n" for _ in range(3))),),
            (stream(*SIX, b'data: {"n": 7\n\n', *SIX),),
            (stream(BEATS, SIX[0], BEATS, BEATS, SIX[1], BEATS), stream(*SIX[2:], BEATS, BEATS, SIX[0], name="idle")),
            (stream(*(named("tick", f'{{"n": {n}}}') for n in range(5)), named("tick", "late"), *SIX),),
            (stream(*SIX[:2], named("tick", '{"n": 7,\n: beat\n\ndata: "m": 8}'), SIX[2]),),  # two of one
            (stream(*TRACES, HALF + OTHER_HALF, *TRACES),),
            (stream(*(b"id: %d\ndata: a\n\n" % n for n in range(3)), b"id: 4\ndata: b\n: hb\n\n" + OTHER_HALF),),
        ),
        silent=(
            (stream(b"".join(b"data: %s\n\n" % part for part in (b"<p>", b"a", b"</p>", b"<b>", b"c</b>"))),),
            (stream(b"event: patch\ndata: <div><br>\n\ndata: <p>said</p>\n\n"),),  # HTML that is whole
            (stream(b"event: html\ndata: <p>a\n\nevent: html\ndata: b</p>\n\n"),),  # piece by piece
            (stream(*SIX[:4], BEATS, SIX[0]),),  # too few to say what is usual
            (stream(*(b"data: text %d\n\n" % n for n in range(9))),),
            (stream(*(b"data: %d\n\n" % n for n in range(9)), b"data: none\n\n", b"data: 9\n\n"),),
            (stream(*SIX, b"data: connected\n\n", SIX[0], situation="canary"),),
            (stream(*TRACES, HALF, OTHER_HALF),),  # an event of another sort, some time after
            (stream(*TRACES, HALF + TRACES[0]),),
            (stream(*TRACES, b"event: trace\n: hb\ndata: Error 7\n\n" + OTHER_HALF),),
            (stream(*[HALF + OTHER_HALF] * 3),),  # each ends with a comment
            (stream(*SIX[:4], b'data: {"n": "ssegauge0123456789ab before\n\n', SIX[0]),),  # injection-lf's
        ),
    ),
    "shape/name-missing": Case(
        good=(
            (stream(*BIDS),),
            (stream(*(numbered(n, bid(n)) for n in range(9))), stream(*(numbered(n, nameless(n)) for n in (8, 9)))),
            (stream(BIDS[0], *BIDS, nameless(9, "other")),),
            (stream(*BIDS, event({"kind": {"of": "bid"}})), stream(*BIDS, event({"kind": ["bid"]}))),
            (stream(nameless(0), *BIDS),),  # an opening, for those who listen to all
            (stream(*(one for n in range(6) for one in (bid(n), nameless(n)))),),  # for both sorts of listeners
            (stream(*TICKS, *steady(5.5, event({"n": 6}))),),  # not in the place of one
            (stream(*TICKS, *steady(9, event({"n": 9, "text": "of another shape"})), *steady(10, tick(10))),),
            (stream(*TICKS, *steady(6.4, event({"n": 9})), *steady(7, tick(7))),),
        ),
        bad=(
            (stream(*BIDS, nameless(7), *BIDS),),
            (stream(*(nameless(n) if n % 2 else bid(n) for n in range(12))),),
            (stream(*(numbered(n, bid(n)) for n in range(9))), stream(*(numbered(n, nameless(n)) for n in (7, 8, 9)))),
            (stream(bid(0), bid(1), bid(2), nameless(3), bid(4, "ask"), nameless(5), bid(6)),),
            (stream(*TICKS, *steady(6, event({"n": 6})), *steady(7, tick(7)), *steady(8, tick(8))),),
        ),
        silent=(
            (stream(*SIX),),
            (stream(bid(1), bid(2), nameless(3)),),
            (stream(*BIDS, nameless(7), *BIDS, situation="canary"),),
        ),
    ),
    "shape/misencoded": Case(
        good=(
            (stream(*SIX),),
            (stream(*SIX, b"data: {'single': 'quotes' in a text}\n\n"),),
            (stream(*SIX, b"data: data: text\n\n"),),
            (stream(*SIX, named("raw", '"{\\"n\\": 7}"')),),  # so it is with this type
            (stream(*SIX, b"data: " + b"[" * 5000 + b"'\n\n"),),
        ),
        bad=(
            (stream(*(b"data: [object Object]\n\n" for _ in SIX)),),
            (stream(b"data: [object Object],[object Object]\n\n"),),
            (stream(*(b"data: " + one for one in SIX)),),
            (stream(b"data: b'{\"n\": 1}'\n\n"),),
            (stream(*SIX, b"data: {'n': 1, 'ok': True, 'none': None}\n\n"),),
            (stream(b"data: [{'n': 1}]\n\n"),),
            (stream(b'data: {"ok": True}\n\n'),),
            (stream(*SIX, b'data: "{\\"n\\": 7}"\n\n'),),
            (stream(b'data: {"n": 1}\\n\n\n', b'data: {"n": 2}\\r\\n\n\n'),),
            (stream(*SIX, b'data: {"px": NaN}\n\n', *SIX, b'data: {"px": -Infinity}\n\n'),),
        ),
        silent=(
            (stream(*(b"data: text %d\n\n" % n for n in range(9))),),
            (stream(*(b"data: text %d\n\n" % n for n in range(9)), b"data: {'n': 1}\n\n"),),  # a log
            (stream(*(b"data: text %d\n\n" % n for n in range(9))), stream(b"data: [object Object]\n\n", name="short")),
            (stream(b"data: [DONE]\n\n", b"data: [1, 2\n\n", b"data: data:\n\n", b"data: b'text'\n\n"),),
            (stream(b"data: [object Object]\n\n", situation="canary"),),
        ),
    ),
    "shape/breaks-schema": Case(
        good=(
            (stream(event({"price": 12.5}), b"data: [DONE]\n\n"),),
            (stream(event({"price": 1}), named("note", '{"text": "closed"}')),),  # nothing is promised for these
            (stream(event({"price": 1}), named("quote", "no JSON")),),  # unlike-the-others's
        ),
        bad=(
            (stream(event({"price": "12.5"})),),
            (stream(event({"price": 12.5}), event([])),),
            (stream(event({"price": 12.5}), named("quote", '{"cost": 1}')),),
        ),
        silent=((stream(b"data: text\n\n"),), (stream(event({"price": "x"}), situation="canary"),)),
        promises=Promises(schema={"message": PRICE, "quote": PRICE}, ends=Ends(data="[DONE]")),
    ),
}
