"""Requests for generations that ought to be refused: each costs nothing, unless the server takes it for a good one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ssegauge.conformance.facts import Facts, Role
from ssegauge.conformance.probes.probe import credentials, probe
from ssegauge.conformance.probes.requests import FOREIGN_ORIGIN, GENERATION_PATIENCE_S
from ssegauge.conformance.probes.wrong import wrong_credentials
from ssegauge.conformance.recording.server import Server
from ssegauge.conformance.seen import View
from ssegauge.conformance.target import Call, Target

NO_JSON = '{"model": '
NO_MODEL = "ssegauge-no-such-model"
# Members that limit an answer, and the least that they take: where the model's name is ignored, little is generated.
LIMITS: Mapping[str, int] = {"max_tokens": 1, "max_completion_tokens": 1, "max_output_tokens": 16}


def _asks(target: Target) -> int:
    return 3 + (target.origin is not None) + bool(credentials(target)) + bool(wrong_credentials(target))


@probe("generation", streams=1, asks=6, counts=_asks)
async def refused(server: Server) -> None:
    """Ask for a generation wrongly: with no JSON, for no model that exists, without credentials, with wrong ones.

    The first is asked as a page of another origin too. Once such a request is answered with a stream, that one is left,
    and no more of them are made.
    """
    no_json: dict[str, Any] = {"text": NO_JSON}
    odd: list[tuple[Role, Facts, Call, dict[str, Any]]] = [
        ("bad-request", Facts(case="not-json"), server.target.stream, no_json),
        ("bad-request", Facts(case="unknown-model"), _of_no_model(server.target.stream), {}),
        ("origin", _from(FOREIGN_ORIGIN, "foreign"), server.target.stream, no_json),
    ]
    if server.target.origin:
        odd.append(("origin", _from(server.target.origin, "allowed"), server.target.stream, no_json))
    if without := dict.fromkeys(credentials(server.target)):
        odd.append(("no-token", Facts(), server.target.stream, {"headers": without}))
    if wrong := wrong_credentials(await server.ready()):
        odd.append(("no-token", Facts(case="wrong"), server.target.stream, {"headers": wrong}))
    for role, facts, call, more in odd:
        if await _opens(server, role, facts, call, **more):
            return


def _from(origin: str, case: str) -> Facts:
    return Facts(case=case, origin=origin)


def _of_no_model(stream: Call) -> Call:
    """Return the request for a model that does not exist, and for little of it."""
    if not isinstance(stream.json, dict):
        return stream
    least = {name: LIMITS[name] for name in LIMITS if name in stream.json}
    return replace(stream, json={**stream.json, **least, "model": NO_MODEL})


async def _opens(server: Server, role: Role, facts: Facts, call: Call, **more: Any) -> bool:  # noqa: ANN401
    """Make the request; return whether a stream is what it is answered with."""
    await server.subject()
    name = "-".join(filter(None, (role, facts.case)))
    headers = {"Accept": "text/event-stream", **more.pop("headers", {})}
    if facts.origin:
        headers["Origin"] = facts.origin
    live = server.begin(role, call, facts, name=name, headers=headers, **more)
    await live.until(lambda: live.over or bool(live.events), GENERATION_PATIENCE_S)
    if live.head is None:
        live.on_end("timeout")
    await live.stop()
    return View(live.transcript).is_event_stream
