"""Talks to a server and writes down what it does: the only network code of the suite, on httpx.

``Server`` is what probes are given: it starts and moves tasks by the target's hooks, opens streams, and makes every
exchange a transcript. ``Live`` is one exchange under way: a probe waits on it for a condition or for its end, with
bounded patience, and cuts it. However an exchange ends, also by Ctrl-C, it ends as a transcript; its rows are written
to the run folder as things happen.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO, cast

import httpx

from conformance.errors import CannotJudge
from conformance.seen import View
from conformance.sse import Decoder, Event
from conformance.target import Call, Target, pointer
from conformance.transcript import (
    Chunk,
    End,
    Head,
    How,
    Redactor,
    Request,
    Transcript,
    chunk_row,
    dump_row,
    end_row,
    head_row,
    opening_row,
)

PATIENCE_S = 5.0
QUICK_PATIENCE_S = 2.0
# The probe on whose behalf an exchange is made; every probe runs in a task, and so a context, of its own.
PROBE: ContextVar[str] = ContextVar("probe", default="")
# Between a time of the monotonic clock and Unix time there is one offset for the whole run.
_EPOCH_OFFSET_MS = time.time() * 1000 - time.perf_counter() * 1000


class HookFailed(Exception):  # noqa: N818 - an event of the run, not a defect of the program
    """A hook of the target did not do what the target file says; the message is one line."""


def now_ms() -> float:
    """Return the monotonic clock in Unix epoch milliseconds."""
    return time.perf_counter() * 1000 + _EPOCH_OFFSET_MS


@dataclass
class Recording:
    """All exchanges so far, and where their rows are written (None: nowhere)."""

    folder: Path | None = None
    redact: Redactor = field(default_factory=Redactor)
    transcripts: list[Transcript] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _names: dict[str, int] = field(default_factory=dict)

    def unique(self, name: str) -> str:
        """Return the name, numbered when it is taken."""
        self._names[name] = number = self._names.get(name, 0) + 1
        return name if number == 1 else f"{name}-{number}"

    def add(self, transcript: Transcript) -> None:
        """Take a finished exchange whose rows are written."""
        self.transcripts.append(transcript)

    def write(self, transcript: Transcript) -> None:
        """Take and write an observation that is no exchange, such as a look at the process table."""
        if file := self.open(transcript.name):
            with file:
                file.writelines(dump_row(row, self.redact) for row in transcript.rows())
        self.add(transcript)

    def open(self, name: str) -> TextIO | None:
        """Open the file for an exchange's rows; every row is on disk when the next thing happens."""
        if not self.folder:
            return None
        self.folder.mkdir(parents=True, exist_ok=True)
        return (self.folder / f"{name}.jsonl").open("w", encoding="utf-8", buffering=1)


class Live:
    """One exchange under way. Its events are decoded as they come, for conditions; rules decode for themselves."""

    def __init__(self, recording: Recording, seed: Transcript) -> None:
        self.transcript = replace(seed, started_ms=now_ms())
        self._chunks: list[Chunk] = []
        self._recording = recording
        self._decoder = Decoder()
        self._changed = asyncio.Event()
        self._file = recording.open(seed.name)
        self._task: asyncio.Task[None] | None = None
        self.events: list[Event] = []
        self._write(opening_row(self.transcript))

    def start(self, exchange: Callable[[Live], Any]) -> None:
        """Begin the exchange."""
        self._task = asyncio.create_task(exchange(self))

    @property
    def head(self) -> Head | None:
        """The response head, None as long as there is none."""
        return self.transcript.head

    @property
    def over(self) -> bool:
        """Whether the exchange has ended."""
        return self.transcript.end is not None

    def ids(self) -> list[str]:
        """Return the ids that events have set so far."""
        return [event.id for event in self.events if event.id]

    def on_head(self, response: httpx.Response) -> None:
        """Take the response head."""
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)
        head = Head(
            self._at(), response.status_code, headers, response.reason_phrase, response.http_version or "HTTP/1.1"
        )
        self.transcript = replace(self.transcript, head=head)
        self._write(head_row(head))

    def on_chunk(self, data: bytes) -> None:
        """Take body bytes."""
        chunk = Chunk(self._at(), data)
        self._chunks.append(chunk)
        self.events += [item for item in self._decoder.feed(data) if isinstance(item, Event)]
        self._write(chunk_row(chunk))

    def on_end(self, how: How, detail: str = "") -> None:
        """Finish the transcript; further ends are ignored."""
        if self.over:
            return
        end = End(self._at(), how, detail)
        self.transcript = replace(self.transcript, end=end, chunks=tuple(self._chunks))
        self._write(end_row(end))
        if self._file:
            self._file.close()
        self._recording.add(self.transcript)

    async def until(self, condition: Callable[[], bool], patience_s: float) -> bool:
        """Wait until the condition holds or the exchange is over; return whether it holds."""
        deadline = time.perf_counter() + patience_s
        while not condition() and not self.over and (left := deadline - time.perf_counter()) > 0:
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), left)
        return condition()

    async def finish(self, patience_s: float) -> Transcript:
        """Wait for the end as long as patience lasts, then give up on it; return the transcript."""
        await self.until(lambda: self.over, patience_s)
        await self.stop("timeout", f"nothing more within {patience_s:g} s")
        return self.transcript

    async def stop(self, how: How = "cut", detail: str = "") -> None:
        """End the exchange from our side."""
        self.on_end(how, detail)
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _at(self) -> float:
        return round(now_ms() - self.transcript.started_ms, 3)

    def _write(self, row: Mapping[str, Any]) -> None:
        self._changed.set()
        if self._file:
            self._file.write(dump_row(row, self._recording.redact))


class Server:
    """The server under test."""

    def __init__(self, target: Target, recording: Recording, *, quick: bool = False) -> None:
        self.target = target
        self.recording = recording
        self.quick = quick
        self.patience_s = QUICK_PATIENCE_S if quick else PATIENCE_S
        self._stack = AsyncExitStack()
        self._clients: dict[int, httpx.AsyncClient] = {}

    async def __aenter__(self) -> Self:
        """Enter; leaving closes every connection."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Close every connection."""
        await self._stack.aclose()

    async def _client(self, receive_buffer: int) -> httpx.AsyncClient:
        """Return the client; one with a receive buffer of its own is for readers that do not read."""
        if receive_buffer not in self._clients:
            options = [(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)]
            transport = httpx.AsyncHTTPTransport(
                verify=ssl_context(self.target),
                http2=self.target.base_url.startswith("https"),
                # One connection for each exchange: nothing of one can be read in another.
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
                socket_options=options if receive_buffer else None,
            )
            client = httpx.AsyncClient(transport=transport, timeout=None, trust_env=False)  # noqa: S113 - Live.finish bounds every wait
            self._clients[receive_buffer] = await self._stack.enter_async_context(client)
        return self._clients[receive_buffer]

    def begin(
        self,
        role: str,
        call: Call,
        *,
        name: str = "",
        task_id: str = "",
        json_body: Any = None,  # noqa: ANN401 - any JSON value
        headers: Mapping[str, str | None] | None = None,
        receive_buffer: int = 0,
        **facts: Any,  # noqa: ANN401 - facts are any JSON value
    ) -> Live:
        """Start an exchange and return it.

        Args:
            role: what the exchange is; see ``conformance.seen``.
            call: the target's hook or stream.
            name: the transcript's name, by default the role; numbered when taken.
            task_id: fills the hook's ``{task_id}`` and becomes a fact.
            json_body: the request's body in place of the hook's own.
            headers: further header fields; None takes one away.
            receive_buffer: bytes that the kernel may hold for us, 0 for the system's choice.
            **facts: what rules need to know.
        """
        if task_id:
            facts["task_id"] = task_id
        body = call.json if json_body is None else json_body
        text = None if body is None else json.dumps(_filled(body, task_id))
        sent = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "ssegauge"}
        if text is not None:
            sent["Content-Type"] = "application/json"
        merged = {**sent, **self.target.headers, **call.headers, **(headers or {})}
        request = Request(
            call.method or "GET",
            self.target.url(call.path, task_id=task_id),
            tuple((key, value) for key, value in merged.items() if value is not None),
            text,
        )
        live = Live(
            self.recording, Transcript(self.recording.unique(name or role), request, PROBE.get(), role, facts=facts)
        )
        live.start(lambda one: self._exchange(one, receive_buffer))
        return live

    async def _exchange(self, live: Live, receive_buffer: int) -> None:
        request = live.transcript.request
        try:
            client = await self._client(receive_buffer)
            body = None if request.body is None else request.body.encode()
            headers = [(name.encode(), value.encode()) for name, value in request.headers]
            async with client.stream(request.method, request.url, headers=headers, content=body) as response:
                live.on_head(response)
                if receive_buffer:  # reads no further, so that the server meets a full window
                    await asyncio.Event().wait()
                async for data in response.aiter_raw():
                    live.on_chunk(data)
            live.on_end("eof")
        except asyncio.CancelledError:
            live.on_end("cut", "interrupted")
            raise
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            live.on_end("error", _reason(error))

    async def call(self, role: str, call: Call, *, patience_s: float | None = None, **more: Any) -> View:  # noqa: ANN401
        """Make an exchange and wait for its end; arguments as for ``begin``."""
        live = self.begin(role, call, **more)
        return View(await live.finish(self.patience_s if patience_s is None else patience_s))

    async def create(self, kind: str = "self-running") -> str:
        """Start a task and return its id; raises HookFailed when the hook gives none."""
        name = {"self-running": "create", "failing": "create_failing", "manual": "create_manual"}[kind]
        hook = cast("Call", getattr(self.target.task, name))
        reply = await self.call("create", hook, name=f"create-{kind}", kind=kind, patience_s=PATIENCE_S)
        try:
            if reply.head and reply.head.status < 300:
                return str(pointer(reply.json, hook.id))
            said = reply.evidence().excerpt
        except LookupError:
            said = f"the reply has no value at {hook.id}: {reply.body[:80]!r}"
        raise HookFailed(f"[task.{name}] {hook.method} {self.target.url(hook.path)}: {said}")

    @asynccontextmanager
    async def stream(self, name: str, task_id: str = "", **more: Any) -> AsyncIterator[Live]:  # noqa: ANN401
        """Open a stream; it is cut, when it has not ended, on leaving the block. Arguments as for ``begin``."""
        more.setdefault("joined", "start")
        headers = {"Accept": "text/event-stream", **more.pop("headers", {})}
        if "last_event_id" in more:
            headers["Last-Event-ID"] = more["last_event_id"]
        live = self.begin("stream", self.target.stream, name=name, task_id=task_id, headers=headers, **more)
        try:
            yield live
        finally:
            await live.stop()

    async def read(self, name: str, task_id: str = "", patience_s: float | None = None, **more: Any) -> View:  # noqa: ANN401
        """Open a stream and read it to its end, or until patience is spent."""
        patience_s = self.patience_s if patience_s is None else patience_s
        more["patience_ms"] = patience_s * 1000
        async with self.stream(name, task_id, **more) as live:
            return View(await live.finish(patience_s))

    async def update(self, task_id: str, **state: Any) -> View:  # noqa: ANN401
        """Move a manual task; ``state`` holds the facts of role ``update`` and the fields of the ticket's update."""
        facts = {key: state.pop(key) for key in ("canary", "marker") if key in state}
        hook = cast("Call", self.target.task.update)
        values = {"status": "running", "stage": "Conformance", "progress": 0, "message": "", **state}
        body = _filled(hook.json, task_id, values) if hook.json is not None else values
        told = {key: values[key] for key in ("status", "progress", "message")}
        return await self.call("update", hook, task_id=task_id, json_body=body, patience_s=PATIENCE_S, **facts, **told)

    async def complete(self, task_id: str) -> View:
        """End a manual task well."""
        done = {"status": "completed", "progress": 100, "stage": "Completed", "message": "done"}
        return await self.update(task_id, **done, results={"score": 1})

    async def snapshot(self, task_id: str, when: str) -> None:
        """Look at the polling endpoint, where the target has one."""
        if self.target.task.snapshot:
            await self.call("snapshot", self.target.task.snapshot, task_id=task_id, when=when)


def ssl_context(target: Target) -> ssl.SSLContext:
    """Return the trust that the target file asks for; raises CannotJudge for a certificate file that is none."""
    try:
        context = ssl.create_default_context(cafile=target.tls.ca_file)
    except OSError as error:
        raise CannotJudge(f"tls.ca_file = {target.tls.ca_file!r}: {error}") from None
    if not target.tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _filled(body: Any, task_id: str, values: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - any JSON value
    """Fill placeholders in a JSON template: ``"{progress}"`` alone becomes the value itself, elsewhere its text."""
    words = {"task_id": task_id, **(values or {})}
    if isinstance(body, dict):
        return {key: _filled(value, task_id, values) for key, value in body.items()}
    if isinstance(body, list):
        return [_filled(value, task_id, values) for value in body]
    if not isinstance(body, str):
        return body
    if body.startswith("{") and body.endswith("}") and body[1:-1] in words:
        return words[body[1:-1]]
    for name, value in words.items():
        body = body.replace("{" + name + "}", str(value))
    return body


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    cut_short = isinstance(error, httpx.RemoteProtocolError) and "without sending complete message body" in text
    return f"incomplete body: {text}" if cut_short else text
