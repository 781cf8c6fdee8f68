"""A client that hides nothing: it keeps every byte, and reads no meaning into them."""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

from ssegauge.reference_server import start

TASKS = "/api/brand-monitor/tasks"
PROGRESS = "/api/brand-monitor/progress"


class Hangs(Exception):  # noqa: N818 - says what happened
    """Nothing came for as long as the test is patient."""


@dataclass
class Answer:
    """One response, read as far as the test wanted."""

    raw: bytearray
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    patience: float
    method: str = "GET"
    at_end: bool = False

    @property
    def head(self) -> bytes:
        return bytes(self.raw).partition(b"\r\n\r\n")[0]

    @property
    def rest(self) -> bytes:
        return bytes(self.raw).partition(b"\r\n\r\n")[2]

    @property
    def status(self) -> int:
        return int(self.head.split()[1])

    @property
    def fields(self) -> dict[str, str]:
        pairs = (line.decode("latin-1").partition(": ") for line in self.head.split(b"\r\n")[1:])
        return {name.lower(): value for name, _, value in pairs}

    @property
    def chunks(self) -> list[bytes]:
        """The complete chunks so far; the last is empty if the body is complete."""
        found, rest = [], self.rest
        while b"\r\n" in rest:
            size, _, rest = rest.partition(b"\r\n")
            length = int(size, 16)
            if len(rest) < length + 2:
                break
            found.append(rest[:length])
            rest = rest[length + 2 :]
        return found

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks) if "transfer-encoding" in self.fields else self.rest

    @property
    def is_complete(self) -> bool:
        """Whether the whole response is there."""
        if b"\r\n\r\n" not in self.raw:
            return False
        if self.status == 204 or self.method == "HEAD":
            return True
        if "transfer-encoding" in self.fields:
            return self.chunks[-1:] == [b""]
        if "content-length" in self.fields:
            return len(self.rest) >= int(self.fields["content-length"])
        return self.at_end

    @property
    def blocks(self) -> list[bytes]:
        return self.body.split(b"\n\n")[:-1]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The data of the events so far; what is not a JSON object is left out."""
        lines = [line[6:] for line in self.body.splitlines() if line.startswith(b"data: ")]
        values = []
        for line in lines:
            with contextlib.suppress(ValueError):
                values.append(json.loads(line))
        return [value for value in values if isinstance(value, dict)]

    @property
    def ids(self) -> list[str]:
        return [line[4:].decode() for line in self.body.splitlines() if line.startswith(b"id: ")]

    def reports(self, member: str) -> list[Any]:
        """The member of each report so far."""
        return [event["progress"].get(member) for event in self.events if event.get("progress")]

    @property
    def json(self) -> Any:
        return json.loads(self.rest)

    async def until(self, happened: Callable[["Answer"], bool], patience: float | None = None) -> "Answer":
        """Read until something has happened, or the connection ends; raises Hangs."""
        try:
            async with asyncio.timeout(self.patience if patience is None else patience):
                while not (self.at_end or happened(self)):
                    await self._read()
        except TimeoutError:
            raise Hangs from None
        return self

    async def _read(self) -> None:
        try:
            piece = await self.reader.read(65536)
        except ConnectionError:
            piece = b""
        self.raw += piece
        self.at_end = not piece

    async def whole(self, patience: float | None = None) -> "Answer":
        return await self.until(lambda answer: answer.is_complete, patience)

    async def saw(self, text: bytes, times: int = 1) -> "Answer":
        return await self.until(lambda answer: answer.raw.count(text) >= times)

    def cut(self, *, reset: bool = False) -> None:
        """Leave: with FIN, or with RST."""
        if reset:
            linger_for_no_time = struct.pack("ii", 1, 0)
            connection = self.writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_for_no_time)
        self.writer.transport.abort()


@dataclass
class Site:
    """A running server and the connections to it."""

    base_url: str
    patience: float = 20.0
    open: list[Answer] = field(default_factory=list)

    async def send(self, raw: bytes, method: str = "GET") -> Answer:
        """Open a connection and send the bytes."""
        address = urlsplit(self.base_url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(raw)
        answer = Answer(bytearray(), reader, writer, self.patience, method)
        self.open.append(answer)
        return answer

    async def begin(self, method: str, path: str, body: bytes = b"", **fields: str) -> Answer:
        """Send a request; underscores in names of fields stand for hyphens."""
        lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items()]
        length = f"Content-Length: {len(body)}\r\n" if body or method == "POST" else ""
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\n{length}{''.join(lines)}\r\n"
        return await self.send(head.encode() + body, method)

    async def ask(self, method: str, path: str, body: bytes = b"", **fields: str) -> Answer:
        """Send a request and read the whole answer; raises Hangs."""
        answer = await (await self.begin(method, path, body, **fields)).whole()
        answer.writer.close()
        return answer

    async def post(self, path: str, members: Any = None, **fields: str) -> Answer:
        body = json.dumps({} if members is None else members).encode()
        return await self.ask("POST", path, body, Content_Type="application/json", **fields)

    async def create(self, **members: Any) -> str:
        return str((await self.post(TASKS, members)).json["taskId"])

    async def update(self, task_id: str, **members: Any) -> Answer:
        return await self.post(f"{TASKS}/{task_id}/updates", members)

    async def follow(self, **fields: str) -> Answer:
        """Open a stream of the feed; nothing is read yet."""
        return await self.begin("GET", "/events", **fields)

    async def publish(self, text: str, inbox: str | None = None) -> Answer:
        return await self.post("/publish", {"text": text} if inbox is None else {"text": text, "inbox": inbox})

    async def inbox(self) -> str:
        return str((await self.post("/inboxes", {})).json["inbox"])

    async def stream(self, task_id: str, **fields: str) -> Answer:
        """Open a stream; nothing is read yet."""
        return await self.begin("GET", f"{PROGRESS}/{task_id}", **fields)

    async def metrics(self) -> dict[str, int]:
        return dict((await self.ask("GET", "/metrics.json")).json)

    async def becomes(self, condition: Callable[[dict[str, int]], bool]) -> None:
        """Wait until the metrics meet the condition; raises Hangs."""

        async def is_met() -> bool:
            return condition(await self.metrics())

        await self.eventually(is_met)

    async def eventually(self, is_met: Callable[[], Awaitable[bool]]) -> None:
        """Wait until something is so; raises Hangs."""
        try:
            async with asyncio.timeout(self.patience):
                while not await is_met():  # noqa: ASYNC110 - what is awaited happens in the server
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise Hangs from None


@contextlib.asynccontextmanager
async def running_site(*faults: str, patience: float = 20.0, **options: Any) -> AsyncIterator[Site]:
    """A server with the faults, and a client for it."""
    async with start(faults, **{"drain_s": 0.1, **options}) as base_url:
        site = Site(base_url, patience)
        try:
            yield site
        finally:
            for answer in site.open:
                answer.writer.close()
            for answer in site.open:
                with contextlib.suppress(ConnectionError):
                    await answer.writer.wait_closed()


@pytest.fixture
def serving() -> Callable[..., contextlib.AbstractAsyncContextManager[Site]]:
    """`async with serving(FAULT..., **settings) as site`."""
    return running_site


@pytest.fixture
def hangs() -> type[Hangs]:
    return Hangs
