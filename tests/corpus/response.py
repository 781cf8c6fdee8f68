"""Response heads that are right, and heads that are not."""

import math
import zlib
from dataclasses import replace

from ssegauge.conformance.recording.transcript import Request, Transcript
from tests.corpus.build import EPOCH_MS, Case, Run, completed, connected, exchange, healthy, task

STREAM, JSON = "text/event-stream", {"Content-Type": "application/json"}
NINE = {"Content-Length": "9", "Transfer-Encoding": None}
COUNTED = {"Content-Length": "900", "Transfer-Encoding": None}
POST = Request("POST", "http://127.0.0.1/stream")


def stream(**headers: str | None) -> Transcript:
    """A whole healthy stream with other header fields; None takes one away."""
    return exchange(*task(), headers={name.replace("_", "-"): value for name, value in headers.items()})


def packed(coding: str, *more: bytes, wbits: int | None = None) -> Transcript:
    """A stream as a reader who offered a coding gets it; some of it may have gone past the compressor."""
    packer, whole = zlib.compressobj(wbits=wbits or {"gzip": 31, "deflate": 15}[coding]), b"".join(task())
    first = packer.compress(whole[:-9]) + packer.flush(zlib.Z_FULL_FLUSH)
    last = packer.compress(whole[-9:]) + packer.flush()
    return exchange(first, *more, last, headers={"Content-Encoding": coding}, role="compressed")


def cut_off(many: int) -> Transcript:
    """A compressed stream whose last bytes never came."""
    whole = packed("gzip")
    end = replace(whole.chunks[-1], data=whole.chunks[-1].data[:-many])
    return replace(whole, chunks=(*whole.chunks[:-1], end))


def dropped() -> Run:
    """A stream whose connection is reset before its head, between two that are answered."""
    reset = exchange(answered=False, how="error", detail="Connection reset by peer", started_ms=EPOCH_MS + 10.0)
    return healthy(), reset, replace(healthy(), started_ms=EPOCH_MS + 20.0)


def after_end(status: int, *chunks: bytes, **headers: str | None) -> Transcript:
    """A reader that comes back with the terminal event's id."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return exchange(*chunks, status=status, headers=named, joined="after-end", resume="terminal")


def http10(coding: str | None = None, status: int = 200) -> Transcript:
    """An answer to HTTP/1.0."""
    return exchange(role="http10", status=status, headers={"Transfer-Encoding": coding})


HELD = exchange((1501.0, connected()), (1510.0, completed()), head_at=1500.0)


def newcomers(*, held: bool) -> tuple[Transcript, ...]:
    """Readers of a feed that ticks once a second, who come 0.7 s after each other; the head waits for a tick or not."""
    return tuple(_newcomer(n, 700.0 * n + 150.0, held=held) for n in range(8))


def _newcomer(n: int, came_ms: float, *, held: bool) -> Transcript:
    first = math.ceil(came_ms / 1000)
    ticks = [(1000.0 * tick - came_ms, b"data: tick %d\n\n" % tick) for tick in range(first, first + 4)]
    head_ms = ticks[0][0] - 0.5 if held else 200.0 - 10 * n  # a slow server, or one that waits
    told = exchange(*ticks, head_at=head_ms, how="cut", name=f"reader-{n}", kind="plain", task_id=None)
    return replace(told, started_ms=EPOCH_MS + came_ms)


def opened(head_at: float) -> Run:
    """Streams whose heads come so late, and some time before their first events."""
    return tuple(
        exchange((head_at + 400.0, connected()), head_at=head_at, how="cut", name=f"opened-{head_at:g}-{n}")
        for n in range(5)
    )


def refused(head_at: float) -> Run:
    return tuple(exchange(b"{}", role="method", status=405, head_at=head_at, name=f"method-{n}") for n in range(4))


CASES = {
    "response/chunked-to-http10": Case(
        good=((http10(),), (http10(status=505),)),
        bad=((http10("chunked"),), (http10("gzip, chunked"),)),
        silent=((healthy(),), (exchange(role="http10", answered=False, how="timeout"),)),
    ),
    "response/status-not-200": Case(
        good=(
            (healthy(),),
            (healthy(), after_end(204)),
            (stream(content_type="text/plain"),),
            (healthy(), exchange(status=503)),  # a cap below what we opened is found under load
        ),
        bad=(
            (exchange(*task(), status=202, headers={"Content-Type": STREAM}),),
            (exchange(b"{}", status=500),),
            (exchange(b"{}", status=503), exchange(b"{}", status=503)),
            (healthy(), exchange(b"{}", status=502)),
            dropped(),
        ),
        silent=(
            (exchange(b"{}", status=429),),
            (after_end(204),),
            (exchange(answered=False, how="timeout"),),
            dropped()[1:2],  # nobody was answered, as far as we know
            (exchange(status=404, resume="stale"),),
        ),
    ),
    "response/content-type": Case(
        good=(
            (healthy(),),
            (stream(content_type="Text/Event-Stream ; charset=UTF-8"),),
            (stream(content_type="text/event-stream;charset=utf-8"),),
        ),
        bad=((stream(content_type="text/plain"),), (stream(content_type=None),), (stream(content_type="text/html"),)),
        silent=((exchange(status=404),),),
    ),
    "response/redirected": Case(
        good=((exchange(role="hello"),), (exchange(role="hello", status=404),)),
        bad=tuple((exchange(role="hello", status=status, headers={"Location": "/there"}),) for status in (301, 307)),
        silent=((healthy(),), (exchange(role="hello", answered=False),), (exchange(role="no-token", status=302),)),
    ),
    "response/charset-not-utf8": Case(
        good=(
            (healthy(),),
            (stream(content_type='text/event-stream; charset="UTF-8"'),),
            (stream(content_type="text/event-stream; charset = utf-8"),),
            (stream(content_type="text/event-stream; foo=charset; charset=utf-8"),),
        ),
        bad=(
            (stream(content_type="text/event-stream; charset=iso-8859-1"),),
            (stream(content_type="text/event-stream;Charset=latin1"),),
        ),
        silent=((stream(content_type="text/plain; charset=latin1"),),),
    ),
    "response/content-length-on-stream": Case(
        good=((healthy(),), (stream(transfer_encoding=None),)),
        bad=(
            (stream(content_length="1048576", transfer_encoding=None),),
            (exchange((1.0, b"data: 1"), (900.0, b"\n\n"), headers=NINE),),
        ),
        silent=(
            (stream(content_length="12"),),  # with Transfer-Encoding: another rule's
            (exchange(b"data: 1\n\n", headers=NINE),),  # a poll's answer
            (after_end(204),),
            (exchange(b"{}", status=404, headers={"Content-Length": "2"}),),
            (exchange(*task(), headers=COUNTED, joined="after-end"),),  # can be counted
            (exchange(*task(), headers=COUNTED, joined="late"),),  # the task may have ended
        ),
    ),
    "response/te-and-content-length": Case(
        good=((healthy(),),),
        bad=((stream(content_length="12"),),),
        silent=((stream(transfer_encoding=None, content_length="12"),),),
    ),
    "response/date-missing": Case(good=((healthy(),),), bad=((stream(Date=None),),)),
    "response/cacheable": Case(
        good=(
            (healthy(),),
            (stream(cache_control="No-Store"),),
            (stream(cache_control="private,no-cache"),),
            (stream(cache_control="max-age=0, must-revalidate"),),
            (stream(cache_control="no-cache=Set-Cookie, no-store"),),
            (stream(cache_control=None, expires="0"),),
            (stream(cache_control="private", expires="Thu, 01 Jan 1970 00:00:00 GMT"),),
        ),
        bad=(
            (stream(cache_control=None, expires="Fri, 31 Dec 2100 23:59:59 GMT"),),
            (stream(cache_control="max-age=60", expires="0"),),  # which goes before Expires
            (stream(cache_control=None),),
            (stream(cache_control="public, max-age=3600"),),
            (stream(cache_control='no-cache="Set-Cookie", max-age=60'),),
        ),
        silent=(
            (exchange(*task(), headers={"Cache-Control": None}, request=POST),),
            (exchange(*task(), headers={"Cache-Control": None}, capture=True),),  # of which method, nobody knows
        ),
    ),
    "response/transformable": Case(
        good=((healthy(),), (stream(cache_control="no-cache, No-Transform"),)),
        bad=((stream(cache_control="no-cache"),), (stream(cache_control=None),)),
    ),
    "response/proxy-buffering-hint": Case(
        good=((healthy(),), (stream(x_accel_buffering="No"),)),
        bad=((stream(x_accel_buffering=None),), (stream(x_accel_buffering="yes"),)),
    ),
    "response/unregistered-coding": Case(
        good=((healthy(),), (stream(content_encoding="identity"),), (stream(content_encoding="GZIP, br"),)),
        bad=((stream(content_encoding="none"),), (stream(content_encoding="gzip, utf-8"),)),
    ),
    "response/not-in-its-coding": Case(
        good=((packed("gzip"),), (packed("deflate"), healthy())),
        bad=(
            (exchange(*task(), headers={"Content-Encoding": "gzip"}, role="compressed"),),
            (packed("gzip", b"data: written past it\n\n"),),
            (cut_off(20),),
            (packed("deflate", wbits=-15),),
            (cut_off(8), exchange(*task())),  # the trailer alone, and what it may have held
        ),
        silent=((healthy(),), (stream(content_encoding="none"),), (stream(content_encoding="zstd"),)),
    ),
    "response/no-nosniff": Case(
        good=((healthy(),), (stream(x_content_type_options="NoSniff"),)),
        bad=((stream(x_content_type_options=None),),),
    ),
    "response/204-with-body": Case(
        good=((after_end(204),),),
        bad=((after_end(204, b"gone", content_length="4"),), (after_end(204, transfer_encoding="chunked"),)),
        silent=((healthy(),),),
    ),
    "response/head-held-until-first-event": Case(
        good=(
            (healthy(),),
            (*opened(2500.0), *refused(900.0)),  # everything is slow
            (*opened(700.0), *refused(5.0)),
            (*opened(2500.0), *opened(20.0)[:1], *refused(5.0)),  # not for all
            (HELD, *(healthy(name=f"other-{n}") for n in range(5))),  # by chance, on a busy machine
            newcomers(held=False),
            (exchange((1500.0, connected()), (1510.0, completed()), head_at=3.0),),  # the event is late, not the head
        ),
        bad=(
            (HELD,),
            newcomers(held=True),
            (*opened(2500.0), *refused(5.0)),
            (HELD, exchange(b"{}", role="create", head_at=20.0, name="create", headers=JSON)),  # others come at once
            (HELD, exchange((2500.0, b"data: 1\n\n"), role="compressed", head_at=2499.0)),  # a stream as well
        ),
        silent=(
            (HELD, exchange(b"{}", role="create", head_at=900.0, name="create", headers=JSON)),  # all answers are slow
            (exchange(how="timeout"),),
            (exchange(b": a capture\n\n", capture=True, how="cut"),),
        ),
    ),
}
