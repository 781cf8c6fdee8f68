"""Answers of chat completions that are right and that are not, each whole apart from that."""

import json
from collections.abc import Mapping
from typing import Any

from ssegauge.conformance.recording.transcript import Request
from tests.corpus.build import Case, Run, exchange

DONE = b"data: [DONE]\n\n"
SAME = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1760000000, "model": "small"}
USAGE = {"prompt_tokens": 9, "completion_tokens": 20, "total_tokens": 29}
BODY = {"model": "small", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
ERROR = {"error": {"message": "The server had an error.", "type": "server_error", "param": None, "code": None}}


def data(value: Any, kind: str = "") -> bytes:
    """An event with a JSON value."""
    return (f"event: {kind}\n" if kind else "").encode() + b"data: " + json.dumps(value).encode() + b"\n\n"


def says(delta: Any, finish: str | None = None, index: int | None = 0, **more: Any) -> bytes:
    """A chunk that adds to a choice, or ends it."""
    numbered = {} if index is None else {"index": index}
    return data({**SAME, "choices": [{**numbered, "delta": delta, "finish_reason": finish}], **more})


def text(*words: str, index: int = 0) -> tuple[bytes, ...]:
    return tuple(says({"content": word}, index=index) for word in words)


def call(index: int | None = 0, **members: Any) -> bytes:
    """A chunk with a fragment of a call; ``arguments`` and ``name`` are the function's."""
    function = {name: members.pop(name) for name in ("name", "arguments") if name in members}
    numbered = {} if index is None else {"index": index}
    return says({"tool_calls": [{**numbered, **members, "function": function}]})


def used(choices: Any = (), **counts: Any) -> bytes:
    return data({**SAME, "choices": list(choices), "usage": {**USAGE, **counts}})


ROLE = says({"role": "assistant", "content": ""})
STOP = says({}, "stop")
CALLED = says({}, "tool_calls")
# What vendors do, as it is known of them; none of it is more than advice.
AZURE = data({**dict.fromkeys(SAME, ""), "created": 0, "choices": [], "prompt_filter_results": [{"prompt_index": 0}]})
FILTERED = data({**SAME, "choices": [{"index": 0, "finish_reason": None, "content_filter_offsets": {}}]})
THOUGHT = says({"role": "assistant", "content": None, "reasoning_content": "Hm."})
LAST_OF_OPENROUTER = used([{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}])


def answer(*chunks: bytes, body: Mapping[str, Any] = BODY, end: bytes = DONE, **more: Any) -> Run:
    """A whole answer, as a run."""
    request = Request("POST", "http://127.0.0.1/v1/chat/completions", (), json.dumps(body))
    return (exchange(*chunks, end, **{"task_id": None, "kind": "plain", "request": request, **more}),)


def whole(*chunks: bytes, **more: Any) -> Run:
    """An answer with its role, its end and what is between."""
    return answer(ROLE, *(chunks or text("Hi", " there")), STOP, **more)


def calls(*fragments: bytes, **more: Any) -> Run:
    return answer(says({"role": "assistant", "content": None}), *fragments, CALLED, **more)


def cut(*chunks: bytes) -> Run:
    """An answer that we left."""
    return answer(*chunks, end=b": still there\n\n", how="cut")


def refusal(status: int, body: str, role: Any = "bad-request", **more: Any) -> Run:
    kind = "application/json" if body.startswith("{") else "text/html"
    case = {} if role in {"no-token", "stream"} else {"case": "not-json"}
    headers = {"Content-Type": kind, **more.pop("headers", {})}
    return (exchange(body.encode(), role=role, status=status, headers=headers, **{**case, **more}),)


ASKS = {**BODY, "stream_options": {"include_usage": True}}
WHOLE = whole()
CALL = (call(id="call_1", type="function", name="look", arguments=""), call(arguments='{"a"'), call(arguments=": 1}"))
TWO = {**BODY, "n": 2}
BOTH = answer(ROLE, says({"role": "assistant"}, index=1), STOP, says({}, "stop", 1), body=TWO)
NOTHING: Run = (exchange(b": hello\n\n", how="cut", task_id=None, kind="plain"),)
OF_VENDORS = (
    answer(AZURE, ROLE, *text("Hi"), FILTERED, STOP),
    answer(THOUGHT, says({"content": "Hi"}), STOP),
    whole(*text("Hi"), end=LAST_OF_OPENROUTER + DONE),
    whole(*text("Hi"), end=data({**SAME, "choices": None, "usage": USAGE}) + DONE),
)
REFUSED = '{"error": {"message": "The body is wrong.", "type": "invalid_request_error", "param": null, "code": null}}'
WORDS = ("Three", " rivers", " of", " Europe", " are", " the", " Danube", ", the", " Rhine")

CASES = {
    "chat/object-wrong": Case(
        good=(WHOLE, *OF_VENDORS),
        bad=(whole(says({"content": "Hi"}, object="chat.completion")), whole(says({"content": "Hi"}, object=None))),
        silent=(NOTHING, answer(AZURE), answer(data(ERROR))),
    ),
    "chat/id-changes": Case(
        good=(WHOLE, *OF_VENDORS, whole(says({"content": "Hi"}, id=""))),
        bad=(
            whole(says({"content": "Hi"}, id="chatcmpl-2")),
            (*whole(says({"content": "Hi"}, id="chatcmpl-2")), *answer(says({"content": "Ho"}, id="chatcmpl-2"), STOP)),
            whole(end=used().replace(b"chatcmpl-1", b"x") + DONE),
        ),
        silent=(NOTHING, answer(ROLE)),
    ),
    "chat/created-changes": Case(
        good=(WHOLE, *OF_VENDORS), bad=(whole(says({"content": "Hi"}, created=1760000001)),), silent=(NOTHING,)
    ),
    "chat/model-changes": Case(
        good=(WHOLE, *OF_VENDORS), bad=(whole(says({"content": "Hi"}, model="large")),), silent=(NOTHING,)
    ),
    "chat/named-event": Case(
        good=(WHOLE, *OF_VENDORS, answer(ROLE, data(ERROR, "error"))),
        bad=(whole(b"event: chunk\n" + STOP),),
        silent=(NOTHING, answer(data(ERROR, "error"))),
    ),
    "chat/message-for-delta": Case(
        good=(WHOLE, *OF_VENDORS),
        bad=(
            answer(data({**SAME, "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}}]})),
            answer(data({**SAME, "choices": [{"index": 0, "text": "Hi"}]})),
            answer(
                ROLE, *text("Hi"), data({**SAME, "choices": [{"index": 0, "delta": None, "finish_reason": "stop"}]})
            ),
        ),
        silent=(NOTHING, answer(AZURE, FILTERED)),
    ),
    "chat/role-missing": Case(
        good=(
            *(WHOLE, *OF_VENDORS, calls(*CALL)),
            BOTH,
            answer(says({"role": "assistant", "content": "Hi"}), STOP),
        ),
        bad=(answer(*text("Hi"), STOP), answer(*text("Hi"), ROLE, STOP), answer(ROLE, *text("Hi", index=1), STOP)),
        silent=(NOTHING, cut(*text("Hi")), answer(STOP)),
    ),
    "chat/role-wrong": Case(
        good=(WHOLE, whole(says({"role": "assistant", "content": "Hi"}))),
        bad=(whole(says({"role": "user", "content": "Hi"})), whole(says({"role": 7}))),
        silent=(NOTHING, answer(*text("Hi"), STOP)),
    ),
    "chat/index-wrong": Case(
        good=(WHOLE, *OF_VENDORS, answer(ROLE, says({"content": "Hi"}, index=1), body=TWO)),
        bad=(
            whole(says({"content": "Hi"}, index=None)),
            whole(says({"content": "Hi"}, index=1)),
            whole(says({"content": "Hi"}, index=2), body=TWO),
        ),
        silent=(NOTHING,),
    ),
    "chat/text-repeated": Case(
        good=(
            *(WHOLE, whole(*text("a", "ab", "abc", "x")), whole(*text("ha", "ha", "ha", "ha", "ha"))),
            whole(*text("la", "la", "li", "li", "lo", "lo")),
            answer(*(says({"role": "assistant", "content": one}) for one in ("a", "b", "c", "a", "b", "c")), STOP),
            answer(ROLE, *text("a", "b", "c", "d"), ROLE, *text("a", "b", "c", "d"), STOP),  # a refrain
            whole(*text(*WORDS, *WORDS, *WORDS[:5])),  # round and round
            whole(*text(*WORDS, ".", *WORDS, ".", " and", " so", " on")),
        ),
        bad=(
            whole(*text("Hi", "Hi there", "Hi there, you", "Hi there, you.")),
            whole(*(one for one in text("Hi", " there", ", who", " are", " you?") for _ in (1, 2))),
            whole(*text(*WORDS, *WORDS, " and", " so", " on", ".")),
            answer(ROLE, *text("Hi", " there", ", who"), ROLE, *text("Hi", " there", ", who", " are you?"), STOP),
        ),
        silent=(NOTHING, whole(*text("Hi"))),
    ),
    "chat/half-characters": Case(
        good=(WHOLE, whole(*text("\U0001f600"))),
        bad=(whole(*text("\ud83d", "\ude00")), calls(call(id="call_1", name="look", arguments='{"a": "\ud83d'))),
        silent=(NOTHING, answer(STOP)),
    ),
    "chat/empty-answer": Case(
        good=(WHOLE, *OF_VENDORS, calls(*CALL), whole(says({"refusal": "No."}))),
        bad=(answer(ROLE, STOP), answer(STOP), whole(*text("", ""))),
        silent=(NOTHING, cut(ROLE), answer(ROLE, says({}, "content_filter")), answer(ROLE, says({}, "length"))),
    ),
    "chat/finish-missing": Case(
        good=(WHOLE, *OF_VENDORS, whole(end=b""), calls(*CALL), answer(ROLE, says({"content": "Hi"}, "length"))),
        bad=(answer(ROLE, *text("Hi")), answer(ROLE, says({}, "", 0)), answer(ROLE, *text("Hi"), end=b": bye\n\n")),
        silent=(NOTHING, cut(ROLE, *text("Hi")), answer(ROLE, data(ERROR)), answer(AZURE)),
    ),
    "chat/finish-repeated": Case(
        good=(
            WHOLE,
            *OF_VENDORS,
            answer(ROLE, STOP, says({"role": "assistant"}, index=1), says({}, "stop", 1), body=TWO),
        ),
        bad=(
            answer(ROLE, says({"content": "Hi"}, "stop"), says({"content": " you"}, "stop")),
            whole(says({}, "length")),
            whole(end=STOP + DONE),
        ),
        silent=(NOTHING, answer(ROLE, *text("Hi"))),
    ),
    "chat/finish-unknown": Case(
        good=(WHOLE, *OF_VENDORS, calls(*CALL)),
        bad=(
            answer(ROLE, says({}, "end_turn")),
            answer(ROLE, says({}, "STOP")),
            answer(ROLE, says({}, "model_length")),
        ),
        silent=(NOTHING, answer(ROLE, *text("Hi"))),
    ),
    "chat/goes-on-after-finish": Case(
        good=(WHOLE, *OF_VENDORS, whole(end=STOP + DONE), whole(end=used() + DONE)),
        bad=(answer(ROLE, STOP, *text("Hi")), answer(ROLE, CALLED, *CALL)),
        silent=(NOTHING, answer(ROLE, *text("Hi"))),
    ),
    "chat/finish-contradicts": Case(
        good=(WHOLE, *OF_VENDORS, calls(*CALL)),
        bad=(whole(says({}, "tool_calls")), answer(ROLE, *CALL, STOP)),
        silent=(NOTHING, answer(ROLE, *text("Hi"))),
    ),
    "chat/tool-without-name": Case(
        good=(
            *(calls(*CALL), calls(call(id="call_1", name="look", arguments="{}"))),
            calls(*CALL, call(1, id="call_2", name="look", arguments="{}")),
            calls(call(0, id="call_1", name="look"), call(0, id="call_2", name="find")),  # as Gemini numbers them
        ),
        bad=(calls(*CALL[1:]), calls(call(id="call_1", arguments="{}")), calls(call(name="look", arguments="{}"))),
        silent=(NOTHING, WHOLE),
    ),
    "chat/tool-without-index": Case(
        good=(calls(*CALL),),
        bad=(calls(call(None, id="call_1", name="look", arguments="{}")),),
        silent=(NOTHING, WHOLE),
    ),
    "chat/tool-said-twice": Case(
        good=(calls(*CALL), calls(call(id="call_1", name="look"), call(name="", arguments="{}"))),
        bad=(
            calls(CALL[0], call(name="look", arguments="{}")),
            calls(CALL[0], call(id="call_1", arguments="{}")),
            calls(call(0, id="a", name="look", arguments="{}"), call(1, id="a", name="find", arguments="{}")),
        ),
        silent=(NOTHING, WHOLE, calls(call(id="call_1", name="look", arguments="{}"))),
    ),
    "chat/tool-arguments-broken": Case(
        good=(
            *(calls(*CALL), calls(call(id="call_1", name="look"))),
            calls(CALL[0], call(1, id="call_2", name="find"), *CALL[1:], call(1, arguments="{}")),
            calls(call(0, id="a", name="look", arguments="{}"), call(0, id="b", name="find", arguments="{}")),
        ),
        bad=(
            *(calls(*CALL[:-1]), calls(CALL[0], *CALL[2:]), calls(CALL[0], call(arguments="[DONE]"))),
            calls(CALL[0], call(arguments=json.dumps('{"a": 1}'))),  # encoded twice
        ),
        silent=(NOTHING, WHOLE, cut(ROLE, *CALL[:2]), answer(ROLE, *CALL[:2], says({}, "length"))),
    ),
    "chat/usage-missing": Case(
        good=(whole(end=used() + DONE, body=ASKS), whole(*text("Hi"), end=LAST_OF_OPENROUTER + DONE, body=ASKS)),
        bad=(whole(body=ASKS),),
        silent=(NOTHING, WHOLE, cut(ROLE), answer(ROLE, data(ERROR), body=ASKS), answer(ROLE, body=ASKS)),
    ),
    "chat/usage-wrong": Case(
        good=(
            whole(end=used() + DONE),
            *OF_VENDORS[2:],
            whole(used(completion_tokens=1, total_tokens=10), end=used() + DONE),
        ),
        bad=(
            whole(end=used(total_tokens=20) + DONE),
            whole(end=used(total_tokens=99) + DONE),
            whole(end=used(completion_tokens=-1) + DONE),
            whole(end=used(completion_tokens=0, total_tokens=9) + DONE),
            whole(end=used(prompt_tokens=None) + DONE),
            whole(end=data({**SAME, "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 20}}) + DONE),
        ),
        silent=(NOTHING, WHOLE),
    ),
    "chat/usage-misplaced": Case(
        good=(whole(end=used() + DONE), OF_VENDORS[3]),
        bad=(whole(used(), *text("Hi")), answer(ROLE, *text("Hi"), says({}, "stop", usage=USAGE)), OF_VENDORS[2]),
        silent=(NOTHING, WHOLE, answer(ROLE, used())),
    ),
    "chat/error-told": Case(
        good=(WHOLE, *OF_VENDORS),
        bad=(answer(ROLE, *text("Hi"), data(ERROR)), answer(data({"error": "overloaded"}, "error"))),
        silent=(NOTHING, cut(ROLE)),
    ),
    "chat/error-without-message": Case(
        good=(answer(ROLE, data(ERROR)), answer(data({**SAME, "choices": [], **ERROR}))),
        bad=(answer(ROLE, data({"error": "overloaded"})), answer(ROLE, data({"error": {"code": 500, "message": ""}}))),
        silent=(NOTHING, WHOLE),
    ),
    "chat/goes-on-after-error": Case(
        good=(answer(ROLE, data(ERROR)), answer(ROLE, data(ERROR), end=b": bye\n\n")),
        bad=(answer(ROLE, data(ERROR), *text("Hi")),),
        silent=(NOTHING, WHOLE),
    ),
    "chat/refusal-not-json": Case(
        good=(refusal(400, REFUSED), refusal(401, REFUSED, "no-token")),
        bad=(
            *(refusal(400, "<html>no</html>"), refusal(404, ""), refusal(401, "{}", "no-token")),
            *(refusal(422, '{"detail": "no"}'), refusal(400, '{"error": "no"}')),
        ),
        silent=(NOTHING, WHOLE, refusal(500, "no"), refusal(200, "{}")),
    ),
    "chat/refusal-5xx": Case(
        good=(refusal(400, REFUSED), refusal(200, "{}")),
        bad=(refusal(500, REFUSED), refusal(502, "<html>")),
        silent=(NOTHING, WHOLE, refusal(503, REFUSED), refusal(429, REFUSED)),
    ),
    "chat/no-json-accepted": Case(
        good=(refusal(400, REFUSED), refusal(500, "no")),
        bad=(refusal(200, "data: {}\n\n"),),
        silent=(NOTHING, WHOLE, refusal(429, REFUSED), refusal(200, "{}", case="unknown-model")),
    ),
    "chat/retry-after-missing": Case(
        good=(
            refusal(429, REFUSED, headers={"Retry-After": "2"}),
            refusal(429, REFUSED, "stream", headers={"Retry-After": "2"}),
        ),
        bad=(refusal(429, REFUSED), refusal(429, REFUSED, "stream")),
        silent=(NOTHING, WHOLE, refusal(400, REFUSED)),
    ),
}
