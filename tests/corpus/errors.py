"""Answers to requests that a server must refuse or bear."""

import json
from dataclasses import replace
from typing import Any

from ssegauge.conformance.recording.transcript import Request, Transcript
from tests.corpus.build import Case, Run, connected, event, exchange, healthy, progress

HTML = b"<h1>Not Found</h1>"


def answer(role: str, status: int, body: Any = b"", headers: Any = None, **facts: Any) -> Transcript:
    """A reply that ends, with a body of bytes or JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return exchange(
        data, role=role, status=status, headers={"Content-Type": "application/json", **(headers or {})}, **facts
    )


def hang(role: str, **facts: Any) -> Transcript:
    """No reply for as long as we waited."""
    return exchange(role=role, answered=False, how="timeout", ended_at=2000.0, **facts)


def slow(role: str, *chunks: bytes) -> tuple[Transcript, ...]:
    """A wait that was too short to tell a slow server from one that hangs, by the server's limits or by our own."""
    brief = exchange(*chunks, role=role, answered=bool(chunks), how="timeout", ended_at=1500.0)
    busy = exchange(role="harness", answered=False, own_delay_ms=1200.0)  # 1 s promised; 2 s is no more than both
    return (busy, brief, hang(role)) if not chunks else (brief,)


def dropped(role: str, **facts: Any) -> Transcript:
    """A connection that the server closed without a reply."""
    return exchange(role=role, answered=False, how="error", ended_at=5.0, **facts)


def stream(role: str, *chunks: bytes | tuple[float, bytes], how: str = "timeout", **more: Any) -> Transcript:
    """An event stream, which by default does not end."""
    return exchange(*chunks, role=role, how=how, ended_at=2000.0, **more)


def unknown(status: int, body: Any = b"") -> tuple[Transcript, ...]:
    return (answer("unknown-task", status, body),)


def half(how: str) -> Transcript:
    """A refusal whose body does not come whole."""
    return exchange(b'{"error": ', role="unknown-task", status=404, how=how, ended_at=2000.0)


def method(name: str, status: int, **more: Any) -> Transcript:
    request = Request(name, "http://127.0.0.1/stream")
    return answer("method", status, headers=more.pop("headers", None), request=request, case=name, **more)


def error(message: Any = "This task does not exist.") -> bytes:
    return event({"type": "error", "taskId": "task-1", "message": message, "timestamp": 1})


ALLOW = {"Allow": "GET, HEAD"}
NESTED = b"[" * 100_000


def never_5xx(role: str) -> Case:
    """What a request that makes no sense may and may not be answered."""
    return Case(
        good=((answer(role, 400),), (answer(role, 404, HTML),), (stream(role, connected(), how="cut"),)),
        bad=((answer(role, 500),), (answer(role, 400), answer(role, 502))),
        silent=((hang(role),), (dropped(role),), (answer(role, 503),), (answer(role, 429),)),
    )


REFUSED = "cannot connect (Connection refused); is the server running?"


def after(ms: float, one: Transcript) -> Transcript:
    return replace(one, started_ms=one.started_ms + ms)


def gone(*since: float) -> Run:
    return tuple(after(ms, exchange(answered=False, how="error", detail=REFUSED)) for ms in since)


CASES = {
    "errors/stops-listening": Case(
        good=(
            (healthy(),),
            (healthy(), *gone(100.0, 110.0), after(500.0, healthy())),
            (*gone(1.0, 2.0, 3.0), after(100.0, healthy())),  # it was only being started
            (healthy(), *(after(n, exchange(answered=False, how="error", detail="reset by peer")) for n in range(9))),
        ),
        bad=(
            (healthy(), *gone(100.0)),
            (healthy(), *gone(100.0, 110.0, 120.0), after(500.0, healthy())),
            (healthy(), after(50.0, exchange(answered=False, role="malformed-request")), *gone(100.0, 110.0, 120.0)),
        ),
        silent=(gone(1.0, 2.0, 3.0, 4.0),),
    ),
    "errors/unknown-task-hangs": Case(
        good=(
            unknown(404),
            unknown(500),
            (stream("unknown-task", connected() + error(), how="eof"),),
            (stream("unknown-task", connected(), how="eof"),),
        ),
        bad=(
            (hang("unknown-task"),),
            (stream("unknown-task"),),
            (stream("unknown-task", connected()),),
            (stream("unknown-task", connected() + error()),),
            (half("timeout"),),
        ),
        silent=(
            (dropped("unknown-task"),),
            (stream("unknown-task", connected(), (500.0, b":\n\n")),),  # looks alive: another rule's
            (stream("unknown-task", progress(0)),),
            (stream("unknown-task", event([])),),
            slow("unknown-task"),
            slow("unknown-task", connected()),
        ),
    ),
    "errors/unknown-task-5xx": never_5xx("unknown-task"),
    "errors/unknown-task-body": Case(
        good=(
            unknown(404, {"error": "unknown_task"}),
            unknown(404, {"error": {"code": 5, "message": "Not found"}}),
            unknown(422, {"detail": [{"msg": "not an id"}]}),
            unknown(404, "タスクがありません"),
            unknown(410, {"title": "Gone"}),
            (stream("unknown-task", connected() + error(), how="eof"),),
            (stream("unknown-task", connected() + error()),),
        ),
        bad=(
            unknown(404, HTML),
            unknown(404),
            unknown(404, {}),
            unknown(404, {"code": 404}),
            unknown(404, NESTED),
            unknown(404, b"\xff"),
            unknown(200, {"error": "unknown task"}),
            unknown(204),
            (stream("unknown-task", connected(), how="eof"),),
            (half("error"),),
            (stream("unknown-task", connected(), how="error"),),
        ),
        silent=(
            (half("timeout"),),
            unknown(500, HTML),
            unknown(302),
            unknown(401),
            (stream("unknown-task", connected()),),
            (hang("unknown-task"),),
        ),
    ),
    "errors/malformed-id-5xx": replace(
        never_5xx("malformed-id"),
        silent=(
            (hang("malformed-id"),),
            (answer("malformed-id", 503),),
            (*unknown(500), answer("malformed-id", 500)),  # for any unknown task
        ),
    ),
    "errors/query-garbage-5xx": never_5xx("query"),
    "errors/large-header-5xx": never_5xx("large-header"),
    "errors/malformed-request-5xx": Case(
        good=(
            *never_5xx("malformed-request").good,
            (answer("malformed-request", 501),),
            (answer("origin", 403, origin="https://foreign.example"), answer("preflight", 405)),
        ),
        bad=(*never_5xx("malformed-request").bad, (answer("origin", 500, origin="https://foreign.example"),)),
        silent=never_5xx("malformed-request").silent,
    ),
    "errors/odd-request-hangs": Case(
        good=(
            (answer("malformed-id", 404),),
            (stream("query", connected()),),
            (answer("method", 501),),
            (answer("large-header", 431), dropped("malformed-id")),
        ),
        bad=(
            (hang("malformed-id", case="nul"),),
            (answer("malformed-id", 404), hang("method", case="BREW")),
            (hang("query"),),
            (hang("large-header"),),
        ),
        silent=(
            (dropped("method"),),
            (hang("unknown-task"), hang("malformed-id")),
            slow("query"),
            (hang("query"), exchange(connected(), head_at=4000.0, ended_at=4100.0)),  # so is every stream
        ),
    ),
    "errors/method-not-allowed": Case(
        good=(
            (method("PUT", 405), method("BREW", 501)),
            (method("BREW", 404),),
            (method("PUT", 200),),  # may mean something
            (method("BREW", 500),),
            (method("PROPFIND", 207),),  # WebDAV
            (method("BREW", 200),),  # a page for whatever is asked
        ),
        bad=(
            (stream("method", connected(), request=Request("BREW", "http://127.0.0.1/stream"), case="BREW"),),
            (method("PROPFIND", 204), stream("method", request=Request("PUT", "http://127.0.0.1/stream"), case="PUT")),
            (stream("method", connected(), request=Request("PUT", "http://127.0.0.1/stream"), case="PUT"),),
        ),
        silent=(
            (hang("method", case="BREW"),),
            (dropped("method", case="BREW"),),
            (healthy(request=Request("PUT", "http://127.0.0.1/")), method("PUT", 200)),
        ),
    ),
    "errors/405-without-allow": Case(
        good=((method("PUT", 405, headers=ALLOW),), (method("PUT", 405, headers={"allow": ""}),)),
        bad=((method("PUT", 405),), (method("PUT", 405, headers=ALLOW), method("BREW", 405))),
        silent=((method("BREW", 501),), (hang("method"),)),
    ),
    "errors/head-hangs": Case(
        good=((answer("head", 200),), (answer("head", 405),), (answer("head", 501),), (answer("head", 503),)),
        bad=((hang("head"),), (answer("head", 500),)),
        silent=((dropped("head"),), (healthy(),), slow("head")),
    ),
    "errors/401-without-challenge": Case(
        good=((answer("no-token", 401, headers={"WWW-Authenticate": 'Bearer realm="x"'}),),),
        bad=((answer("no-token", 401),),),
        silent=((answer("no-token", 403),), (hang("no-token"),), (answer("unknown-task", 401),)),
    ),
}
