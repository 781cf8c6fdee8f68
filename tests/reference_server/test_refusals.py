"""Whatever is sent, a refusal is JSON in the server's own words, tells no version, and raises no alarm."""

import asyncio
import gzip
import json
import logging
import zlib
from typing import Any

import brotli
import pytest

TASKS = "/api/brand-monitor/tasks"
WISH = b'{"manual": true}'
PACKED = {"gzip": gzip.compress(WISH), "deflate": zlib.compress(WISH), "br": brotli.compress(WISH)}
LONG = b"x" * 100_000


def request(*fields: bytes, body: bytes = b"", method: bytes = b"POST", path: str = TASKS) -> bytes:
    """A request as bytes; its body has a length unless a field says how it is transferred."""
    if not any(field.startswith(b"Transfer-Encoding") for field in fields):
        fields = (*fields, b"Content-Length: %d" % len(body))
    head = (b"%s %s HTTP/1.1" % (method, path.encode()), b"Host: x", b"Content-Type: application/json", *fields)
    return b"\r\n".join((*head, b"", body))


def packed(coding: str, body: bytes) -> bytes:
    return request(b"Content-Encoding: " + coding.encode(), body=body)


MALFORMED = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no Host": b"GET /health HTTP/1.1\r\n\r\n",
    "two lengths": request(b"Content-Length: 5", body=b"{}"),
    "length and chunks": request(b"Transfer-Encoding: chunked", b"Content-Length: 2", body=b"{}"),
    "bad chunk size": request(b"Transfer-Encoding: chunked", body=b"zz\r\n"),
    "huge chunk size": request(b"Transfer-Encoding: chunked", body=b"fffffffffffffffff\r\n{}\r\n"),
    "unknown transfer coding": request(b"Transfer-Encoding: wax", body=b"{}"),
    "long address": request(path="/" + LONG.decode()),
    "long field": request(b"X: " + LONG),
    "long trailer": request(b"Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\nX: " + LONG + b"\r\n\r\n"),
    "many fields": request(*[b"X: y"] * 1000),
    "folded field": request(b"X: a\r\n b"),
    "NUL in a field": request(b"X: a\0b"),
    "control in Last-Event-ID": request(b"Last-Event-ID: \xff\x01", method=b"GET"),
    "space before the colon": request(b"X : y"),
    "bad host in the address": b"GET http://[::1/health HTTP/1.1\r\nHost: x\r\n\r\n",
    "bad port in the address": b"GET http://x:99999/health HTTP/1.1\r\nHost: x\r\n\r\n",
}
REFUSED = {
    "gzip junk": (packed("gzip", b"no gzip"), 400),
    "gzip cut": (packed("gzip", PACKED["gzip"][:-4]), 400),
    "gzip with a wrong sum": (packed("gzip", PACKED["gzip"][:-8] + b"\0" * 8), 400),
    "gzip and more": (packed("gzip", PACKED["gzip"] + b"more"), 400),
    "deflate junk": (packed("deflate", b"no deflate"), 400),
    "deflate cut": (packed("deflate", PACKED["deflate"][:-4]), 400),
    "br junk": (packed("br", b"\xff\xff\xff\xff no br"), 400),
    "br cut": (packed("br", PACKED["br"][:-4]), 400),
    "a coding nobody knows": (packed("wax", WISH), 415),
    "two codings": (packed("gzip, gzip", gzip.compress(PACKED["gzip"])), 415),
    "an expectation": (request(b"Expect: tea", body=b"{}"), 417),
    "an expectation of nothing": (request(b"Expect: tea", path="/nothing"), 417),
    "an unread gzip junk": (packed("gzip", b"no gzip").replace(TASKS.encode(), b"/nothing"), 404),
    "a page with a long name": (request(method=b"GET", path="/page/" + "a" * 5000), 404),
    "a page that is no UTF-8": (request(method=b"GET", path="/page/%ff"), 404),
    "a folder": (request(method=b"GET", path="/page/"), 404),
    "a wrong method": (request(method=b"PUT"), 405),
    **{name: (raw, 400) for name, raw in MALFORMED.items()},
}


@pytest.mark.parametrize(("raw", "status"), REFUSED.values(), ids=REFUSED)
async def test_a_refusal_is_json_without_version_or_alarm(
    raw: bytes, status: int, serving: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving() as site:
        answer = await (await site.send(raw)).until(lambda answer: answer.is_complete)
        assert (await site.ask("GET", "/health")).status == 200
    assert (answer.status, {*json.loads(answer.body)}) == (status, {"error", "message"})
    assert answer.fields["content-type"].startswith("application/json")
    assert answer.fields["server"] == "ssegauge-reference"
    assert answer.fields["x-content-type-options"] == "nosniff"
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert b"xxxx" not in answer.rest  # nothing of the request is told back


@pytest.mark.parametrize("coding", PACKED)
async def test_a_packed_body_is_read(coding: str, serving: Any) -> None:
    async with serving() as site:
        answer = await (await site.send(packed(coding, PACKED[coding]))).whole()
    assert answer.status == 201


async def test_raw_deflate_is_read_too(serving: Any) -> None:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    async with serving() as site:
        answer = await (await site.send(packed("deflate", packer.compress(WISH) + packer.flush()))).whole()
    assert answer.status == 201


@pytest.mark.parametrize("coding", PACKED)
async def test_a_bomb_is_413_and_is_not_unpacked(coding: str, serving: Any) -> None:
    pack = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}[coding]
    async with serving() as site:
        answer = await (await site.send(packed(coding, pack(b" " * 50_000_000)))).whole()
    assert answer.status == 413


async def test_chunks_that_break_later_are_408_in_json(serving: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """aiohttp's parser tells the reader of a body nothing of it: the limit of time does."""
    monkeypatch.setattr("ssegauge.reference_server.common.bodies.TIMEOUT_S", 0.2)
    async with serving() as site:
        answer = await site.send(request(b"Transfer-Encoding: chunked", body=b"3\r\n{ \r\n"))
        await asyncio.sleep(0)
        answer.writer.write(b"zz\r\n")
        await answer.whole()
    assert answer.status in {400, 408}  # 400 where both pieces came as one
    assert {*answer.json} == {"error", "message"}


async def test_a_range_of_the_page_is_the_whole_page(serving: Any) -> None:
    async with serving() as site:
        answer = await site.ask("GET", "/", Range="bytes=999999-")
    assert answer.status == 200
    assert "</html>" in answer.rest.decode()
