"""Streams that answer calls in JSON-RPC, and answers that are none of theirs."""

import json
from typing import Any

from ssegauge.conformance.recording.transcript import Request
from tests.corpus.build import Case, Run, event, exchange

PROGRESS = event({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 1}})
SAMPLING = event({"jsonrpc": "2.0", "id": 99, "method": "sampling/createMessage"})
RESULT = {"content": []}


def response(id: Any = 7, **told: Any) -> bytes:  # noqa: A002 - the member's name
    return event({"jsonrpc": "2.0", "id": id, **told})


def answer(*events: bytes, body: Any = None) -> Run:
    """What answers a call, the one with the id 7 unless there is another body."""
    called = {"jsonrpc": "2.0", "id": 7, "method": "tools/call"} if body is None else body
    request = Request("POST", "http://127.0.0.1/mcp", (), json.dumps(called))
    return (exchange(*events, task_id=None, kind="plain", request=request),)


BATCH = [{"jsonrpc": "2.0", "id": one, "method": "tools/call"} for one in (7, "8")]

CASES = {
    "shape/json-rpc-response": Case(
        good=(
            answer(PROGRESS, SAMPLING, response(result=RESULT)),
            answer(response(error={"code": -32601, "message": "no such tool"})),
            answer(response(result=None)),
            answer(response(None, error={"code": -32700, "message": "no JSON"})),
            answer(response("8", result=RESULT), response(result=RESULT), body=BATCH),
            answer(response(result=RESULT), body={"query": "of something else"}),
        ),
        bad=(
            answer(PROGRESS, response(6, result=RESULT)),
            answer(response("7", result=RESULT)),
            answer(response(8, result=RESULT), body=BATCH),
            answer(response(result=RESULT, error={"code": 1, "message": "both"})),
            answer(response(error=None, result=RESULT)),
            answer(response(error={"code": 1, "message": "no"}, result=None)),
        ),
        silent=(answer(PROGRESS, SAMPLING), answer(event({"id": 6, "result": RESULT})), answer(b"data: 1\n\n")),
    ),
}
