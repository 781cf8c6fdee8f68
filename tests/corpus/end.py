"""The end of streams: empty, without their marker, open after it, cut by the clock."""

import json
from dataclasses import replace
from typing import Any

from ssegauge.conformance.recording.transcript import Transcript
from tests.corpus.build import EPOCH_MS, Case, exchange
from tests.corpus.resume_header import back, uncut

PLAIN = {"task_id": None, "kind": "plain"}
DONE = b"data: [DONE]\n\n"
COMPLETE = b"event: complete\ndata:\n\n"
CUT = "incomplete body: peer closed the connection without sending complete message body"


def stream(*chunks: bytes | tuple[float, bytes], name: str = "plain", **more: Any) -> Transcript:
    """A stream of which nothing is known but its address."""
    return exchange(*chunks, name=name, **{**PLAIN, **more})


def chat(content: str = "word ", finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": content} if content else {}, "finish_reason": finish}
    return b"data: " + json.dumps({"object": "chat.completion.chunk", "choices": [choice]}).encode() + b"\n\n"


def result(n: int) -> bytes:
    return b"event: next\ndata: " + json.dumps({"data": {"tick": n}}).encode() + b"\n\n"


def ticks(first: int, last: int, every_ms: float = 500.0) -> tuple[tuple[float, bytes], ...]:
    """Numbered events, one after the other."""
    return tuple((every_ms * n, b"id: %d\ndata: tick %d\n\n" % (n, n)) for n in range(first, last))


def later(run: Transcript, by_ms: float) -> Transcript:
    return replace(run, started_ms=EPOCH_MS + by_ms)


def steps(ended_at: float, first: int = 0) -> Transcript:
    """A course that a reader has of its own: the steps are those of every other, and what they took is not."""
    told = [(1000.0 * n, b"data: step %d\n\ndata: took %d\n\n" % (n, n + first)) for n in range(1, 11)]
    return stream(
        *(one for one in told if one[0] < ended_at), how="eof" if ended_at > 10_000 else "cut", ended_at=ended_at
    )


ANSWER = (chat(), chat(), chat("", "stop"))
MESSAGE = b'event: message_start\ndata: {"type": "message_start", "message": {"id": "msg_1", "content": []}}\n\n'
MESSAGE_STOP = b'event: message_stop\ndata: {"type": "message_stop"}\n\n'
REASON = b'event: message_delta\ndata: {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}\n\n'
PING = b'event: ping\ndata: {"type": "ping"}\n\n'
CREATED, ADDED, ITEM_DONE = (
    f'event: response.{name}\ndata: {{"type": "response.{name}"}}\n\n'.encode()
    for name in ("created", "output_item.added", "output_item.done")
)
OF_OTHERS = stream(b"data: 1\n\n", b"data: 2\n\n", b"event: bye\ndata: {}\n\n", name="plain-twin")
ERROR = b'data: {"error": {"message": "The model is overloaded; try again."}}\n\n'
LONG = stream(*ticks(1, 32), how="cut", ended_at=16_500.0, reader="long")
NEWCOMER = later(
    stream(*((500.0 * (n - 16), b"id: %d\ndata: tick %d\n\n" % (n, n)) for n in range(17, 30)), name="newcomer"), 8000.0
)

CASES = {
    "end/without-any-event": Case(
        good=((stream(b"data: 1\n\n"),), (stream(b": hello\n\n", b"data:\n\n"),)),
        bad=(
            (stream(),),
            (stream(b": hello\n\n"),),
            (stream(b"event: complete\n\n"),),  # without data it is no event
            (stream(situation="crowd"),),
        ),
        silent=(
            (stream(how="cut"),),
            (stream(how="error", detail=CUT),),  # has a rule of its own
            (stream((29_000.0, b":\n\n"), ended_at=30_000.0),),  # nothing happened, and it was ended for that
            (stream(resume="known", last_event_id="7"),),  # there may be nothing after it
            (stream(joined="late"),),
            (stream(capture=True),),
        ),
    ),
    "end/marker-missing": Case(
        good=(
            (stream(*ANSWER, DONE),),
            (stream(result(1), result(2), COMPLETE),),
            (stream(*ANSWER, DONE, how="cut"),),  # open after it has a rule of its own
        ),
        bad=(
            (stream(*ANSWER),),
            (stream(chat(), chat()),),
            (stream((10.0, chat()), (20.0, chat("", "stop")), how="cut", ended_at=4000.0),),
            (stream((10.0, MESSAGE), (20.0, REASON), (3000.0, PING), how="cut", ended_at=4000.0),),
            (stream((10.0, CREATED), (20.0, ADDED), (30.0, ITEM_DONE), how="cut", ended_at=15_000.0),),
            (stream(result(1), result(2)),),
            (stream(result(1), result(2), b"event: complete\n\n"),),
            (stream(b"data: 1\n\n", b"data: 2\n\n", b"event: done\n\n"),),  # without data it is no event
            (stream(b"data: 1\n\n", b"data: 2\n\n", b"data: 3\n\n"), OF_OTHERS),
            (stream(*ANSWER, DONE), later(stream(*ANSWER, joined="late", reader="beside", name="newcomer"), 20.0)),
        ),
        silent=(
            (stream(b"data: 1\n\n", b"data: 2\n\n"),),
            (stream(*ANSWER, resume="known", last_event_id="1"),),  # may have been told all before
            (stream(chat(), chat(), how="cut", ended_at=4000.0),),  # a stall, or a long answer
            (stream((10.0, MESSAGE), (3000.0, PING), how="cut", ended_at=14_000.0),),
            (stream((10.0, CREATED), (20.0, ADDED), (30.0, ITEM_DONE), how="cut", ended_at=5000.0),),  # may think on
            (stream((9.0, CREATED), (10.0, ADDED), (20.0, ADDED), (30.0, ITEM_DONE), how="cut", ended_at=15_000.0),),
            (stream((10.0, chat()), (20.0, chat("", "stop")), how="cut", ended_at=900.0),),  # not waited for long
            (stream(chat(), ERROR),),
            (stream(chat(), how="error", detail=CUT),),
            (stream(b"data: 1\n\n", b"data: 2\n\n", b'event: error\ndata: {"why": "x"}\n\n'), OF_OTHERS),
            (stream(b"data: 1\n\n"), OF_OTHERS),  # of one event nobody knows whether it is the last
            (stream(),),
        ),
    ),
    "end/open-after-marker": Case(
        good=((stream(*ANSWER, DONE),), (stream(result(1), COMPLETE),)),
        bad=(
            (stream(*ANSWER, DONE, how="cut", ended_at=5000.0),),
            (stream(*ANSWER, DONE, ended_at=4000.0),),
            (stream(result(1), COMPLETE, how="timeout", ended_at=5000.0),),
        ),
        silent=(
            (stream(*ANSWER, DONE, how="cut", ended_at=500.0),),
            (stream(b"data: 1\n\n", DONE, how="cut", ended_at=5000.0),),  # of no protocol that we know
            (stream(b"event: complete\ndata: {}\n\n", b"data: 2\n\n", how="cut", ended_at=5000.0),),
            (stream(*ANSWER, DONE, chat(), how="cut", ended_at=5000.0),),  # what follows has a rule of its own
            (
                stream(result(1), b'event: complete\ndata: {"id": "1"}\n\n', how="cut", ended_at=5000.0),
            ),  # one of several
        ),
    ),
    "end/events-after-marker": Case(
        good=((stream(*ANSWER, DONE),), (stream(result(1), COMPLETE),), (stream(MESSAGE, MESSAGE_STOP, DONE),)),
        bad=(
            (stream(*ANSWER, DONE, chat()),),
            (stream(*ANSWER, DONE, DONE),),
            (stream(*ANSWER, DONE, chat(), how="cut"),),
        ),
        silent=(
            (stream(*ANSWER),),
            (stream(*ANSWER, DONE, how="cut"),),
            (stream(b"data: [DONE]\n\n", b"data: 2\n\n"),),
        ),
    ),
    "end/cut-by-timeout": Case(
        good=((LONG,),),
        bad=(
            (stream(*ticks(1, 20), how="error", detail=CUT, ended_at=10_020.0),),
            (stream(*ticks(1, 30), how="error", detail="Connection reset by peer", ended_at=15_300.0),),
            (stream((100.0, b"data: 1\n\n"), how="error", detail=CUT, ended_at=10_110.0),),  # idle
            (stream(*ticks(1, 20), (9900.0, b"id: 20\nda"), ended_at=10_020.0),),
            (stream(*ticks(1, 20), ended_at=10_020.0), NEWCOMER),  # others are told more of the same
            (stream(*ticks(1, 20), ended_at=10_020.0), NEWCOMER, uncut(*ticks(1, 9)), back(*ticks(7, 12))),  # advice
        ),
        silent=(
            (stream(*ticks(1, 13), how="error", detail=CUT, ended_at=6300.0),),  # not by the clock
            (stream(*ticks(1, 20), ended_at=10_020.0),),  # perhaps all there is
            (
                stream(*ticks(1, 20), (9990.0, b'event: over\ndata: {"won": "A"}\n\n'), ended_at=10_020.0),
                NEWCOMER,
            ),  # a round
            (steps(10_020.0), later(steps(7000.0, 50), 5000.0)),
            (stream(*ANSWER, (9990.0, DONE), how="error", detail=CUT, ended_at=10_020.0),),
            (stream(*ticks(1, 20), how="cut", ended_at=10_020.0),),
            (stream(*ticks(1, 20), how="error", detail=CUT, ended_at=10_020.0, capture=True),),
        ),
    ),
}
