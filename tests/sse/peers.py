"""Other Python parsers of event streams behind one interface, as close to their entry points as bytes can get.

Each is a generator of `(type, data, lastEventId)` over an iterator of chunks. What their own types call None is
"" here, and no type is "message", so that only real differences show. Parsers that come fused with a client that
connects and reconnects are given a response of ours, and stopped where they would reconnect.
"""

import asyncio
import codecs
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import aiohttp
import aiohttp_sse_client2.client
import httpx
import httpx_sse._decoders
import ld_eventsource.reader
import requests
import requests_sse
import sseclient
from aiohttp.base_protocol import BaseProtocol

from ssegauge.conformance.sse import Decoder, Event, FastDecoder

Message = tuple[str, str, str]
Reader = Callable[[Iterator[bytes]], Iterator[Message]]


def ssegauge(chunks: Iterator[bytes]) -> Iterator[Message]:
    decoder = Decoder()
    for chunk in chunks:
        for item in decoder.feed(chunk):
            if type(item) is Event:
                yield item.type, item.data, item.last_event_id


def ssegauge_fast(chunks: Iterator[bytes]) -> Iterator[Message]:
    decoder = FastDecoder()
    for chunk in chunks:
        yield from decoder.feed(chunk)


def read_httpx_sse(chunks: Iterator[bytes]) -> Iterator[Message]:
    """What `EventSource.iter_sse` does with `Response.iter_text`."""
    text, lines, events = codecs.getincrementaldecoder("utf-8")("replace"), *_httpx_decoders()
    for chunk in chunks:
        if decoded := text.decode(chunk):
            for line in lines.decode(decoded):
                if (event := events.decode(line)) is not None:
                    yield event.event, event.data, event.id
    for line in lines.flush():
        if (event := events.decode(line)) is not None:
            yield event.event, event.data, event.id


def _httpx_decoders() -> tuple[Any, Any]:
    return httpx_sse._decoders.SSELineDecoder(), httpx_sse._decoders.SSEDecoder()


def read_httpx_sse_response(chunks: Iterator[bytes]) -> Iterator[Message]:
    """httpx-sse as it is meant to be used, with httpx's part of the work."""
    response = httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=chunks)
    for event in httpx_sse.EventSource(response).iter_sse():
        yield event.event, event.data, event.id


def read_sseclient_py(chunks: Iterator[bytes]) -> Iterator[Message]:
    for event in sseclient.SSEClient(chunks).events():
        yield event.event, event.data, event.id or ""


def read_launchdarkly(chunks: Iterator[bytes]) -> Iterator[Message]:
    lines = ld_eventsource.reader._BufferedLineReader.lines_from(chunks)
    for item in ld_eventsource.reader._SSEReader(lines).events_and_comments():
        if isinstance(item, ld_eventsource.actions.Event):
            yield item.event, item.data, item.last_event_id or ""


class EndOfStreamError(Exception):
    """The client would reconnect now."""


def stop() -> None:
    raise EndOfStreamError


def read_requests_sse(chunks: Iterator[bytes]) -> Iterator[Message]:
    response = requests.Response()
    response.status_code = 200
    response.raw = SimpleNamespace(stream=lambda *_, **__: chunks)
    source = requests_sse.EventSource("http://sse.invalid", on_error=stop)
    source._response, source._data_generator, source._origin = response, response.iter_lines(), ""
    try:
        for event in source:
            yield event.type or "message", event.data, event.last_event_id
    except EndOfStreamError:
        return


def read_aiohttp_sse_client2(chunks: Iterator[bytes]) -> Iterator[Message]:
    """Reads the whole stream first: its input is aiohttp's StreamReader."""
    return iter(asyncio.run(_read_with_aiohttp(chunks)))


async def _read_with_aiohttp(chunks: Iterator[bytes]) -> list[Message]:
    loop = asyncio.get_running_loop()
    content = aiohttp.StreamReader(BaseProtocol(loop), 1 << 30, loop=loop)
    for chunk in chunks:
        content.feed_data(chunk)
    content.feed_eof()
    source = aiohttp_sse_client2.client.EventSource("http://sse.invalid", session=SimpleNamespace(), on_error=stop)
    source._response, source._origin = SimpleNamespace(status=200, content=content), ""
    messages: list[Message] = []
    try:
        async for event in source:
            messages.append((event.type or "message", event.data, event.last_event_id))  # noqa: PERF401 - ends by raising
    except EndOfStreamError:
        return messages
    raise AssertionError("the client ended without a wish to reconnect")


PEERS: dict[str, Reader] = {
    "httpx-sse": read_httpx_sse,
    "sseclient-py": read_sseclient_py,
    "launchdarkly-eventsource": read_launchdarkly,
    "requests-sse": read_requests_sse,
    "aiohttp-sse-client2": read_aiohttp_sse_client2,
}
OURS: dict[str, Reader] = {"ssegauge, exact": ssegauge, "ssegauge, fast": ssegauge_fast}


def reading(reader: Reader, chunks: list[bytes]) -> tuple[Message, ...] | str:
    """What a parser makes of the chunks; where it raises, which error."""
    try:
        return tuple((event_type or "message", data, last_id) for event_type, data, last_id in reader(iter(chunks)))
    except Exception as error:  # noqa: BLE001 - whatever a parser raises is its result
        return f"raises {type(error).__name__}"


def events_while_open(reader: Reader, stream: bytes) -> int:
    """How many events a parser has given by the time it asks for bytes after `stream`."""
    events: list[Message] = []
    counts: list[int] = []

    def chunks() -> Iterator[bytes]:
        yield stream
        counts.append(len(events))

    for event in reader(chunks()):
        events.append(event)  # noqa: PERF402 - counted while it grows
    return counts[0]
