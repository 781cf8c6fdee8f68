"""The rule on answers in JSON-RPC; its code is of the group ``shape``."""

from collections.abc import Iterator, Mapping
from typing import Any

from ssegauge.conformance.jsontext import read_json
from ssegauge.conformance.rules.reading.spoiled import SPOILED
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Message, View
from ssegauge.conformance.words import shown

MEMBERS = ("result", "error")


@rule("shape/json-rpc-response", "must", profile("E1.12"), over="streams", rests_on=SPOILED)
def json_rpc_response(view: View) -> Iterator[Mark]:
    """A response in JSON-RPC has the id of the request that the stream answers, and either a result or an error.

    Why: Clients look up by its id who waits for a response: one with another id resolves nothing, or another's call.
    What is both a result and an error is neither to strict clients, and to others what they look at first; strict ones
    take a member that is null for one that is there.

    Mend: Keep a request's id with the request, not in a field that calls share, and send it back as it came: a number
    stays a number. Leave the member out that does not apply.

    Example: data: {"jsonrpc": "2.0", "id": 6, "result": {}}, on the stream that answers the request with the id 7
    """
    asked = _ids_asked(view)
    for message in view.messages if view.facts.situation != "canary" else ():
        if not _is_response(message):
            continue
        identity, told = message.fields.get("id"), [name for name in MEMBERS if message.fields.get(name) is not None]
        empty = [name for name in MEMBERS if name in message.fields and name not in told]
        if len(told) > 1:
            yield view.bad("a response with a result and an error", message)
        elif told and empty:
            both = f"a response with {' and '.join(told)}, and beside it {' and '.join(empty)}, which is null"
            yield view.bad(both, message, "should")
        elif asked and identity is not None and not _is_among(identity, asked):
            yield view.bad(f"a response with the id {shown(identity)}, where {shown(asked[0])} was asked", message)
        else:
            yield view.good()


def _is_response(message: Message) -> bool:
    """Whether it answers a request: requests and notifications have a method."""
    fields = message.fields
    return fields.get("jsonrpc") == "2.0" and "method" not in fields and any(name in fields for name in MEMBERS)


def _ids_asked(view: View) -> list[Any]:
    """Return the ids of the requests, of which there may be several, in the body that the stream answers."""
    try:
        body = read_json(view.transcript.request.body or "")
    except ValueError:
        return []
    calls = body if isinstance(body, list) else [body]
    return [call["id"] for call in calls if _is_call(call)]


def _is_call(call: object) -> bool:
    return isinstance(call, Mapping) and call.get("jsonrpc") == "2.0" and call.get("id") is not None


def _is_among(identity: object, asked: list[Any]) -> bool:
    """Whether it is one of them, and of its type: clients keep calls by the very id."""
    return any(identity == one and isinstance(identity, str) == isinstance(one, str) for one in asked)
