"""Requests as pages of other origins make them: one that is allowed, one that is not, and some that look alike."""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.probes.probe import probe
from ssegauge.conformance.probes.requests import FOREIGN_ORIGIN, ask, some_task
from ssegauge.conformance.recording.server import Server
from ssegauge.conformance.recording.transcript import Head
from ssegauge.conformance.target import Target

ALIKE = 5  # at most
EVIL = ".evil.example"
SIBLING = "ssegauge"


def _origins(target: Target) -> int:
    return (3 if target.origin else 1) + ALIKE


@probe("cheap", streams=1, asks=3 + ALIKE, counts=_origins)
async def origins(server: Server) -> None:
    """Ask as a page of another origin, one that is allowed and one that is not; and preflight a reconnect.

    Where an origin is let in alone, ask as some that only look like it, too.
    """
    task, origin = await some_task(server), server.target.origin
    foreign = await _from_origin(server, task, "foreign", FOREIGN_ORIGIN)
    if origin:
        await _from_origin(server, task, "allowed", origin)
        asked = {
            "Origin": origin,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "last-event-id",
        }
        call = replace(server.target.stream, method="OPTIONS", json=None)
        await ask(server, "preflight", replace(task, origin=origin), call, headers=asked)
    alone = origin or _lets_in_with_credentials(foreign)
    if alone and _named(foreign) not in {FOREIGN_ORIGIN, "*"}:
        await _look_alikes(server, task, alone)


async def _look_alikes(server: Server, task: Facts, allowed: str) -> None:
    """Ask as origins that are not the allowed one; where a beginning of it may be changed, see how much may be."""
    for case, origin in look_alikes(allowed).items():
        head = await _from_origin(server, task, case, origin)
        domain = urlsplit(allowed).netloc.partition(".")[2]
        if case == "prefix" and _named(head) == origin and "." in domain:
            sibling = _of(allowed, f"{SIBLING}.{domain}")
            if _named(await _from_origin(server, task, "sibling", sibling)) == sibling:  # all of a domain, then
                await _from_origin(server, task, case, _of(allowed, f"not{domain}"))


def look_alikes(allowed: str) -> Mapping[str, str]:
    """Return origins that look like the allowed one to who compares its end or its beginning alone, and `null`."""
    parts = urlsplit(allowed)
    host, _, port = parts.netloc.partition(":")
    if not host or "[" in host:
        return {}
    suffix = f"{host}{EVIL}" + (f":{port}" if port else "")
    return {"prefix": _of(allowed, f"not{parts.netloc}"), "suffix": _of(allowed, suffix), "null": "null"}


def _of(origin: str, netloc: str) -> str:
    return f"{urlsplit(origin).scheme}://{netloc}"


async def _from_origin(server: Server, task: Facts, case: str, origin: str) -> Head | None:
    facts = replace(task, case=case, origin=origin)
    return (await ask(server, "origin", facts, name=f"origin-{case}", headers={"Origin": origin})).head


def _named(head: Head | None) -> str | None:
    return head.header("access-control-allow-origin") if head else None


def _lets_in_with_credentials(head: Head | None) -> str | None:
    """Return the origin that the server names whoever asks, where it lets that one send the user's credentials."""
    with_them = head is not None and head.header("access-control-allow-credentials") == "true"
    return _named(head) if with_them else None
