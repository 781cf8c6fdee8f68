"""Streams of the Responses API: as its reference shows them, and unusual ones; and how to spoil them."""

import json
from typing import Any

from ssegauge.conformance.recording.transcript import Request, Transcript
from tests.corpus.build import exchange

Event = dict[str, Any]
URL = "http://127.0.0.1/v1/responses"
USAGE = {"input_tokens": 9, "output_tokens": 12, "total_tokens": 21}
DONE = b"data: [DONE]\n\n"


def of(kind: str, **members: Any) -> Event:
    return {"type": kind, **members}


def life(kind: str, status: str, **changes: Any) -> Event:
    response = {"id": "resp_1", "object": "response", "status": status, "error": None, "output": [], "usage": None}
    return of(f"response.{kind}", response={**response, **changes})


def added(index: int, kind: str = "message", **more: Any) -> Event:
    return of("response.output_item.added", output_index=index, item={**item(index, kind), **more})


def item(index: int, kind: str = "message", **more: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {"message": {"role": "assistant", "content": []}, "reasoning": {"summary": []}}.get(
        kind, {}
    )
    if kind == "function_call":
        usual = {"call_id": f"call_{index}", "name": "get_weather", "arguments": ""}
    return {"id": f"id_{index}", "type": kind, "status": "in_progress", **usual, **more}


def finished(index: int, kind: str = "message", **more: Any) -> Event:
    return of(
        "response.output_item.done", output_index=index, item={**item(index, kind), "status": "completed", **more}
    )


def at(index: int, place: int = 0, **more: Any) -> dict[str, Any]:
    return {"item_id": f"id_{index}", "output_index": index, "content_index": place, **more}


def part(what: str, index: int, text: str = "", place: int = 0, kind: str = "output_text") -> Event:
    key = "refusal" if kind == "refusal" else "text"
    return of(f"response.content_part.{what}", part={"type": kind, key: text}, **at(index, place))


def says(index: int, delta: str, place: int = 0, kind: str = "output_text") -> Event:
    return of(f"response.{kind}.delta", delta=delta, **at(index, place))


def said(index: int, text: str, place: int = 0, kind: str = "output_text") -> Event:
    key = {"refusal": "refusal"}.get(kind, "text")
    return of(f"response.{kind}.done", **{key: text}, **at(index, place))


def content(text: str, kind: str = "output_text") -> dict[str, Any]:
    return {"type": kind, "refusal" if kind == "refusal" else "text": text}


def message(index: int, *deltas: str, kind: str = "output_text") -> tuple[Event, ...]:
    text = "".join(deltas)
    return (
        added(index),
        part("added", index, kind=kind),
        *(says(index, one, kind=kind) for one in deltas),
        said(index, text, kind=kind),
        part("done", index, text, kind=kind),
        finished(index, content=[content(text, kind)]),
    )


def argument(index: int, delta: str) -> Event:
    return of("response.function_call_arguments.delta", item_id=f"id_{index}", output_index=index, delta=delta)


def arguments(index: int, text: str) -> Event:
    return of("response.function_call_arguments.done", item_id=f"id_{index}", output_index=index, arguments=text)


def call(index: int, *deltas: str) -> tuple[Event, ...]:
    text = "".join(deltas)
    return (
        added(index, "function_call"),
        *(argument(index, one) for one in deltas),
        arguments(index, text),
        finished(index, "function_call", arguments=text),
    )


def summary(index: int, *deltas: str) -> tuple[Event, ...]:
    where = {"item_id": f"id_{index}", "output_index": index, "summary_index": 0}
    text = "".join(deltas)
    return (
        added(index, "reasoning"),
        of("response.reasoning_summary_part.added", part={"type": "summary_text", "text": ""}, **where),
        *(of("response.reasoning_summary_text.delta", delta=one, **where) for one in deltas),
        of("response.reasoning_summary_text.done", text=text, **where),
        of("response.reasoning_summary_part.done", part={"type": "summary_text", "text": text}, **where),
        finished(index, "reasoning", summary=[{"type": "summary_text", "text": text}]),
    )


START = (life("created", "in_progress"), life("in_progress", "in_progress"))
HELLO = ("Hel", "lo ", "Köln")


def end(*events: Event, **changes: Any) -> tuple[Event, ...]:
    """A whole response: its beginning, these events, and a final response with what they did."""
    output = [one["item"] for one in events if one["type"] == "response.output_item.done"]
    return (*START, *events, life("completed", "completed", **{"output": output, "usage": USAGE, **changes}))


TEXT = end(*message(0, *HELLO))
CALLS = end(*message(0, *HELLO), *call(1, '{"city"', ': "Paris"}'), *call(2, "{}"))
REFUSAL = end(*message(0, "I can", "not.", kind="refusal"))
# A search, reasoning, an empty text, types that may be added one day, an index that was left out.
SEARCH = (
    life("created", "queued", background=True),
    life("queued", "queued"),
    life("in_progress", "in_progress"),
    *summary(0, "**Looking** ", "for it"),
    added(1, "web_search_call"),
    of("response.web_search_call.in_progress", item_id="id_1", output_index=1),
    of("response.web_search_call.completed", item_id="id_1", output_index=1),
    finished(1, "web_search_call", action={"type": "search", "query": "x"}),
    of("response.output_item.added", output_index=2, item=None),
    *message(3),
    added(4),
    part("added", 4),
    says(4, "a", 0),
    of("response.output_text.annotation.added", annotation={"type": "url_citation"}, annotation_index=0, **at(4)),
    said(4, "a", 0),
    part("done", 4, "a"),
    part("added", 4, place=1),
    says(4, "b", 1),
    said(4, "b", 1),
    part("done", 4, "b", 1),
    finished(4, content=[content("a"), content("b")]),
    of("acme:something_new", output_index=9, delta={"x": 1}),
    life(
        "completed", "completed", output=[item(3, content=[content("")]), item(4, content=[content("ab")])], usage=USAGE
    ),
)
CUT = (
    *START,
    added(0),
    part("added", 0),
    says(0, "Hel"),
    said(0, "Hel"),
    part("done", 0, "Hel"),
    finished(0, content=[content("Hel")]),
    life("incomplete", "incomplete", incomplete_details={"reason": "max_output_tokens"}, usage=USAGE),
)
FAILED = (
    *START,
    added(0),
    part("added", 0),
    says(0, "Hel"),
    of("error", error={"code": "server_error", "message": "The server had an error."}),
    life("failed", "failed", error={"code": "server_error", "message": "The server had an error."}),
)
BROKEN_OFF = FAILED[:5]
ERROR = (*BROKEN_OFF, of("error", code="server_error", message="The server had an error.", param=None))
HEALTHY = {"text": TEXT, "calls": CALLS, "refusal": REFUSAL, "search": SEARCH, "cut": CUT, "failed": FAILED}
ALL = tuple(HEALTHY.values())


def written(one: Event | bytes, number: int) -> bytes:
    if isinstance(one, bytes):
        return one
    data = {"type": one["type"], "sequence_number": number, **one}
    name = data.pop("name", data["type"])
    data = {key: value for key, value in data.items() if value != "missing"}
    return (f"event: {name}\n" if name else "").encode() + b"data: " + json.dumps(data).encode() + b"\n\n"


def stream(*events: Event | bytes, first: int = 0, url: str = URL, **more: Any) -> Transcript:
    """An answer, each event in a chunk of its own, numbered as they come."""
    facts: dict[str, Any] = {"task_id": None, "kind": "plain", "name": "plain", **more}
    chunks = [written(one, number) for number, one in enumerate(events, first)]
    return exchange(*chunks, request=Request("POST", url), **facts)


def runs(*many: tuple[Event | bytes, ...]) -> tuple[tuple[Transcript], ...]:
    return tuple((stream(*events),) for events in many)


def but(events: tuple[Event, ...], at: int, **changes: Any) -> tuple[Event, ...]:
    """The events, one of them changed."""
    return (*events[:at], {**events[at], **changes}, *events[at + 1 :])


def without(events: tuple[Event, ...], *kinds: str) -> tuple[Event, ...]:
    return tuple(one for one in events if one["type"] not in {f"response.{kind}" for kind in kinds})


def done_with(status: str = "completed", **changes: Any) -> tuple[Event, ...]:
    return (*TEXT[:-1], life("completed", status, **{"output": [item(0, content=[content("Hello Köln")])], **changes}))


OBJECT = of("response.mcp_call_arguments.delta", delta={"a": 1}, **at(0))
OTHER = (b'data: {"object": "chat.completion.chunk", "choices": []}\n\n', DONE)
SILENT = runs(OTHER, ())
RESUMED = ((stream(*TEXT[5:], first=5, url=f"{URL}/resp_1?stream=true&starting_after=4"),),)
CAPTURED = ((stream(*TEXT[5:], first=5, capture=True),),)
