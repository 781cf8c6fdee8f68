"""Compressed streams: flushed or held, asked for or not."""

import zlib
from typing import Any

import brotli

from ssegauge.conformance.recording.transcript import Request, Transcript
from tests.corpus.build import Case, completed, connected, exchange, progress
from tests.corpus.delivery import at, update, updates
from tests.corpus.delivery_complete import SENT, in_time, says

ENDING = update(2400.0, 100, "completed", message="done")
EVENTS = (progress(10), progress(20), progress(30), progress(40))


def compressed(*, flush: bool, coding: str | None = "gzip", how: str = "eof") -> tuple[Transcript, ...]:
    """A compressed stream of four updates and, two seconds later, the end; flushed after each event or not."""
    packer = zlib.compressobj(wbits=31)
    chunks = []
    parts = [(10.0, connected() + progress(0)), *zip(at(5, 4), EVENTS, strict=True), (2405.0, completed())]
    for when, data in parts:
        packed = packer.compress(data) + (packer.flush(zlib.Z_SYNC_FLUSH) if flush else b"")
        chunks.append((when, packed))
    chunks.append((2406.0, packer.flush()))
    plain = coding != "gzip"
    stream = exchange(
        *(parts if plain else chunks),
        role="compressed",
        headers={"Content-Encoding": coding},
        how=how,
        task_id="task-1",
    )
    return (*updates(4), ENDING, stream)


def late_anyway() -> tuple[Transcript, ...]:
    """An uncompressed stream that tells everything at the end: late, but not by compression."""
    parts = ((10.0, connected()), *((2405.0, event) for event in EVENTS), (2406.0, completed()))
    return (*updates(4), ENDING, exchange(*parts, role="compressed", task_id="task-1"))


def packed(*events: tuple[float, bytes], flush: str = "each", **more: Any) -> Transcript:
    """A plain stream, compressed; flushed after each event, after the first, at the end, or never."""
    packer, chunks = zlib.compressobj(wbits=31), []
    for number, (when, data) in enumerate(events):
        now = flush == "each" or (flush == "first" and number == 0)
        chunks.append((when, packer.compress(data) + (packer.flush(zlib.Z_SYNC_FLUSH) if now else b"")))
    if flush == "late":
        chunks.append((events[-1][0], packer.flush(zlib.Z_SYNC_FLUSH)))
    facts = {"kind": "plain", "task_id": None, **more}
    coded = {"Content-Encoding": "gzip"}
    return exchange(*chunks, role="compressed", headers=coded, how="cut", ended_at=9000.0, **facts)


def packed_by_brotli(*events: tuple[float, bytes], flush: bool) -> Transcript:
    """The same in the coding that browsers are served most."""
    packer = brotli.Compressor()
    chunks = [(when, packer.process(data) + (packer.flush() if flush else b"")) for when, data in events]
    facts = {"how": "cut", "ended_at": 9000.0, "kind": "plain", "task_id": None}
    return exchange(*chunks, role="compressed", headers={"Content-Encoding": "br"}, **facts)


def beside(*events: tuple[float, bytes], **more: Any) -> Transcript:
    return exchange(*events, how="cut", ended_at=9000.0, **{"kind": "plain", "task_id": None, "name": "other", **more})


TICKS = [(700.0 * n, b"data: tick %d\n\n" % n) for n in range(1, 10)]
FEW = TICKS[:3]
PUBLISHED = [(when, says(n)) for when, n in in_time(*range(8))]


def offered(field: str | None, coding: str | None) -> tuple[Transcript, ...]:
    """A stream whose reader offered codings."""
    headers = () if field is None else (("accept-encoding", field),)
    request = Request("GET", "http://127.0.0.1/stream", headers)
    packer = zlib.compressobj(wbits=31)
    body = packer.compress(connected()) + packer.flush() if coding == "gzip" else connected()
    return (exchange(body, request=request, headers={"Content-Encoding": coding}),)


CASES = {
    "delivery/held-by-compression": Case(
        good=(
            compressed(flush=True),
            compressed(flush=True, coding=None),
            (packed(*TICKS), beside(*TICKS)),
            (packed(*TICKS[2:]), beside(*TICKS)),
            (exchange(*TICKS, role="compressed", how="cut", kind="plain", task_id=None),),
            (packed(*TICKS, flush="late"), beside(*FEW[:2]), beside(*TICKS[-4:-3], *TICKS[-2:])),
            (*SENT, packed(*PUBLISHED)),
            (packed_by_brotli(*TICKS, flush=True), beside(*TICKS)),
        ),
        bad=(
            (packed_by_brotli(*TICKS, flush=False), beside(*TICKS)),
            compressed(flush=False),
            compressed(flush=False, how="timeout"),
            (packed(*TICKS, flush="never"), beside(*TICKS)),
            (packed(*TICKS, flush="late"), beside(*TICKS)),
            (packed(*TICKS, flush="first"), beside(*TICKS)),
            (*SENT, packed(*PUBLISHED, flush="never")),
        ),
        silent=(
            late_anyway(),
            compressed(flush=True, coding=None)[-1:],
            (*updates(4), compressed(flush=False)[-1]),  # the end was not ours
            (exchange(b"{}", role="compressed", status=406),),
            (
                exchange(b"\x28\xb5\x2f\xfd", role="compressed", headers={"Content-Encoding": "zstd"}, kind="plain"),
                beside(*TICKS),
            ),
            (packed(*TICKS, flush="never"),),
            (packed(*TICKS, flush="never"), beside(*TICKS[:2])),
            (packed(*TICKS, flush="never"), beside(*((1000.0, data) for _, data in TICKS))),  # all at once
            (packed(*TICKS, flush="never", subject="one"), beside(*TICKS, subject="other")),
        ),
    ),
    "response/unasked-coding": Case(
        good=(
            offered("identity", None),
            offered("gzip, br", "gzip"),
            offered("*", "gzip"),
            offered("deflate, gzip;q=0.5", "x-gzip"),
            offered("identity", "identity"),
        ),
        bad=(
            offered("identity", "gzip"),
            offered("", "gzip"),
            offered("br", "gzip"),
            offered("gzip;q=0", "gzip"),
            offered("gzip", "br"),
        ),
        silent=(offered(None, "gzip"), (exchange(b"{}", status=500),)),
    ),
}
