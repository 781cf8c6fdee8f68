"""Streams in which the data of events arrives whole, and streams in which parts of it are lost."""

from tests.corpus.build import Case, event, exchange, healthy
from tests.corpus.wire import NO_BYTES, ONE, PRETTY, stream

DELTA = b'event: delta\ndata: {"n": 1}\n\n'
BROKEN_OFF = b'event: done\ndata: {"n": 2}\n'
ERROR = b'event: error\ndata: {"error": "the upstream broke off"}\n\n'
CAFE = "Zwei Kaffee für Frau Müller"

WORDS = [f"data: {word}\n\n".encode() for word in ("The", " sea", " is", " wide", " and", " blue")]
RAW = [b"data: \n\n\n", b"data: .\n\n\n\n"]  # a token that is a line end, and one that ends with two

TWICE = "Grüße aus Köln, wo Sie fließen".encode().decode("cp1252")

CASES = {
    "wire/unprefixed-data": Case(
        good=(
            (healthy(),),
            (stream(b'data: {\ndata:   "type": 1\ndata: }\n\n'),),
            (stream(b"data: {}\ntime: now\n\n"),),  # ignored, and nothing is lost
            (stream(b"data: {not json\ntime: now\n\n"),),
            (stream(b"data: text\ntime: now\nx-sent.by: me\n\n"),),  # fields of the server's own
            (stream(b"data: text\rtime: now\r\r", b"data: text\r\ntime: now\r\n\r\n"),),
            (stream(b'data: {"a": 1}\nsome remark\n\n'),),
            (stream(b'data: {"a": 1\n\n', b"}\n\n"),),  # the rest is of another block
            (stream(b'data: {\nData: "a": 1}\n\n'),),  # field-case's
            (stream(b"data: [1,\n: 2]\n\n"),),
            (stream(b"data: {\n", b'  "a": 1\n', how="cut"), healthy(name="other")),
            (stream(b"1f\ndata: text\n\n"),),  # before the data: a length that somebody wrote into the body
            (stream(b"data: text\n\nkeep alive\n\n"),),
            (stream(b'data: {"a": 1}\n\nInternal Server Error\n\n'),),
            (stream(b"data: text\n\n", b"Internal Server Error\n\n"),),  # written by somebody else
            (stream(b"data: text\nping\n\n"),),
            (stream(b"data: ssegauge0123456789ab before\n\nafter ssegauge0123456789ab-end\n\n"),),  # injection-lf's
            (stream(*WORDS, b"\n", *WORDS, b"\n", *WORDS),),  # written alone: heartbeats
            (stream(*(word + b"\n" for word in WORDS)),),  # how this one ends its events
            (stream(*WORDS, *(word.replace(b"data", b"event: log\ndata") + b"\n" for word in WORDS)),),
            (stream(*WORDS, RAW[0], *WORDS),),  # once is chance
            (stream(*(event({"n": 1}) for _ in range(6)), *(event({"n": 2}) + b"\n" for _ in range(3))),),
        ),
        bad=(
            (stream(*WORDS, *RAW, *WORDS),),
            (stream(*WORDS, *(raw.replace(b"\n", b"\r\n") for raw in RAW), *WORDS, capture=True),),
            (stream(PRETTY),),
            (stream(ONE, PRETTY.replace(b"\n", b"\r\n"), ONE),),
            (stream(b'id: 4\ndata: [\n  {"data": 1},\n  2\n]\nevent: x\n\n'),),
            (stream(b'data: {"a":\ndata: 1,\n"b": 2}\n\n'),),
            (stream(b'data: {"message": "one line\nand another"}\n\n'),),
            (stream(*(bytes([byte]) for byte in PRETTY), capture=True, how="cut"),),
            (stream(b"data: first line\nsecond line\n\n"),),
            (stream(b"data: roses\nviolets\n\n"),),
            (stream(b"event: html\ndata: <ul>\n  <li>one</li>\n</ul>\n\n"),),
            (stream(b"data: from\r12:01 INFO started\r\r"),),
            (stream(b"data: npm: 10%\rnpm: 40%\rnpm: 100%\n\n"),),  # a text's own, however much it looks like a field
            (stream("data: eins\nzwei Äpfel\nid: 5\n\n".encode()),),
            (stream(b'data: "a\nb"\n\n'),),
            (stream(b"data: 1\n" + b"x" * 50 + b"\n\n"),),
            (stream(b'data: {"a": 1}\n{"a": 2}\n\n'),),
            (stream(b"data: one paragraph\n\nand one more\n\n"),),
        ),
        silent=((exchange(PRETTY, situation="canary"),), NO_BYTES, (stream(b": hi\n\n"),)),
    ),
    "wire/two-values-in-one": Case(
        good=(
            (healthy(),),
            (stream(DELTA),),
            (stream(DELTA, b"data: 1 2\n\n", b'data: {"half": \n\n', b"data: {} and a text\n\n"),),
            (stream(DELTA, b'data: {\ndata: "n": 2}\n\n'),),
            (stream(DELTA, b"data: " + b"[" * 5000 + b"\n\n"),),
            (stream(DELTA, b'data: {"n": 2}\n' + b"data: [DONE]\n" * 5000 + b"\n"),),  # as deep as it is long
        ),
        bad=(
            (stream(DELTA, DELTA, BROKEN_OFF, ERROR),),
            (stream(DELTA, DELTA, BROKEN_OFF, ERROR.partition(b"\n")[2]),),
            (stream(BROKEN_OFF, ERROR),),
            (stream(DELTA, b'data: {"n": 2}{"n": 3}\n\n'),),
            (stream(DELTA, b'data: [1]\r\ndata: {"n": 3}\r\n\r\n'),),
            (stream(b'data: {"n": 2}\ndata: {"n": 3}\n\n'),),
            (stream(b'data: {"n": 2}\ndata: {"n": 3}\ndata: [DONE]\n\n'),),
            (stream(DELTA, b'data: {"n": 2}\ndata: [DONE]\n\n'),),
        ),
        silent=(
            NO_BYTES,
            (stream(b"data: text\ndata: [DONE]\n\n"),),
            (stream(b"data: text\n\n"),),
            (stream(b"data: 1 2\n\n"),),
            (exchange(BROKEN_OFF, ERROR, situation="canary"),),
        ),
    ),
    "wire/replacement-character": Case(
        good=(
            (healthy(),),
            (stream(f"data: {CAFE}\n\n".encode()),),
            (stream(event({"text": CAFE})),),
            (stream(b"data: caf\xe9\n\n"),),  # invalid-utf8's
            (stream(": \ufffd\n".encode(), ONE),),
            (stream(rb'data: {"text": "\ud83d\ude00 and \\ud83d"}' + b"\n\n"),),
        ),
        bad=(
            (stream("data: caf\ufffd\n\n".encode()),),
            (stream(event({"text": "caf\ufffd"})),),  # as \ufffd
            (stream(f"data: {CAFE}\n\n".replace("ü", "\ufffd\ufffd").encode()), stream(f"data: {CAFE}\n\n".encode())),
            (stream(event({"text": "f\ufffd"}), event({"text": "\ufffdr"})),),
            (stream(event({"n": 1, "text": CAFE}), event({"n": 2, "text": CAFE.replace("ü", "\ufffd\ufffd")})),),
            (stream(rb'data: {"text": "the first 20 chars \ud83d"}' + b"\n\n"),),
        ),
        silent=(NO_BYTES, (exchange("data: \ufffd\n\n".encode(), situation="canary"),)),
    ),
    "wire/twice-encoded": Case(
        good=(
            (stream(f"data: {CAFE}\n\n".encode()),),
            (stream(event({"text": "Grüße aus Köln, 東京, «là», 🗼"})),),
            (stream(event({"text": "Ã¼ is what becomes of ü"})),),
            (stream(event({"text": "Ã¼, Ã¶ and Ã¤ stand for ü, ö and ä"})),),
            (stream(event({"text": "Ã¼"})),),  # one alone may be meant
        ),
        bad=(
            (stream(event({"text": TWICE})),),
            (stream(f"data: {TWICE}\n\n".encode()),),
            (stream(event({"text": "Gr\u00c3\u00bc\u00c3\u009fe"}), event({"text": "K\u00c3\u00b6ln"})),),
            (stream(event({"text": "Grüße"}), event({"text": TWICE}), event({"text": "東京"})),),  # of one source
        ),
        silent=(
            *(NO_BYTES, (stream(b"data: ASCII alone\n\n"),)),
            (exchange(f"data: {TWICE}\n\n".encode(), situation="canary"),),
        ),
    ),
}
