"""Pieces of what the readers read, to be put together at random: of streams where a reader is not named here."""

from tests.conformance.test_transcript import OPENING
from tests.fuzz.readers import SECRETS

PIECES: dict[str, list[bytes]] = {
    "transcript": [
        OPENING.encode() + b"\n",
        b'{"head":{"at_ms":1,"status":200,"reason":"","http_version":"","headers":[["a","b"]]}}\n',
        b'{"chunk":{"at_ms":2,"text":"data: 1\\n\\n"}}\n',
        b'{"chunk":{"at_ms":2,"b64":"/w=="}}\n',
        b'{"end":{"at_ms":3,"how":"eof","detail":""}}\n',
        *(b'{"chunk":', b"1e999", b'"\\ud800"', b"null", b"[[", b"}}\n"),
    ],
    "capture": [
        b"HTTP/1.1 200 OK\r\n",
        b"Content-Type: text/event-stream\r\n",
        b"Content-Encoding: gzip\r\n",
        b"\r\n",
        *(
            b"data: ",
            b'{"type":"progress","progress":',
            b"[DONE]",
            b"\n\n",
            b"id: 1\n",
            b"retry: 9",
            b"\xff",
            b"event: ",
        ),
    ],
    "toml": [
        *(
            b'base_url = "http://a"\n',
            b"[stream]\n",
            b'path = "/"\n',
            b"json = ",
            b"2026-01-01",
            b"nan",
            b"[[before]]\n",
        ),
        *(
            b"[promises]\n",
            b"ends = ",
            b"headers = {",
            b"5 = 5",
            b"}",
            b"${NAME}",
            b'"',
            b"[limits]\n",
            b"connect_s = ",
        ),
    ],
    "json": [b"[", b"{", b'"a":', b"}", b"]", b"9" * 500, b"1e999", b"NaN", b'"\\ud800"', b",", b"\xfe\xff", b"\0"],
    "coding": [b"\0\7", b"\1\1", b"\3\xff", b"\x1f\x8b\x08\0\0\0\0\0\0\3", b"\x78\x9c", b"\3\0", b"\xff" * 9],
    "redaction": [*(secret.encode() for secret in SECRETS), b"%53", b"\\u0073", b"&#115;", b"\\", b"%", b"\n", b"\xc3"],
    "http": [
        b"\0\xff",
        b"\1\x40",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 103 Hints\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 3\r\n",
        *(
            b"\r\n",
            b"1\r\na\r\n",
            b"0\r\n\r\n",
            b"FFFFFFFF\r\n",
            b"-1",
            b"\0\0\0\4\0\0\0\0\0",
            b"\0\0\4\1\4\0\0\0\1\x88\x88\x88\x88",
        ),
        b"\0\0\3\0\1\0\0\0\1abc",
        b"\0\0\4\3\0\0\0\0\1\0\0\0\2",
    ],
    "load-http": [
        b"\7",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0 200\n",
        b"HTTP/1.1 103 Hints\r\n\r\n",
        b"HTTP/1.1 101 \r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n",
        *(b"Content-Length: ", b"3\r\n", b"-1", b"9" * 20, b"X: y\r\n", b" z\r\n", b"\0", b"\n"),
        *(b"\r\n", b"1\r\na\r\n", b"5;x\r\nabcde\r\n", b"0\r\n\r\n", b"0\r\nX: y\r\n", b"FFFFFFF\r\n"),
    ],
    "requests": [
        *(b"{", b'"a": ', b"}", b"\n", b"[", b"]", b'"${NAME}"', b"${OTHER}", b'"${', b"1e999", b"NaN", b"-", b"\r"),
        *(b'"\\ud800"', b"9" * 500, b",", b"\xff", b'{"messages": [{"role": "user", "content": "hi"}]}\n'),
    ],
}
