"""HTTP/2 over TLS in front of a server (RFC 9113): each request is passed on to it, its answer comes back in frames.

The certificate is made by `openssl` for this one run; nobody has to trust it but who knows that.
"""

import asyncio
import contextlib
import ssl
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import H2Error
from yarl import URL

from ssegauge.reference_server.common.errors import CannotServe
from ssegauge.reference_server.common.process import listen

# Fields that speak of the connection, of which HTTP/2 has its own frames (RFC 9113, section 8.2.2).
OF_CONNECTION = frozenset({"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"})
MOST_BODY = 1024 * 1024
STALL_S = 60.0
SUBJECT = ("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost")
Fields = list[tuple[str, str]]


class Front(asyncio.Protocol):
    """One connection of HTTP/2, whose requests the server at `upstream` answers."""

    checks_itself = True  # whether what is sent is checked first, as it should be

    def __init__(self, upstream: str, session: aiohttp.ClientSession) -> None:
        self.upstream = upstream
        self.session = session
        checked: Any = dict.fromkeys(("validate_outbound_headers", "normalize_outbound_headers"), self.checks_itself)
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="latin-1", **checked))
        self.asked: dict[int, tuple[dict[str, str], bytearray]] = {}
        self.answers: dict[int, asyncio.Task[None]] = {}
        self.room = asyncio.Event()
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the connection."""
        self.transport = transport
        self.settle()
        self.h2.initiate_connection()
        self.flush()

    def settle(self) -> None:
        """Change the settings that the connection begins with."""

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - as the base has it
        """Leave the server with the client."""
        for answer in self.answers.values():
            answer.cancel()

    def resume_writing(self) -> None:
        """Let answers go on; while writing is paused, `room` stays unset."""
        self.room.set()

    def flush(self) -> None:
        """Write what is to be sent."""
        self.transport.write(self.h2.data_to_send())

    def data_received(self, data: bytes) -> None:
        """Take frames; a client that breaks the protocol is told so, and left."""
        try:
            for event in self.h2.receive_data(data):
                self.take(event)
        except H2Error:
            self.transport.close()
        self.flush()

    def take(self, event: events.Event) -> None:
        """Do what one event asks for."""
        match event:
            case events.RequestReceived(stream_id=int(number), headers=list(headers)):
                self.asked[number] = dict(headers), bytearray()  # type: ignore[arg-type] # text, by header_encoding
            case events.DataReceived(stream_id=int(number), data=bytes(data)):
                self.h2.acknowledge_received_data(event.flow_controlled_length or 0, number)
                self.asked[number][1].extend(data[: MOST_BODY - len(self.asked[number][1])])
            case events.StreamEnded(stream_id=int(number)):
                answer = asyncio.get_running_loop().create_task(self.answer(number, *self.asked.pop(number)))
                self.answers[number] = answer
                answer.add_done_callback(lambda _: self.answers.pop(number, None))
            case events.StreamReset(stream_id=int(number)) if number in self.answers:
                self.answers[number].cancel()
            case events.WindowUpdated() | events.RemoteSettingsChanged():
                self.room.set()

    async def answer(self, number: int, head: dict[str, str], body: bytearray) -> None:
        """Ask the server, and send what it answers."""
        fields = {name: value for name, value in head.items() if not name.startswith(":")}
        asked: dict[str, Any] = {"headers": fields, "data": bytes(body) or None, "allow_redirects": False}
        url = URL(self.upstream + head[":path"], encoded=True)
        with contextlib.suppress(H2Error):  # the client has closed the stream meanwhile
            try:
                async with self.session.request(head[":method"], url, **asked) as response:
                    await self.pass_on(number, response)
            except aiohttp.ClientError:  # the server broke off
                self.h2.reset_stream(number, ErrorCodes.INTERNAL_ERROR)
            self.flush()

    async def pass_on(self, number: int, response: aiohttp.ClientResponse) -> None:
        """Send head, body and end of an answer, each piece as it comes."""
        self.h2.send_headers(number, [(":status", str(response.status)), *self.fields(response)])
        self.flush()
        async for piece in response.content.iter_any():
            await self.send(number, piece)
        self.h2.end_stream(number)

    def fields(self, response: aiohttp.ClientResponse) -> Fields:
        """Return the fields of the answer's head."""
        named = [(name.lower(), value) for name, value in response.headers.items()]
        return [(name, value) for name, value in named if name not in OF_CONNECTION]

    async def send(self, number: int, data: bytes) -> None:
        """Send data in frames, as the client and the connection have room for them."""
        while data:
            room = min(self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size)
            if room <= 0 or self.transport.get_write_buffer_size() > self.transport.get_write_buffer_limits()[1]:
                self.room.clear()
                await self.room.wait()
                continue
            self.h2.send_data(number, data[:room])
            self.flush()
            data = data[room:]


@contextlib.asynccontextmanager
async def fronted(
    server: contextlib.AbstractAsyncContextManager[str], front: type[Front], host: str, port: int
) -> AsyncIterator[str]:
    """Serve HTTP/2 in front of the server, which runs for as long; entered with the base URL.

    Raises:
        CannotServe: there is no `openssl`, or the address cannot be listened on.
    """
    loop = asyncio.get_running_loop()
    context = await asyncio.to_thread(certified)
    connector, timeout = aiohttp.TCPConnector(limit=0, force_close=True), aiohttp.ClientTimeout(total=None)
    session = aiohttp.ClientSession(
        connector=connector, timeout=timeout, auto_decompress=False, skip_auto_headers=("Accept-Encoding", "User-Agent")
    )
    async with session, server as upstream:
        listener = listen(host, port, STALL_S)
        listening = await loop.create_server(lambda: front(upstream, session), sock=listener, ssl=context)
        with contextlib.closing(listening):
            yield f"https://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


def certified() -> ssl.SSLContext:
    """Return a context with a new certificate of its own; raises CannotServe."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2"])
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = Path(folder) / "key.pem", Path(folder) / "certificate.pem"
        made = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *SUBJECT)
        try:
            subprocess.run((*made, "-keyout", key, "-out", certificate), check=True, capture_output=True)  # noqa: S603
        except (OSError, subprocess.CalledProcessError):
            raise CannotServe("--http2 needs a certificate, which `openssl` cannot make here; install it") from None
        context.load_cert_chain(certificate, key)
    return context
