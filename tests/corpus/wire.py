"""Streams whose bytes are right, and streams whose bytes are not, whatever the events mean."""

from dataclasses import replace

from ssegauge.conformance.recording.transcript import Request, Transcript
from tests.corpus.build import Case, event, exchange, healthy

BOM = b"\xef\xbb\xbf"
ONE = b"data: 1\n\n"
PRETTY = b'data: {\n  "type": "progress"\n}\n\n'
NO_BYTES = (exchange(how="cut"),)
POSTED = Request("POST", "http://127.0.0.1/stream")


def stream(*chunks: bytes, **more: str) -> Transcript:
    """Bytes as a stream that the server ends."""
    return exchange(*chunks, **more)


def in_http2(*chunks: bytes, **more: str) -> Transcript:
    """Bytes as a stream in HTTP/2."""
    one = exchange(*chunks, headers={"Transfer-Encoding": None}, **more)
    assert one.head
    return replace(one, head=replace(one.head, http_version="HTTP/2"))


CASES = {
    "wire/invalid-utf8": Case(
        good=(
            (healthy(),),
            (stream("data: é 💥 \u2028\n\n".encode()),),
            (stream(*(bytes([byte]) for byte in "data: é💥\n\n".encode())),),  # characters cut between chunks
            (stream("data: 💥".encode()[:-1], how="cut"),),  # we left inside a character
            (stream(b": " + "é".encode()[:1]),),  # ... or the stream ended there: an unfinished tail
        ),
        bad=(
            (stream(b"data: caf\xe9\n\n"),),
            (stream(b": caf\xe9\n", ONE),),
            (stream("data: 💥".encode()[:-1] + b"\n\n"),),
            (stream(b"data: \xed\xa0\x80\n\n"),),  # a surrogate
        ),
        silent=(NO_BYTES,),
    ),
    "wire/truncated-event": Case(
        good=(
            (healthy(),),
            (stream(ONE, b": bye\n"),),  # a comment is no event
            (stream(b"data: 1\r\r"),),
            (stream(ONE, b"bye\n"),),
            (stream(b"data: 1\r\n\r"),),  # the LF of the last CRLF did not come; the event is there
        ),
        bad=(
            (stream(ONE, b'data: {"status":"completed"}\n'),),
            (stream(ONE, b"data: 1"),),
            (stream(ONE, b"id: 5\n"),),
            (stream(ONE, b"<html>\r\n<body>502 Bad Gateway</body>\r\n</html>\r\n"),),
            (stream(ONE, b'{"error": "upstream"}\n'),),
        ),
        silent=(
            (stream(ONE, b"data: 1", how="cut"),),
            (stream(ONE, b"data: 1", how="timeout"),),
            (stream(ONE, b"data: 1", how="error"),),  # truncated-chunked-body's, which names the cause
            NO_BYTES,
        ),
    ),
    "wire/truncated-chunked-body": Case(
        good=((healthy(),),),
        bad=(
            (stream(ONE, how="error", detail="incomplete body: peer closed connection"),),
            (stream(ONE, b"data: 1", how="error", detail="incomplete body: peer closed connection"),),
            (stream(ONE, how="error", detail="Connection reset by peer"),),
            (exchange(ONE, how="error", headers={"Transfer-Encoding": None}),),
        ),
        silent=(
            (stream(ONE, how="cut"),),
            (exchange(answered=False, how="error", detail="Connection reset by peer"),),
            (stream(ONE, how="error", detail="the harness failed"),),
            (exchange(ONE, headers={"Transfer-Encoding": None}),),  # HTTP/1.0 ends by closing
            (in_http2(ONE, how="error", detail="ended by HTTP/2: RST_STREAM with CANCEL"),),
        ),
    ),
    "wire/reset-in-http2": Case(
        good=((in_http2(ONE),), (in_http2(ONE, b"data: 1"),)),
        bad=(
            (in_http2(ONE, how="error", detail="ended by HTTP/2: RST_STREAM with INTERNAL_ERROR"),),
            (in_http2(ONE, b"data: 1", how="error", detail="ended by HTTP/2: GOAWAY with ENHANCE_YOUR_CALM"),),
            (in_http2(ONE, how="error", detail="ended by HTTP/2: GOAWAY with NO_ERROR"),),  # advice
            (in_http2(ONE, how="error", detail="Connection reset by peer"),),
        ),
        silent=(
            (in_http2(ONE, how="cut"),),
            (stream(ONE, how="error", detail="Connection reset by peer"),),
            (healthy(),),
        ),
    ),
    "wire/repeated-bom": Case(
        good=((healthy(),), (stream(BOM + ONE),), (stream(b":a\n" + BOM + ONE),), (stream(ONE, BOM + ONE),)),
        bad=((stream(BOM + BOM + ONE),),),
        silent=(NO_BYTES,),
    ),
    "wire/mid-stream-bom": Case(
        good=((healthy(),), (stream(BOM + ONE),), (stream(BOM + BOM + ONE),), (stream(b"data: " + BOM + b"\n\n"),)),
        bad=((stream(ONE, BOM + ONE),), (stream(b":a\n" + BOM + ONE),), (stream(BOM + ONE, BOM + ONE),)),
        silent=(NO_BYTES,),
    ),
    "wire/mixed-line-endings": Case(
        good=(
            (healthy(),),
            (stream(b"data: 1\r\n\r\ndata: 2\r\n\r\n"),),
            (stream(b"data: 1\r", b"\n\r", b"\n"),),  # CRLF cut between chunks
            (stream(b"data: 1\r\r"),),
            (stream(b"data: 1\r\n\r", how="cut"),),  # we left inside a CRLF
        ),
        bad=(
            (stream(b"data: 1\r\ndata: 2\n\n"),),
            (stream(ONE, b"data: 2\r\r"),),
            (stream(*(b'data: {"n": %d,\n\rdata: "text": "a"}\n\r\n\r' % n for n in range(4))),),
            (stream(*(b"event: mail\r\ndata: a\r\r\ndata: %d\r\n\r\n" % n for n in range(4))),),
        ),
        silent=(
            NO_BYTES,
            (exchange(ONE, b"data: 2\r\r", situation="canary"),),
            (stream(ONE, b"data: ssegauge0123456789ab before\rdata: ssegauge0123456789ab-injected\r\r"),),
        ),
    ),
    "wire/retry-not-digits": Case(
        good=((healthy(),), (stream(b"retry:0\n\n"),)),
        bad=(
            (stream(b"retry: 3s\n\n"),),
            (stream(b"retry: 2000\n\n", b"retry: +5\n\n"),),
            (stream("retry: ３\n\n".encode()),),
            (stream(b"retry\n\n"),),
        ),
        silent=((stream(ONE),), (stream(b"retries: 3s\n\n"),)),
    ),
    "wire/retry-extreme": Case(
        good=((healthy(),), (stream(b"retry: 100\n\nretry: 3600000\n\n"),)),
        bad=(
            (stream(b"retry: 0\n\n"),),
            (stream(b"retry: 86400000\n\n"),),
            (stream(b"retry: " + b"9" * 5000 + b"\n\n"),),
        ),
        silent=((stream(ONE),), (stream(b"retry: 3s\n\n"),)),
    ),
    "wire/id-with-nul": Case(
        good=((healthy(),), (stream(b"data: \0\n\n"),), (stream(b": id: \0\n\n"),)),
        bad=((stream(b"id: 4\0\ndata: 1\n\n"),),),
        silent=(NO_BYTES,),
    ),
    "wire/field-case": Case(
        good=((healthy(),), (stream(b"data:1\nid:\n\n"),), (stream(b"time: now\n\n"),), (stream(ONE, BOM + ONE),)),
        bad=(
            (stream(b"Data: 1\n\n"),),
            (stream(b" data: 1\n\n"),),
            (stream(b"data : 1\n\n"),),
            (stream(b"ID: 1\n\n"),),
        ),
        silent=(NO_BYTES,),
    ),
    "wire/unknown-field": Case(
        good=(
            (healthy(),),
            (stream(b":time: now\n\n"),),
            (stream(b"Data: 1\n\n"),),
            (stream(b'data: {\ndata: "a": 1}\n\n'),),
            (stream(PRETTY),),  # unprefixed-data's, as those that follow
            (stream(b"data: first line\nsecond line\n\n"),),
            (stream(b"data: 1\n" + b"x" * 50 + b"\n\n"),),
            (stream(b"data: one\n\nand two\n\n"),),
        ),
        bad=(
            (stream(b"time: now\n\n"),),
            (stream(b"9\r\ndata: 1\n\n\r\n", b"9\r\ndata: 2\n\n\r\n"),),  # in chunks within chunks
            (stream(b"<br />\n<b>Warning</b>:  Undefined array key in <b>sse.php</b>\ndata: {}\n\n"),),
            (stream(PRETTY, b"data: {}\ntime: now\n\n"),),
            (stream(b"data: {}\nnobody knows\n\n"),),  # of JSON that is whole, it is no part
            (stream(b"event: hello\nnobody knows\n\n"),),
        ),
        silent=(NO_BYTES, (exchange(b"time: now\n\n", situation="canary"),)),
    ),
    "wire/block-without-data": Case(
        good=(
            (healthy(),),
            (stream(b"event: done\ndata\n\n"),),
            (stream(b"id: 5\n\n"),),  # sets the id alone, on purpose
            (stream(b"event: done\n", how="cut"),),  # we left before the data
        ),
        bad=(
            (stream(b"event: done\n\n"),),
            (stream(b"event: done\nid: 5\n\n"),),
            (stream(b"event: trade\ndata: 1\n\n", b"event: trade\n: keep-alive\n\ndata: 2\n\n"),),
        ),
        silent=(
            NO_BYTES,
            (stream(b"event: ping\n\n"),),  # a heartbeat that nobody is meant to hear of, perhaps
        ),
    ),
    "wire/event-named-open-or-error": Case(
        good=((healthy(),), (stream(b"event: errors\ndata: 1\n\n"),), (stream(b"event: Error\ndata: 1\n\n"),)),
        bad=((stream(b"event: error\ndata: 1\n\n"),), (stream(ONE, b"event: open\ndata: 1\n\n"),)),
        silent=(
            (stream(b"event: error\n\n"),),
            (stream(b": error\n\n"),),
            (exchange(b"event: error\ndata: 1\n\n", request=POSTED),),  # EventSource reads none
            (exchange(b"event: error\ndata: 1\n\n", capture=True),),  # nor, perhaps, this one
        ),
    ),
    "wire/id-too-long": Case(
        good=((healthy(),), (stream(event(1, "x" * 128)),)),
        bad=((stream(event(1, "x" * 129)),), (stream("id: {}\ndata: 1\n\n".format("é" * 65).encode()),)),
        silent=((stream(ONE),), (stream(b"id:\ndata: 1\n\n"),)),
    ),
    "wire/oversized-event": Case(
        good=((healthy(),), (stream(*(ONE for _ in range(10_000))),), (stream(event("x" * 60_000)),)),
        bad=((stream(event("x" * 70_000)),), (stream(event("x" * 1_100_000)),)),
        silent=(NO_BYTES,),
    ),
    "wire/misread-by-common-clients": Case(
        good=(
            (healthy(),),
            (stream(b"data: 1\r\n\r\ndata: 2\r\n\r\n"),),
            (stream(b"data:1\ndata:  2\nid: 4\nevent: x\n\n", b"event: no data\n\n", ONE),),
            (stream(ONE, b"data\n\n", b"event: x\ndata:\n\n", ONE),),  # events whose data is empty
            (stream(ONE, b"data: unfinished"),),
            (stream(ONE, b": hi\n", b"data: unfinished", how="cut"),),
            (stream("data: é\n\n".encode()),),
        ),
        bad=((stream(BOM + b"data: 1\n\n"),),),
        silent=((stream(b": hi\n\n"),), NO_BYTES),
    ),
}
