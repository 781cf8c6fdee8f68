"""Talks to a server and writes down what it does: the only network code of the suite, on httpx.

``Server`` is what probes are given: it starts and moves tasks by the target's hooks, opens streams, and makes every
exchange a transcript.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager
from contextvars import ContextVar
from dataclasses import replace
from types import TracebackType
from typing import Any, Self, cast

import h2.exceptions
import httpcore
import httpx

from ssegauge.conformance.errors import UNTRUSTED, CannotJudge
from ssegauge.conformance.facts import Facts, Kind, Role, When
from ssegauge.conformance.recording.before import HookFailed, prepare
from ssegauge.conformance.recording.bounds import HEAD_BYTES, HEAD_FIELDS
from ssegauge.conformance.recording.http2 import ended
from ssegauge.conformance.recording.live import Live, Recording
from ssegauge.conformance.recording.transcript import Request, Transcript
from ssegauge.conformance.seen import View
from ssegauge.conformance.target import (
    Before,
    Call,
    Create,
    Target,
    each_its_own,
    fill,
    fill_json,
    merge_headers,
    pointer,
)

MANY = 16  # streams at once that no server should mind
NOTICED_S = 0.5  # in which most servers see that a reader has gone
PATIENCE_S = 5.0
QUICK_PATIENCE_S = 1.5
NO_FACTS = Facts()
# The hooks that start a task, by the kind of task; first the one that shows most of a stream.
CREATES: Mapping[Kind, str] = {"self-running": "create", "manual": "create_manual", "failing": "create_failing"}
# The probe on whose behalf an exchange is made; every probe runs in a task, and so a context, of its own.
Trace = Callable[[str, Mapping[str, Any]], Awaitable[None]]
PROBE: ContextVar[str] = ContextVar("probe", default="")
MALFORMED_HTTP2 = "malformed HTTP/2: "  # begins the detail of such an end
# What of a head, of trailers or of a chunk's head is held until it is whole; nothing but this attribute can be set.
httpcore.AsyncHTTP11Connection.MAX_INCOMPLETE_EVENT_SIZE = HEAD_BYTES


OUR_DEFECTS = (TypeError, AttributeError, NameError)


class Broken(Exception):  # noqa: N818 - an event of the run, not a defect of the program
    """An exchange broke off; the message is one line that says how."""


class Server:
    """The server under test.

    ``at_once``: how many streams it was seen, or is said, to serve at once, or are to be asked for (``most``); None:
    no matter how many.
    ``one_reader``: whether it lets nobody else read a stream that is being read. ``opening``: the first generation,
    which whoever reads more of them reads on; with ``once`` it is to be the only one.
    """

    def __init__(self, target: Target, recording: Recording, *, quick: bool = False, most: int = MANY) -> None:
        self.target = target
        self.recording = recording
        self.quick = quick
        most = min(most, target.limits.concurrent)
        self.at_once = most if most < MANY else None
        self.one_reader = False
        self.unheeded = 0  # calls that make streams say something and had no answer in time
        self.opening: Live | None = None
        self.once = False
        self.patience_s = QUICK_PATIENCE_S if quick else PATIENCE_S
        self._trust = ssl_context(target)
        self._lives: set[Live] = set()
        self._subjects: dict[str, asyncio.Task[dict[str, str]]] = {}

    @property
    def most_readers(self) -> int | None:
        """How many may read one stream at once; None where nothing is known to stand in their way."""
        return 1 if self.one_reader else self.at_once

    async def __aenter__(self) -> Self:
        """Enter; leaving ends whatever is still under way."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        """End what is still under way."""
        await asyncio.gather(*(live.stop("cut", "interrupted") for live in self._lives))

    def _client(self) -> httpx.AsyncClient:
        """Return a client for one exchange: no connection, no HTTP/2 session and no cookie is shared with another."""
        secure = self.target.base_url.startswith("https")
        transport = httpx.AsyncHTTPTransport(verify=self._trust, http2=secure)
        return httpx.AsyncClient(transport=transport, timeout=None, trust_env=False)  # noqa: S113 - Live.finish bounds every wait

    def begin(
        self,
        role: Role,
        call: Call,
        facts: Facts = NO_FACTS,
        *,
        name: str = "",
        json_body: Any = None,  # noqa: ANN401 - any JSON value
        headers: Mapping[str, str | None] | None = None,
        kept: Mapping[str, str] | None = None,
        text: str | None = None,
    ) -> Live:
        """Start an exchange and return it.

        Args:
            role: what the exchange is; see ``ssegauge.conformance.facts``.
            call: the target's hook or stream.
            facts: what rules need to know; ``task_id`` fills the hook's ``{task_id}``.
            name: the transcript's name, by default the role; numbered when taken.
            json_body: the request's body in place of the hook's own.
            headers: further header fields; None takes one away. The target's own Accept stays.
            kept: what ``[[before]]`` kept, to fill in; by default for the probe under way.
            text: the request's body as it is sent, JSON or not.
        """
        call = fill(call, each_its_own(self._kept() if kept is None else kept))
        request = self._request(call, facts.task_id or "", json_body, headers or {})
        request = request if text is None else replace(request, body=text)
        if self.target.before and not self.target.promises.shared:
            facts = replace(facts, subject=facts.subject or PROBE.get() or "hello")
        seed = Transcript(self.recording.unique(name or role), request, PROBE.get(), role, facts=facts)
        return self._start(Live(self.recording, seed))

    def _request(self, call: Call, task_id: str, json_body: Any, headers: Mapping[str, str | None]) -> Request:  # noqa: ANN401
        body = fill_json(call.json, {"task_id": task_id}) if json_body is None else json_body
        situation = dict(headers)
        usual = {"Accept": situation.pop("Accept", "*/*"), "Accept-Encoding": "identity", "User-Agent": "ssegauge"}
        if body is not None:
            usual["Content-Type"] = "application/json"
        merged = merge_headers(usual, self.target.headers, call.headers, situation)
        text = None if body is None else json.dumps(body)
        return Request(call.method or "GET", self.target.url(call.path, task_id=task_id), merged, text)

    def _start(self, live: Live) -> Live:
        self._lives = {one for one in self._lives if not one.over} | {live}
        live.start(self._exchange)
        return live

    async def subject(self) -> dict[str, str]:
        """Return what ``[[before]]`` keeps for the probe under way: its calls are made once for each probe.

        All streams of a probe are then about the same thing. Raises HookFailed when a call does not do what it should.
        """
        if not self.target.before:
            return {}
        probe = PROBE.get()
        if probe not in self._subjects:
            self._subjects[probe] = asyncio.create_task(self.prepare())
        return await self._subjects[probe]

    async def ready(self) -> Target:
        """Return the target with its stream's request as the probe under way is to make it; raises HookFailed."""
        return replace(self.target, stream=fill(self.target.stream, each_its_own(await self.subject())))

    async def prepare(self) -> dict[str, str]:
        """Make the calls of ``[[before]]`` and return what they keep; raises HookFailed."""
        return await prepare(self.target, self._ask, self.recording)

    async def _ask(self, call: Before, name: str) -> Transcript:
        seed = Transcript(name, self._request(call, "", None, {}), PROBE.get(), "before")
        return await self._start(Live(Recording(), seed)).finish(PATIENCE_S)

    def _kept(self) -> dict[str, str]:
        """Return what was kept for the probe under way, else for the very first request."""
        for probe in (PROBE.get(), ""):
            subject = self._subjects.get(probe)
            if subject and subject.done() and not subject.cancelled() and not subject.exception():
                return subject.result()
        return {}

    async def _exchange(self, live: Live) -> None:
        try:
            async with aclosing(self._answer(live.transcript.request, live.on_trace)) as parts:
                live.on_head(cast("httpx.Response", await anext(parts)))
                async for data in parts:
                    live.on_chunk(cast("bytes", data))
                    if live.over:
                        return
            live.on_end("eof")
        except asyncio.CancelledError:
            live.on_end("cut", "interrupted")
            raise
        except Broken as error:
            live.on_end("error", str(error))
        except Exception:
            live.on_end("error", "the harness failed")  # and whoever waits for the exchange is told
            raise

    async def _answer(self, request: Request, trace: Trace) -> AsyncGenerator[httpx.Response | bytes, None]:
        """Make the request; yield the response as soon as its head is there, then pieces of its body.

        ``trace`` is told the steps, see httpcore's extension of that name.

        Raises Broken, whatever a library raised over the server's bytes.
        """
        body = None if request.body is None else request.body.encode()
        headers = [(name.encode(), value.encode()) for name, value in request.headers]
        more: dict[str, Any] = {"headers": headers, "content": body, "extensions": {"trace": trace}}
        try:
            async with self._client() as client, client.stream(request.method, request.url, **more) as response:
                if complaint := _complaint(response):
                    raise Broken(f"not HTTP as expected: {complaint}")
                yield response
                async for data in response.aiter_raw():
                    yield data
        except OUR_DEFECTS:
            raise
        except Exception as error:  # only libraries are at work here: it is the server's bytes that they failed on
            raise error if isinstance(error, Broken) else Broken(_reason(error)) from error

    async def call(
        self,
        role: Role,
        call: Call,
        facts: Facts = NO_FACTS,
        *,
        name: str = "",
        json_body: Any = None,  # noqa: ANN401 - any JSON value
        patience_s: float | None = None,
    ) -> View:
        """Make an exchange and wait for its end; arguments as for ``begin``."""
        live = self.begin(role, call, facts, name=name, json_body=json_body)
        return View(await live.finish(self.patience_s if patience_s is None else patience_s))

    async def create(self, kind: Kind = "self-running") -> str:
        """Start a task and return its id; raises HookFailed when the hook gives none."""
        name = CREATES[kind]
        hook = cast("Create", getattr(self.target.task, name))
        reply = await self.call("create", hook, Facts(kind=kind), name=f"create-{kind}", patience_s=PATIENCE_S)
        try:
            if reply.head and reply.head.status < 300:
                return str(pointer(reply.json, hook.id))
            said = reply.said()
        except LookupError:
            said = f"the reply has no value at {hook.id}; set id to the JSON Pointer of the task's id"
        raise HookFailed(f"[task.{name}] {hook.method} {self.target.url(hook.path)}: {said}")

    @asynccontextmanager
    async def stream(
        self,
        name: str,
        facts: Facts,
        headers: Mapping[str, str] | None = None,
        kept: Mapping[str, str] | None = None,
    ) -> AsyncIterator[Live]:
        """Open a stream; it is cut, when it has not ended, on leaving the block. Arguments as for ``begin``.

        Raises HookFailed when a call that it needs first does not do what it should.
        """
        facts = replace(facts, joined=facts.joined or "start")
        sent = {"Accept": "text/event-stream", **(headers or {})}
        if facts.last_event_id is not None:
            sent["Last-Event-ID"] = facts.last_event_id
        kept = await self.subject() if kept is None else kept
        live = self.begin("stream", self.target.stream, facts, name=name, headers=sent, kept=kept)
        try:
            yield live
        finally:
            left = not live.over
            await live.stop()
            if left and self.at_once:  # whoever comes next finds its place free
                await asyncio.sleep(NOTICED_S)

    async def read(self, name: str, facts: Facts, patience_s: float | None = None) -> View:
        """Open a stream and read it to its end, or until patience is spent."""
        patience_s = self.patience_s if patience_s is None else patience_s
        async with self.stream(name, replace(facts, patience_ms=patience_s * 1000)) as live:
            return View(await live.finish(patience_s))

    async def update(self, task_id: str, facts: Facts = NO_FACTS, **state: Any) -> View:  # noqa: ANN401
        """Move a manual task; ``state`` holds the fields of the ticket's update, which become facts as well."""
        hook = cast("Call", self.target.task.update)
        values = {"status": "running", "stage": "Conformance", "progress": 0, "message": "", **state}
        body = fill_json(hook.json, {"task_id": task_id, **values}) if hook.json is not None else values
        told = {key: values[key] for key in ("status", "progress", "message")}
        facts = replace(facts, task_id=task_id, **told)
        return await self.call("update", hook, facts, json_body=body, patience_s=PATIENCE_S)

    async def complete(self, task_id: str) -> View:
        """End a manual task well."""
        done = {
            "status": "completed",
            "progress": 100,
            "stage": "Completed",
            "message": "done",
            "results": {"score": 1},
        }
        return await self.update(task_id, NO_FACTS, **done)

    async def snapshot(self, task_id: str, when: When) -> None:
        """Look at the polling endpoint, where the target has one."""
        if self.target.task.snapshot:
            await self.call("snapshot", self.target.task.snapshot, Facts(task_id=task_id, when=when))


def ssl_context(target: Target) -> ssl.SSLContext:
    """Return the trust that the target file asks for; raises CannotJudge for a certificate file that is none."""
    if not target.tls.verify and target.tls.ca_file is None:  # whom the machine trusts takes long to read
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    else:
        context = _trusting(target.tls.ca_file)
    if not target.tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _trusting(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise CannotJudge(f"tls.ca_file = {ca_file!r}: {error}") from None


def _complaint(response: httpx.Response) -> str:
    version = response.extensions["http_version"].decode()
    if not (version.startswith("HTTP/1.") or version == "HTTP/2"):  # which is negotiated; libraries take any number
        return f"version {version}"
    return f"a head of more than {HEAD_FIELDS:,} fields" if len(response.headers.raw) > HEAD_FIELDS else ""


def _reason(error: Exception) -> str:
    """Return why an exchange broke off, in one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    inner = _innermost(error)
    if malformed := next((one for one in _chain(error) if isinstance(one, h2.exceptions.H2Error)), None):
        return f"{MALFORMED_HTTP2}{str(malformed) or type(malformed).__name__}"
    if isinstance(error, httpx.ConnectError):
        if isinstance(inner, ssl.SSLError):
            return f"TLS failed: {inner.reason or inner}; {UNTRUSTED}"
        return f"cannot connect ({_systems_words(inner)}); is the server running?"
    if isinstance(error, httpx.RemoteProtocolError):
        return _broken_protocol(text)
    if isinstance(error, httpx.NetworkError):
        return _systems_words(inner) or text
    return text if isinstance(error, httpx.HTTPError | httpx.InvalidURL) else f"{type(error).__name__}: {text}"


def _broken_protocol(text: str) -> str:
    if frame := ended(text):
        return frame
    if "without sending complete message body" in text:
        return f"incomplete body: {text}"
    if "Receive buffer too long" in text:
        text = f"a head, trailers or the head of a chunk are longer than {HEAD_BYTES >> 10} KiB"
    return f"not HTTP as expected: {text}"


def _systems_words(error: BaseException) -> str:
    """Return what the operating system says of it: asyncio puts words of its own around that."""
    if not isinstance(error, OSError) or not error.errno:
        return str(error)
    return os.strerror(error.errno) if error.errno > 0 else error.strerror or str(error)


def _innermost(error: BaseException) -> BaseException:
    """Return the operating system's own error, which libraries wrap several times."""
    return list(_chain(error))[-1]


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and, one after the other, those that it wraps."""
    while error:
        yield error
        error = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__ or error.__context__
