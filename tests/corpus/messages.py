"""Streams of the Messages API: as its documentation shows them, unusual ones, and ones that break its rules."""

import json
from typing import Any

from ssegauge.conformance.recording.transcript import Request, Transcript
from tests.corpus.build import Case, exchange

Event = tuple[str, dict[str, Any]]
URL = "http://127.0.0.1/v1/messages"


def of(kind: str, **members: Any) -> Event:
    """An event whose name is its type."""
    return kind, {"type": kind, **members}


def start(**changes: Any) -> Event:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "m", "stop_reason": None}
    return of("message_start", message={**message, "usage": {"input_tokens": 25, "output_tokens": 1}, **changes})


def begin(index: int, kind: str = "text", **more: Any) -> Event:
    usual = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}}.get(kind, {})
    return of("content_block_start", index=index, content_block={"type": kind, **usual, **more})


def delta(index: int, kind: str = "text_delta", **said: Any) -> Event:
    return of("content_block_delta", index=index, delta={"type": kind, **said})


def says(index: int, text: str = "word ") -> Event:
    return delta(index, text=text)


def part(index: int, text: str) -> Event:
    return delta(index, "input_json_delta", partial_json=text)


def stop(index: int) -> Event:
    return of("content_block_stop", index=index)


def reason(why: str | None = "end_turn", **usage: Any) -> Event:
    counted = usage or {"output_tokens": 15}
    return of("message_delta", delta={"stop_reason": why, "stop_sequence": None}, usage=counted)


def block(index: int, text: str = "word ") -> tuple[Event, ...]:
    return begin(index), says(index, text), stop(index)


def call(index: int, *parts: str, name: str = "get_weather") -> tuple[Event, ...]:
    fragments = [part(index, one) for one in parts]
    return begin(index, "tool_use", id=f"toolu_{index}", name=name, input={}), *fragments, stop(index)


def twice_by_one_id(*parts: str) -> tuple[Event, ...]:
    again = begin(1, "tool_use", id="toolu_0", name="get_weather", input={})
    return *call(0, *parts), again, *call(1, *parts)[1:]


END = of("message_stop")
PING = of("ping")
OVERLOADED = of("error", error={"type": "overloaded_error", "message": "Overloaded"})
DONE = b"data: [DONE]\n\n"
TEXT = (start(), *block(0), reason(), END)
WEATHER = ("", '{"city"', ': "Paris"}')


CALLS = (start(), *block(0), *call(1, *WEATHER), *call(2, '{"a": 1}', ""), *call(3), reason("tool_use"), END)
THINKING = (
    start(),
    begin(0, "thinking"),
    delta(0, "thinking_delta", thinking="Let me see."),
    delta(0, "signature_delta", signature="EqQB"),
    stop(0),
    *block(1),
    reason(),
    END,
)
# As the documentation shows a search; types that it may add one day; blocks without a delta, and text without any.
SEARCH = (
    start(),
    PING,
    *block(0),
    begin(1, "server_tool_use", id="srvtoolu_1", name="web_search", input={}),
    part(1, '{"query": "weather'),
    PING,
    part(1, ' today"}'),
    stop(1),
    begin(2, "web_search_tool_result", tool_use_id="srvtoolu_1", content=[{"type": "web_search_result"}]),
    stop(2),
    begin(3, citations=[]),
    delta(3, "citations_delta", citation={"type": "web_search_result_location"}),
    says(3),
    stop(3),
    begin(4),
    stop(4),
    begin(5, "redacted_thinking", data="EmwK"),
    stop(5),
    begin(6, "compaction"),
    delta(6, "compaction_delta", content="summary"),
    stop(6),
    of("something_new", index=9, delta={"type": "text_delta"}),
    reason(None, output_tokens=10),
    reason("pause_turn", input_tokens=10_682, output_tokens=510, server_tool_use={"web_search_requests": 1}),
    PING,
    of("message_stop", **{"amazon-bedrock-invocationMetrics": {"inputTokenCount": 1}}),
)
CUT_CALL = (start(), *call(0, '{"city": "Par'), reason("max_tokens"), END)
HEALTHY = {"text": TEXT, "calls": CALLS, "thinking": THINKING, "search": SEARCH, "cut": CUT_CALL}


def written(one: Event | bytes) -> bytes:
    if isinstance(one, bytes):
        return one
    name, data = one
    return (f"event: {name}\n" if name else "").encode() + b"data: " + json.dumps(data).encode() + b"\n\n"


def stream(*events: Event | bytes, body: str | None = None, **more: Any) -> Transcript:
    """An answer, each event in a chunk of its own."""
    facts: dict[str, Any] = {"task_id": None, "kind": "plain", "name": "plain", **more}
    return exchange(*map(written, events), request=Request("POST", URL, body=body), **facts)


def runs(*many: tuple[Event | bytes, ...]) -> tuple[tuple[Transcript], ...]:
    return tuple((stream(*events),) for events in many)


def nameless(one: Event) -> Event:
    return "", one[1]


ALL = tuple(HEALTHY.values())
BROKEN_OFF = (start(), begin(0), says(0))
ERROR = (start(), begin(0), says(0), OVERLOADED)
OTHER = (b'data: {"object": "chat.completion.chunk", "choices": []}\n\n', DONE)
SILENT = runs(OTHER, ())

CASES = {
    "messages/name-differs": Case(
        good=runs(*ALL, ERROR, (*TEXT, ("ping", {}))),
        bad=runs(
            (start(), *map(nameless, block(0)), reason(), END),
            (start(), ("content_block_start", says(0)[1]), END),
            (start(), ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": "a"}}), END),
            (start(), ("message_stop", {})),
        ),
        silent=runs(OTHER, (), (of("something_new"),), (("new", {"type": "newer"}),)),
    ),
    "messages/start-not-first": Case(
        good=runs(*ALL, (PING, *TEXT), (OVERLOADED, *TEXT)),
        bad=runs((*block(0), reason(), END), (begin(0), *TEXT), (PING, says(0)), (END,)),
        silent=runs(OTHER, (), (PING,), (OVERLOADED,), (of("something_new"),)),
    ),
    "messages/start-repeated": Case(
        good=runs(*ALL),
        bad=runs((start(), *TEXT), (*TEXT, *TEXT), (start(), *block(0), start(id="msg_2"), reason(), END)),
        silent=runs(OTHER, (), block(0)),
    ),
    "messages/start-with-content": Case(
        good=runs(*ALL),
        bad=runs((start(content=[{"type": "text", "text": ""}]), *TEXT[1:]), (start(content=[{}, {}]),)),
        silent=runs(OTHER, (), block(0), (start(content="none"),)),
    ),
    "messages/index-out-of-order": Case(
        good=runs(*ALL, BROKEN_OFF, (start(), begin(0), begin(1), says(0), says(1), stop(0), stop(1), reason(), END)),
        bad=runs(
            (start(), *block(1), reason(), END),
            (start(), *block(0), *block(0), reason(), END),
            (start(), *block(0), *block(2), reason(), END),
            (start(), begin(0), says(0), begin(0), says(0), stop(0), reason(), END),
        ),
        silent=runs(OTHER, (), (start(), reason(), END), (start(), of("content_block_start", index="0"))),
    ),
    "messages/delta-outside-block": Case(
        good=runs(*ALL, BROKEN_OFF),
        bad=runs(
            (start(), says(0), stop(0), reason(), END),
            (start(), *block(0), says(0), reason(), END),
            (start(), begin(0), says(1), stop(0), reason(), END),
            (start(), *block(0), stop(0), reason(), END),
        ),
        silent=runs(OTHER, (), (start(), reason(), END), (start(), of("content_block_delta", index=None), END)),
    ),
    "messages/block-not-stopped": Case(
        good=runs(*ALL),
        bad=runs(
            (start(), begin(0), says(0), reason(), END),
            (start(), begin(0), says(0), reason(), stop(0), END),
            (start(), begin(0), says(0), *block(1), reason(), END),
            (start(), begin(0), says(0), begin(0), says(0), stop(0), reason(), END),
        ),
        silent=runs(OTHER, (), BROKEN_OFF, ERROR, (start(), reason(), END)),
    ),
    "messages/delta-of-another-kind": Case(
        good=runs(*ALL, BROKEN_OFF),
        bad=runs(
            (start(), begin(0), part(0, "{}"), stop(0), reason(), END),
            (start(), begin(0, "tool_use", id="t", name="n", input={}), says(0), stop(0), reason(), END),
            (start(), begin(0, "thinking"), says(0), stop(0), reason(), END),
            (start(), begin(0), delta(0, "thinking_delta", thinking="hm"), stop(0), reason(), END),
        ),
        silent=runs(
            OTHER,
            (),
            (start(), begin(0, "new"), says(0), stop(0), reason(), END),
            (start(), begin(0), delta(0, "new_delta", text="a"), stop(0), reason(), END),
            (start(), begin(0, "tool_use", id="t", name="n"), delta(0, "signature_delta", signature="a"), stop(0)),
        ),
    ),
    "messages/thinking-unsigned": Case(
        good=runs(THINKING, (start(), begin(0, "thinking", signature="EqQB"), stop(0), *block(1), reason(), END)),
        bad=runs(
            (start(), begin(0, "thinking"), delta(0, "thinking_delta", thinking="hm"), stop(0), *block(1), END),
            (start(), begin(0, "thinking"), delta(0, "signature_delta", signature=""), stop(0), *block(1), END),
        ),
        silent=runs(OTHER, (), TEXT, CALLS, (start(), begin(0, "thinking"), delta(0, "thinking_delta", thinking="a"))),
    ),
    "messages/tool-input-not-json": Case(
        good=runs(CALLS, SEARCH),
        bad=runs(
            (start(), *call(0, '{"city"', '"Paris"}'), reason("tool_use"), END),
            (start(), *call(0, '{"city": "Par'), reason("tool_use"), END),
            (start(), *call(0, '{"city": "Paris"}', '{"city": "Paris"}'), reason("tool_use"), END),
            (start(), *call(0, '"Paris"'), reason("tool_use"), END),
        ),
        silent=(
            *runs(OTHER, (), TEXT, CUT_CALL, (start(), *call(0), reason("tool_use"), END), BROKEN_OFF),
            (
                stream(
                    *(start(), *call(0, '{"city": "Par'), reason("tool_use"), END),
                    body='{"tools": [{"name": "get_weather", "eager_input_streaming": true}]}',
                ),
            ),
        ),
    ),
    "messages/tool-id-repeated": Case(
        good=runs(CALLS, (start(), *call(0, "{}"), reason("tool_use"), END)),
        bad=runs((start(), *twice_by_one_id("{}"), reason("tool_use"), END)),
        silent=runs(OTHER, (), TEXT),
    ),
    "messages/tool-use-without-call": Case(
        good=runs(CALLS, (start(), *call(0, "{}"), reason("tool_use"), END)),
        bad=runs(
            (start(), *block(0), reason("tool_use"), END),
            (start(), reason("tool_use"), END),
            (start(), *call(0, "{}"), reason("end_turn"), END),  # advice
        ),
        silent=runs(OTHER, (), TEXT, SEARCH, CUT_CALL, (start(), *block(0), reason("tool_use"))),
    ),
    "messages/stop-reason-missing": Case(
        good=runs(*ALL),
        bad=runs((start(), *block(0), END), (start(), *block(0), reason(None), END)),
        silent=runs(OTHER, (), BROKEN_OFF, ERROR, (*ERROR, END)),
    ),
    "messages/stop-reason-unknown": Case(
        good=runs(*ALL),
        bad=runs((start(), *block(0), reason("stop"), END), (start(), *block(0), reason("length"))),
        silent=runs(OTHER, (), BROKEN_OFF, (start(), *block(0), reason(None), END)),
    ),
    "messages/usage-missing": Case(
        good=runs(*ALL, (start(), *block(0), reason(None, output_tokens=2), reason(input_tokens=1), END)),
        bad=runs(
            (start(), *block(0), of("message_delta", delta={"stop_reason": "end_turn"}), END),
            (start(), *block(0), reason(input_tokens=4), END),
            (start(), *block(0), reason(output_tokens="4"), END),
        ),
        silent=runs(OTHER, (), BROKEN_OFF, ERROR, (start(), *block(0), END)),
    ),
    "messages/usage-falls": Case(
        good=runs(SEARCH, (start(), *block(0), reason(None, output_tokens=4), reason(output_tokens=4), END)),
        bad=runs(
            (start(), *block(0), reason(None, output_tokens=40), reason(output_tokens=7), END),
            (start(), *block(0), reason(None, input_tokens=40), reason(input_tokens=7, output_tokens=9), END),
        ),
        silent=runs(OTHER, (), TEXT, (start(usage={"output_tokens": 99}), *TEXT[1:])),
    ),
    "messages/done-marker": Case(
        good=runs(*ALL),
        bad=runs((*TEXT, DONE), (*ERROR, DONE), (*TEXT, b"event: data\ndata: [DONE]\n\n"), OTHER),
        silent=runs((), BROKEN_OFF, ERROR),
    ),
    "messages/error-shape": Case(
        good=runs(ERROR, (OVERLOADED,)),
        bad=runs(
            (start(), of("error", message="Overloaded")),
            (start(), of("error", error="Overloaded")),
            (start(), of("error", error={"message": "Overloaded"})),
            (start(), b"event: error\ndata: Overloaded\n\n"),
        ),
        silent=runs(OTHER, (), TEXT),
    ),
    "messages/goes-on-after-error": Case(
        good=runs(ERROR, (*ERROR, PING), (*ERROR, DONE)),
        bad=runs((*ERROR, says(0)), (*ERROR, stop(0), reason(), END), (*ERROR, OVERLOADED)),
        silent=(*runs(OTHER, (), TEXT), (stream(*ERROR, how="cut"),)),
    ),
}
