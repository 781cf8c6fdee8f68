"""Any event stream, and clients that come back to it with an id."""

from collections.abc import Iterable
from typing import Any

from ssegauge.conformance.recording.transcript import Request, Transcript
from tests.corpus.build import EPOCH_MS, Case, event, exchange

PLAIN = {"task_id": None, "kind": "plain"}
LATER = {"started_ms": EPOCH_MS + 5000}
FIRST_TEN = [str(n) for n in range(1, 11)]
NO_ID = b'data: {"hello": true}\n\n'


def told(ids: Iterable[str], data: str = "event", every_ms: float = 100.0) -> list[tuple[float, bytes]]:
    """Events with these ids, so far apart."""
    return [(10.0 + n * every_ms, event(f"{data} {one}", one)) for n, one in enumerate(ids)]


def uncut(*chunks: tuple[float, bytes], how: str = "cut", **more: Any) -> Transcript:
    """The reader that came first."""
    return exchange(*chunks, how=how, name="plain", reader="uncut", **{**PLAIN, **more})


def back(*chunks: tuple[float, bytes], after: str = "6", **more: Any) -> Transcript:
    """A client that comes back with an id from the midst."""
    usual = {"how": "cut", "name": "plain-resumed", "reader": "cut", "resume": "known", "last_event_id": after}
    return exchange(*chunks, **{**PLAIN, **LATER, **usual, **more})


def newcomer(*chunks: tuple[float, bytes], **more: Any) -> Transcript:
    """A client that comes at the same time and for the first time."""
    return exchange(*chunks, **{**PLAIN, **LATER, "how": "cut", "name": "plain-newcomer", "reader": "newcomer", **more})


def burst(ids: Iterable[str]) -> list[tuple[float, bytes]]:
    """The events at once."""
    return told(ids, every_ms=1.0)


UNCUT = uncut(*told(FIRST_TEN))
NEXT_FOUR = ["7", "8", "9", "10"]
STATE = [(12.0, event("the state of things", "10"))]
POSTED = Request("POST", "http://127.0.0.1/stream")

SINCE = [str(n) for n in range(11, 20)]


def later(ids: Iterable[str], sort: str = "") -> list[tuple[float, bytes]]:
    """Events of which each comes when it happens, number 11 at 300 ms."""
    named = b"event: %s\n" % sort.encode() if sort else b""
    return [(200.0 * int(one) - 1900.0, named + event(f"event {one}", one)) for one in ids]


def without(*ids: str) -> list[str]:
    """What happened since, but for these."""
    return [one for one in SINCE if one not in ids]


LONG: dict[str, float] = {"ended_at": 4000.0}
PAGED = [(200.0 * n, event(f"event {n}", str(n))) for n in range(1, 6)]  # a history, told to newcomers bit by bit


def counted_from(first: int) -> list[tuple[float, bytes]]:
    """What happens from event 11 on, by other ids."""
    return [(300.0 + 100.0 * n, event(f"event {11 + n}", str(first + n))) for n in range(6)]


LONG_READ = uncut(*told([str(n) for n in range(1, 19)]))
UP_TO_18 = newcomer(*told([str(n) for n in range(11, 19)]))

CASES = {
    "resume/begins-anew": Case(
        good=(
            (UNCUT, back(*burst(NEXT_FOUR))),
            (UNCUT, back((10.0, NO_ID), *told(["58", "59"]))),  # nothing is kept: it goes on with what is new
            (UNCUT, back(*STATE, *told(["11", "12"]))),  # the newest state first
            (uncut(*told(["t17", "t35", "t61"])), back(*told(["t9054"]), after="t35")),  # ids of time
            (UNCUT, back(*burst(["6", "7", "8"]))),  # from the very one on: at least once
            (uncut(*told(["hello", "t17", "t35"])), back(*told(["hello", "t9054"]), after="t17")),
            (uncut(*burst(FIRST_TEN), how="eof"), back(status=204)),
            # In each id is how far another source has come, or each counts for itself.
            (LONG_READ, UP_TO_18, back(*burst(NEXT_FOUR), *counted_from(5011))),
            (LONG_READ, back(*burst(NEXT_FOUR), *counted_from(1))),
        ),
        bad=(
            (UNCUT, back(*told(FIRST_TEN[:6]))),
            (UNCUT, back((5.0, NO_ID), *burst(FIRST_TEN))),
            (UNCUT, back(*told(FIRST_TEN, data="another event"))),  # its ids count a connection's events
            (uncut(*burst(["a", "b", "c"]), how="eof"), back(*burst(["a", "b", "c"]), how="eof", after="b")),
            (uncut(*burst(FIRST_TEN)), back(*burst(FIRST_TEN))),  # a history, told to everybody at once
            (uncut(*told(["1", "2"], every_ms=1000.0)), back(*told(["1", "2"], every_ms=1000.0), after="2")),
            # What is kept comes by its own ids, and what is new by a count of the connection's.
            (LONG_READ, UP_TO_18, back(*burst(NEXT_FOUR), *counted_from(1))),
        ),
        silent=(
            (UNCUT,),
            (back(*told(FIRST_TEN)),),
            (UNCUT, back()),
            (UNCUT, back(*burst(FIRST_TEN[:3]))),  # we left before it was clear
            (UNCUT, back(*told(FIRST_TEN), request=POSTED)),  # asked again is not come back
            (uncut(*told(["1"])), back(*told(["1"]), after="1")),  # a greeting or a state that opens every stream
            (uncut(*burst(["order-17", "order-3"])), back(*burst(["order-17", "order-3"]), after="order-3")),
            (uncut(*burst(["17", "3", "8"])), back(*burst(["17", "3", "8"]), after="3")),
            (uncut(*told(["a", "b", "a", "b"])), back(*told(["a", "b"]), after="b")),  # ids that come again
            (UNCUT, back(*told(FIRST_TEN), after="unknown")),
            (UNCUT, back(*told(FIRST_TEN), resume="stale")),
            (UNCUT, back(status=500)),
            (exchange(*told(FIRST_TEN), how="cut"), exchange(NO_ID, how="eof")),
        ),
    ),
    "resume/events-lost-on-resume": Case(
        good=(
            (UNCUT, back(*burst(NEXT_FOUR)), newcomer((10.0, NO_ID))),
            (UNCUT, back(*burst(["7", "8"])), newcomer(*burst(["10"]))),  # we left before the rest
            (UNCUT, back(*burst(["6", *NEXT_FOUR])), newcomer()),
            (UNCUT, back(*burst(NEXT_FOUR)), newcomer(*burst(FIRST_TEN))),  # newcomers are sent all that is kept
            (UNCUT, back((10.0, event("event 7", "7:b")), *burst(NEXT_FOUR[1:])), newcomer()),  # by another id
            (UNCUT, back(*burst(NEXT_FOUR), *later(SINCE), **LONG), newcomer(*later(SINCE), **LONG)),
            # Newcomers are told a history, or who they are, beside what happens.
            (UNCUT, back(*burst(NEXT_FOUR), *later(SINCE), **LONG), newcomer(*sorted([*PAGED, *later(SINCE)]), **LONG)),
            (
                UNCUT,
                back(*burst(NEXT_FOUR), *later(without("12")), **LONG),
                newcomer(*sorted([*later(["12"], "for-you"), *later(without("12"))]), **LONG),
            ),
            # A state, of which each samples what comes in steps of its own.
            (
                UNCUT,
                back(*burst(NEXT_FOUR), *later(without("11", "13", "16")), **LONG),
                newcomer(*later(without("12", "15", "18")), **LONG),
            ),
        ),
        bad=(
            (UNCUT, back(*burst(NEXT_FOUR[1:])), newcomer((10.0, NO_ID))),
            (UNCUT, back(*burst(["7", "9", "10"])), newcomer(*burst(["10"]))),
            (UNCUT, back(*burst(NEXT_FOUR[1:])), newcomer(*burst(FIRST_TEN))),
            # What happened between reading what is kept and subscribing, as others' streams show.
            (UNCUT, back(*burst(NEXT_FOUR), *later(SINCE[3:]), **LONG), newcomer(*later(SINCE), **LONG)),
            (UNCUT, back(*burst(NEXT_FOUR), *later(SINCE[1:]), **LONG), newcomer(*later(SINCE), **LONG)),
        ),
        silent=(
            (UNCUT, back(*burst(NEXT_FOUR[1:]))),  # whether newcomers are told the same is not known
            (UNCUT, back(*told(["58", "59"])), newcomer(*told(["58", "59"]))),  # nothing is kept
            (UNCUT, back(*later(SINCE[3:]), **LONG), newcomer(*later(SINCE), **LONG)),  # nor does it say since when
            (UNCUT, back(*burst(["8", "9", "10"])), newcomer(*burst(["8", "9", "10"]))),  # the last three, for all
            (UNCUT, back(*burst(FIRST_TEN[:6])), newcomer()),
            (UNCUT, back(*burst(["10"]), *told(["58", "59"])), newcomer(*told(["58", "59"]))),  # the newest state
            (UNCUT, back(*burst(NEXT_FOUR[1:])), newcomer(status=503)),
            (uncut(*told(["a", "b", "a", "c"])), back(*burst(["c"]), after="b"), newcomer()),
            (UNCUT, back(*burst(NEXT_FOUR[1:]), request=POSTED), newcomer()),
        ),
    ),
    "resume/known-id-refused": Case(
        good=((UNCUT, back(*STATE)), (UNCUT, back(status=204, after="10")), (UNCUT, back())),
        bad=(
            (UNCUT, back(status=500), newcomer()),
            (UNCUT, back(status=204)),  # 7 to 10 are never told
            (UNCUT, back(status=404), newcomer(*STATE)),
            (UNCUT, back(status=200, headers={"Content-Type": "application/json"}), newcomer()),
        ),
        silent=(
            (UNCUT,),
            (UNCUT, back(status=500)),
            (UNCUT, back(status=409), newcomer(status=409)),  # not on account of the id
            (UNCUT, back(status=429), newcomer()),
            (UNCUT, back(status=503), newcomer()),
            (UNCUT, back(answered=False, how="error", detail="reset"), newcomer()),
            (UNCUT, back(status=409, request=POSTED), newcomer()),
        ),
    ),
}
