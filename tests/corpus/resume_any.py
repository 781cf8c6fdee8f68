"""Any event stream: ids that are of one event alone, and readers that bring ids which the server knows or does not."""

from dataclasses import replace
from typing import Any

from ssegauge.conformance.recording.transcript import Transcript
from ssegauge.conformance.target import Promises
from tests.corpus import resume
from tests.corpus.build import Case, Run, event, exchange
from tests.corpus.delivery_complete import publish, says
from tests.corpus.readers import reader, twin
from tests.corpus.resume_header import (
    FIRST_TEN,
    LATER,
    NEXT_FOUR,
    NO_ID,
    PLAIN,
    POSTED,
    UNCUT,
    back,
    burst,
    newcomer,
    told,
    uncut,
)
from tests.corpus.resume_ids import as_json, beside, delta, enumerated, in_euros, rolled, translated

LIVE = told(["11", "12", "13", "14", "15", "16"], every_ms=400.0)
SERVED = newcomer(*LIVE, ended_at=3500.0)


SERVED_IN_TIME = newcomer(*told([f"17600000054{n}0-0" for n in range(6)], every_ms=400.0), ended_at=3500.0)
HTML = {"Content-Type": "text/html"}
PUBLISHED = tuple(publish(n, 5000.0 + n) for n in range(4))
PUBLISHED_AT_ONCE = [(100.0 + n, says(n)) for n in range(4)]
RESET = b"event: reset\ndata: {}\n\n"
ELSEWHERE = [(400.0, b"id: other:7\nevent: payroll\ndata: {}\n\n")]  # of another channel
BARE = b'id:\nevent: presence\ndata: {"present": 3}\n\n'
ENDED = newcomer(*LIVE, how="eof")
ONGOING: dict[str, Any] = {"ended_at": 3500.0}
# Asked again when nobody else is there, but for one newcomer.
MUCH_LATER = {"started_ms": SERVED.started_ms + 20_000.0, "situation": "again"}
AGAIN: dict[str, Any] = {**ONGOING, **MUCH_LATER, "name": "again"}
EMPTY_AGAIN: dict[str, Any] = {**AGAIN, "case": "empty", "value": "", "name": "empty-again"}
NOBODY_ELSE = newcomer(*LIVE, **{**AGAIN, "name": "newcomer-again"})
LONG_THERE = uncut(*((5012.0 + n, event(f"event {n}", str(n))) for n in (41, 42)), ended_at=9000.0)
TOLD_BEFORE = uncut(*((4900.0 + n, event(f"event {n}", str(n))) for n in (41, 42)), ended_at=9000.0)
EARLIER = replace(
    newcomer(*told(map(str, range(11, 25)), every_ms=400.0), ended_at=6000.0), started_ms=SERVED.started_ms - 2000.0
)


def beats(*made: tuple[float, bytes], since: float = 0.0, form: bytes = b"id: hb-%d\nevent: beat\ndata: {}\n\n") -> Any:
    """What is told, and between it what tells that the stream is alive, counted by the connection."""
    return sorted([*made, *((since + 90.0 + 180.0 * n, form % n) for n in range(1, 7))])


def behind(first: int) -> list[tuple[float, bytes]]:
    """Events each of which is followed by its id."""
    told = [
        b"%sdata: event %d\n\n" % (b"id: %d\n" % (n - 1) if n > first else b"", n) for n in range(first, first + 10)
    ]
    return [(10.0 + 100 * n, said) for n, said in enumerate(told)]


def plain(*chunks: bytes, **more: Any) -> Run:
    """A stream of which nothing is known but its address."""
    return (exchange(*chunks, **{**PLAIN, "how": "cut", **more}),)


def odd(*chunks: tuple[float, bytes], case: str = "foreign", value: str = "other-7", **more: Any) -> Transcript:
    """A client that comes with an id that the server never gave."""
    usual = {"how": "cut", "name": f"unknown-{case}", "resume": "garbage", "case": case, "last_event_id": value}
    return exchange(*chunks, **{**PLAIN, **LATER, **ONGOING, **usual, **more})


def nameless(n: int) -> list[tuple[float, bytes]]:
    """An event whose id was counted on from what is no number."""
    return [(300.0, event(f"event {n}", "NaN"))]


def history(*ids: str) -> list[tuple[float, bytes]]:
    """Events of before, at once and without ids."""
    return [(10.0, event(f"event {one}")) for one in ids]


def without_ids(*ids: str) -> list[tuple[float, bytes]]:
    """The events that had these ids, told again without."""
    return [(at_ms, data.partition(b"\n")[2]) for at_ms, data in burst(ids)]


BEFORE = uncut(*((10.0 + 500 * n, event(f"event {n}")) for n in range(6)))
SIX = [str(n) for n in range(6)]
REFUSED: dict[str, Any] = {"status": 409, "headers": {"Content-Type": "application/json"}}
DROPPED: dict[str, Any] = {"answered": False, "how": "error", "detail": "Server disconnected"}
DROPPED_BY_HTTP2 = DROPPED | {"detail": "ended by HTTP/2: RST_STREAM with PROTOCOL_ERROR"}

POLLED = [str(n) for n in range(2, 12)]  # what one answer says, an event later
SLOWLY = uncut(*told(FIRST_TEN, every_ms=400.0))

# What is judged of tasks and of any stream alike, by code.
BOTH = {
    "resume/ids-repeated": Case(
        good=(
            plain(event(1, "a"), event(2, "b"), event(3)),
            plain(event(1, "1"), b"id: 1\n\n", event(2, "2")),
            beside(delta(0)),
            beside(translated("The ferry leaves at"), translated("Die Fähre geht um")),
            (odd(*nameless(20)), odd(*nameless(20), case="quote")),  # one event
            beside(as_json(), as_json(waited_ms=40)),  # each is told its own beside what all are
            beside(as_json(waited_ms=10), as_json(waited_ms=40)),
            beside(delta(0), delta(5), first=-9),  # ids count what each was told
            (reader(enumerated(delta(0))), twin(enumerated(delta(5)))),  # streams of their own, begun together
        ),
        bad=(
            plain(event(1, "4"), event(2, "4")),
            plain(event(1, "4"), event(2, "5"), event(1, "4")),  # the same event once more
            plain(event(1, "4"), event(2, "5"), event(3, "4"), request=POSTED),
            plain(b'id: 8\nevent: status\ndata: {"n": 1}\n\n', b'id: 8\ndata: {"n": 1}\n\n'),
            (odd(*nameless(20)), odd(*nameless(21), case="quote")),
            beside(delta(0), delta(5)),  # should
            beside(rolled(1), rolled(2)),
            beside(as_json(price=1), in_euros),  # of two versions of the server
        ),
        silent=(
            plain(event(1), event(1)),
            plain(event(1, "request-7"), event(2, "request-7"), request=POSTED),  # names the request
            plain(event(1, "4"), event(2, "4"), situation="canary"),
        ),
    ),
    "resume/duplicate-on-resume": Case(
        good=(
            (UNCUT, back(*burst(NEXT_FOUR)), newcomer((10.0, NO_ID))),
            (UNCUT, back(*told(["58", "59"])), newcomer(*told(["58", "59"]))),
            # Heartbeats that are counted by the connection.
            (
                uncut(*beats(*told(FIRST_TEN, every_ms=110.0))),
                back(*beats(*burst(["8", "9", "10"])), after="7"),
                newcomer(*beats()),
            ),
        ),
        bad=(
            (UNCUT, back(*burst(["6", *NEXT_FOUR])), newcomer((10.0, NO_ID))),
            (UNCUT, back(*burst(["6", *NEXT_FOUR])), newcomer(*burst(FIRST_TEN))),  # newcomers are sent all
            (uncut(*told(["6"])), back(*told(["6"])), newcomer()),
            (UNCUT, back(*burst(["4", "5", "6", *NEXT_FOUR])), newcomer(*burst(["10"]))),
            # The oldest that is kept, which nobody of ours was told, and not what was missed.
            (
                uncut(*told(map(str, range(11, 20)))),
                back(*burst(["3", "4", "5", "20"]), after="15"),
                newcomer(*told(["20"])),
            ),
            # Each id stands behind the blank line: it is the next event's, and what it was meant for comes again.
            (uncut(*behind(20)), back(*behind(26), after="25"), newcomer(*behind(30))),
            # By its text "5" is behind "13", and nobody of ours was told it before.
            (
                uncut(*told(["12", "13", "14"])),
                back(*burst(["5", "6", "14"]), after="13"),
                newcomer(*told(["15"], every_ms=400.0)),
            ),
            # Whoever comes is told the newest, whatever it has been told.
            (SLOWLY, back(*burst(["7", "8", "9", "10"]), after="10"), newcomer(*burst(["7", "8", "9", "10"]))),
            (uncut(*burst(FIRST_TEN), how="eof"), back(*burst(POLLED), after="8"), newcomer(*burst(POLLED))),
        ),
        silent=(
            (UNCUT, back(*burst(["6", *NEXT_FOUR]))),  # whether newcomers are told the same is not known
            (UNCUT, back(*burst(FIRST_TEN)), newcomer(*burst(FIRST_TEN))),  # begins-anew's
            (UNCUT, back(*burst(["2", "6"])), newcomer(*burst(["2", "6"]))),  # a state, told to whoever comes
            (SLOWLY, back(*burst(["9", "10"]), after="10"), newcomer(*burst(["9", "10"]))),  # likewise
            (UNCUT, back(), newcomer((10.0, NO_ID))),
            (uncut(*told(["a", "b", "a", "c"])), back(*burst(["b"]), after="b"), newcomer()),
        ),
    ),
    "resume/gap-on-resume": Case(
        good=(
            (UNCUT, back(*burst(NEXT_FOUR)), newcomer()),
            (uncut(*told(["8"]), how="eof"), back(*told(["9", "10"]), after="8"), newcomer(*told(["10", "11"]))),
            # Of its own each has other events, though all ids come of one counter.
            (uncut(*told(["8"]), how="eof"), back(*told(["11"]), after="8"), newcomer(*told(["10", "12"]))),
            (
                uncut(*told(["4", "5", "6"])),
                back(*without_ids("5", "6"), *burst(["7"]), after="4"),
                newcomer(),
            ),  # without ids
        ),
        bad=(
            (UNCUT, back(*burst(["9", "10"])), newcomer()),
            # Each stream ends with its event; what another was told meanwhile is never told to this one.
            (uncut(*told(["8"]), how="eof"), back(*told(["11"]), after="8"), newcomer(*told(["10", "11"]))),
            (uncut(*told(["4", "5", "6"])), back(*without_ids("6"), *burst(["7"]), after="4"), newcomer()),
        ),
        silent=(),
        promises=Promises(resume=True),
    ),
}


def together(code: str) -> Case:
    """The case of a rule that tasks have too, with what is to be said of any stream."""
    of_tasks, of_any = resume.CASES[code], BOTH[code]
    return Case(
        of_tasks.good + of_any.good, of_tasks.bad + of_any.bad, of_tasks.silent + of_any.silent, of_any.promises
    )


CASES = {
    **{code: together(code) for code in BOTH},
    "resume/out-of-order": Case(
        good=(
            (UNCUT, back(*burst(NEXT_FOUR)), newcomer()),
            (UNCUT, back(*burst(["9", "10"])), newcomer()),  # gap-on-resume's
            (uncut(*told(["k", "b", "x", "a"])), back(*burst(["x", "a"]), after="b"), newcomer()),
        ),
        bad=(
            (UNCUT, back(*burst(["10", "7", "8", "9"])), newcomer()),
            (UNCUT, back(*burst(["7", "9", "8"])), newcomer()),
            (UNCUT, back(*burst(["12", "11"])), newcomer()),  # which happened when the other had left
            (uncut(*told(["k", "b", "x", "a"])), back(*burst(["a", "x"]), after="b"), newcomer()),
        ),
        silent=(
            (UNCUT, back(*burst(["7"])), newcomer()),
            (UNCUT, back(*burst(["7", "7"])), newcomer()),  # duplicate-on-resume's
            (uncut(*told(["k", "b", "x"])), back(*burst(["q", "a"]), after="b"), newcomer()),  # who knows their order?
        ),
    ),
    "resume/id-taken-back": Case(
        good=(plain(event(1, "4"), event(2), event(3, "5")), plain(event(1, "4"), b": hi\n\n")),
        bad=(
            plain(event(1, "4"), BARE, event(2, "5"), BARE, event(3, "6")),
            plain(BARE, event(2, "5"), BARE, event(3, "6"), BARE),
        ),
        silent=(
            plain(event(1), event(2)),
            plain(event(1, "4"), BARE, event(2, "5"), event(3, "6")),
            plain(event(1, "4"), BARE, event(2, "5"), BARE, event(3, "6"), request=POSTED),
        ),
    ),
    "resume/replays-without-ids": Case(
        good=((uncut(*told(FIRST_TEN, every_ms=400.0)), newcomer(*burst(FIRST_TEN))),),
        bad=(
            (BEFORE, newcomer(*history(*SIX))),
            (BEFORE, newcomer((5.0, NO_ID), *history(*SIX[2:]))),
            (UNCUT, back(*((10.0 + n, event(f"event {n}")) for n in range(7, 11))), SERVED),
        ),
        silent=(
            (BEFORE, newcomer(*((10.0 + 500 * n, event(f"event {n}")) for n in range(6)))),  # each reader has its own
            (uncut(*history(*SIX)), newcomer(*history(*SIX))),  # a state that opens every stream
            (BEFORE, newcomer(*history("4", "5"))),
            (  # a story that begins anew for each reader, and comes round
                uncut(*((10.0 + 100 * n, event(f"word {n % 9}")) for n in range(40))),
                newcomer(*((10.0 + 30 * n, event(f"word {n}")) for n in range(4))),
            ),
            (BEFORE, newcomer(*history("7", "8", "9"))),
            # What was published while it came reached the other, on a busy machine, bit by bit.
            (*PUBLISHED, uncut(*((5100.0 + 400 * n, says(n)) for n in range(4))), newcomer(*PUBLISHED_AT_ONCE)),
            (uncut(*((10.0 + 500 * n, event("tick")) for n in range(6))), newcomer(*((10.0, event("tick")),) * 6)),
            (BEFORE,),
        ),
    ),
    "resume/unknown-id-refused": Case(
        good=(
            (SERVED, odd(*LIVE)),
            (SERVED, odd()),  # silenced's
            (SERVED, odd(*LIVE), odd(case="long", **REFUSED)),  # a field that its HTTP library bounds
            (SERVED, odd(*LIVE), odd(case="long", **DROPPED)),
            # It comes back without an id, or all streams end and are asked for again; or what it is told is usual.
            (SERVED, odd((20.0, b"id:\n" + RESET), how="eof")),
            (SERVED, odd((20.0, RESET), (21.0, b"id: 16\n\n"), how="eof")),
            (ENDED, odd((20.0, RESET), how="eof")),
            (SERVED, odd((20.0, RESET), (25.0, LIVE[0][1]), how="eof")),
            (SERVED, odd((20.0, RESET))),
            (SERVED, odd(*LIVE), odd(case="unicode", **DROPPED_BY_HTTP2)),
        ),
        bad=(
            (SERVED, odd(**REFUSED)),
            (ENDED, odd(status=204)),
            (SERVED, odd(status=500, case="unicode")),
            (SERVED, odd(status=204)),
            (SERVED, odd(status=200, headers={"Content-Type": "application/json"})),
            (SERVED, odd(case="negative", **DROPPED)),
            (SERVED, odd(*LIVE), odd(case="unicode", **DROPPED)),
            (SERVED, odd((20.0, RESET), how="eof")),
            (SERVED, odd(answered=False, how="timeout")),
            (SERVED, odd(*LIVE), odd(case="beyond", value="12", resume="stale", **REFUSED)),
            (SERVED, odd(case="far", value="1000016", resume="stale", answered=False, how="timeout")),
            (SERVED, odd(*LIVE), odd(case="huge", value="9" * 20, status=500)),
            (SERVED, odd(*LIVE), odd(case="signs", value="urn:a.b/c:7", status=404)),
            (SERVED, odd(case="other", value="b-16", resume="stale", status=412)),
        ),
        silent=(
            (odd(**REFUSED),),  # nobody else was served
            (newcomer(status=409), odd(**REFUSED)),
            (ENDED, odd(status=204, case="beyond", value="18", resume="stale")),  # it may be the very last
            (ENDED, odd(status=204, case="huge", value="9" * 20)),
            (UNCUT, SERVED, odd(status=204, case="beyond", value="10", resume="stale")),  # another was told it
            (SERVED, odd(status=503)),
            (SERVED, exchange(headers=HTML, **PLAIN), odd(status=200, headers=HTML)),  # now and then, whatever the id
            # Its head may come with the next event.
            (SERVED, odd(case="beyond", value="18", resume="stale", answered=False, how="timeout")),
            (SERVED, back(status=204), odd(status=204)),  # whoever comes back is told to stay away
            (SERVED, odd(case="unicode", **REFUSED)),
            (SERVED, odd(**REFUSED, kind="manual")),
        ),
    ),
    "resume/unknown-id-silenced": Case(
        good=(
            (SERVED, odd(*LIVE)),
            (SERVED, odd((2000.0, NO_ID))),
            (SERVED, odd(*ELSEWHERE)),  # seldom told, perhaps
            (SERVED, *(odd((20.0, RESET), *LIVE, case=case, name=case) for case in ("empty", "quote"))),
            (SERVED, *(odd((20.0, RESET), ended_at=1000.0, case=case, name=case) for case in ("empty", "quote"))),
            (SERVED, uncut(*ELSEWHERE), *(odd(*ELSEWHERE, case=case, name=case) for case in ("empty", "quote"))),
            (SERVED, odd(), NOBODY_ELSE, odd(*LIVE, **AGAIN)),  # there was no room, whatever the id
            (SERVED, odd(), odd(case="empty", value=""), NOBODY_ELSE, odd(*LIVE, **AGAIN)),
        ),
        bad=(
            (SERVED, odd()),
            (SERVED, odd(case="beyond", value="13", resume="stale")),
            (SERVED, odd(case="far", value="1000016", resume="stale")),
            (SERVED, odd(case="other", value="b-16", resume="stale")),
            (SERVED_IN_TIME, odd(case="far", value="1761760005000-0", resume="stale")),
            (SERVED_IN_TIME, odd(case="beyond", value="1760000005412-0", resume="stale")),
            (SERVED, odd((20.0, b": hello\n\n"))),
            (SERVED, odd(how="eof", ended_at=30.0)),
            # Told to the newcomer at once, and at the same time to one who had been there for long: it happened then.
            (LONG_THERE, newcomer(*burst(["41", "42"]), **ONGOING), odd()),
            (SERVED, odd(*ELSEWHERE), odd(*ELSEWHERE, case="empty", value="")),
            (SERVED, odd(), NOBODY_ELSE, odd(**AGAIN)),
            (SERVED, odd(), odd(case="empty", value=""), NOBODY_ELSE, odd(*LIVE, **AGAIN), odd(**EMPTY_AGAIN)),
        ),
        silent=(
            (SERVED, odd(ended_at=1000.0)),  # we left before it was clear
            (EARLIER, odd()),  # behind a buffer
            (TOLD_BEFORE, newcomer(*burst(["41", "42"]), **ONGOING), odd()),
            (SERVED, odd(case="beyond", value="30", resume="stale")),  # it may be given soon
            (SERVED_IN_TIME, odd(case="beyond", value="1760000009999-0", resume="stale")),
            (newcomer(*burst(FIRST_TEN), **ONGOING), odd()),  # nothing happened, but newcomers are told the past
            (SERVED, odd(**REFUSED)),
            (newcomer(*LIVE, how="eof", ended_at=3500.0), odd(how="eof", ended_at=30.0)),  # it is over
            (odd(),),
        ),
    ),
    "resume/known-id-silenced": Case(
        good=(
            (UNCUT, SERVED, back(*LIVE, **ONGOING)),
            (UNCUT, SERVED, back((10.0, NO_ID), ended_at=1900.0)),  # what it is told later it may not have waited for
            (UNCUT, SERVED, back(*burst(NEXT_FOUR), *LIVE, **ONGOING)),
            (UNCUT, SERVED, back(*burst(NEXT_FOUR), ended_at=1500.0)),
            (
                uncut(*beats(*told(FIRST_TEN, every_ms=110.0))),
                newcomer(*beats(*LIVE), ended_at=3500.0),
                back(*beats(*LIVE), after="hb-6", **ONGOING),
            ),
        ),
        bad=(
            (UNCUT, SERVED, back(**ONGOING)),
            (UNCUT, SERVED, back((10.0, b": hi\n\n"), after="10", **ONGOING)),
            (
                UNCUT,
                SERVED,
                back(*burst(NEXT_FOUR), (900.0, b": hi\n\n"), **ONGOING),
            ),  # is sent what it missed alone
            (UNCUT, SERVED, back(**ONGOING), NOBODY_ELSE, back(**AGAIN)),
            (
                uncut(*beats(*told(FIRST_TEN, every_ms=110.0))),
                newcomer(*beats(*LIVE), ended_at=3500.0),
                back(*beats(), after="hb-6", **ONGOING),
            ),
        ),
        silent=(
            (UNCUT, SERVED, back(**ONGOING), NOBODY_ELSE, back(*LIVE, **AGAIN)),  # there was no room for it
            (UNCUT, SERVED, back(ended_at=500.0)),
            (UNCUT, SERVED, back(how="eof")),
            (UNCUT, newcomer(*told(FIRST_TEN, every_ms=300.0), ended_at=3500.0), back(after="10", **ONGOING)),
            (UNCUT, back(**ONGOING)),
            (UNCUT, SERVED),
        ),
    ),
}
