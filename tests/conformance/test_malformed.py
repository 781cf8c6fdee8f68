"""Requests that are no proper HTTP: healthy servers of several makes refuse or bear them, and a failure is told."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from ssegauge.conformance.catalogue import PROBES
from ssegauge.conformance.judge import judge
from ssegauge.conformance.play import Plan, play
from ssegauge.conformance.probes import hooks
from ssegauge.conformance.probes.malformed import BODIES, REQUESTS
from ssegauge.conformance.recording.live import Recording
from ssegauge.conformance.target import Target, from_toml, load_target
from ssegauge.reference_server.server import Profile, start
from tests.cli.command import http, tcp_server

ROOT = Path(__file__).parents[2] / "reference_server"
FILES: dict[Profile, str] = {
    "task-progress": "ssegauge.toml",
    "event-stream": "feed/ssegauge.toml",
}
MALFORMED = [one for one in PROBES if one.name in {"malformed", "malformed-bodies"}]
PAGE = b"HTTP/1.1 500 Oops\r\nContent-Type: text/plain\r\nContent-Length: 54\r\n\r\n"
TRACE = b'Traceback (most recent call last):\n  File "app.py", l.'


async def looked_at(target: Target) -> tuple[dict[str, str], Recording]:
    """Return what is broken, and what was seen."""
    recording = Recording()
    assert not (await play(target, recording, Plan.of(target, probes=MALFORMED))).of
    results = judge(recording.transcripts, profile=target.profile, hooks=hooks(target))
    broken = {one.rule.code: one.summary for one in results if one.verdict in {"fail", "harness_error"}}
    return {code: said for code, said in broken.items() if code.startswith("errors/")}, recording


@pytest.mark.parametrize("profile", FILES)
def test_a_healthy_server_sets_off_nothing(profile: Profile) -> None:
    async def check() -> tuple[dict[str, str], Recording]:
        async with start(profile=profile) as url:
            return await looked_at(replace(load_target(str(ROOT / FILES[profile])), base_url=url))

    broken, recording = asyncio.run(check())
    assert broken == {}
    seen = {one.facts.case for one in recording.transcripts if one.role == "malformed-request" and one.head}
    assert seen == {*BODIES, *REQUESTS}


ANSWERS: dict[str, tuple[Callable[[socket.socket], None], set[str]]] = {
    "a stream": (http(b"data: 1\n\n"), set()),
    "closes": (lambda connection: connection.shutdown(socket.SHUT_RDWR), set()),
    "fails": (lambda connection: connection.sendall(PAGE + TRACE), {"malformed-request-5xx", "error-leaks-internals"}),
    "not implemented": (http(b"", status="501 Not Implemented", head="Content-Length: 0"), set()),
    "hangs": (lambda _: None, {"odd-request-hangs"}),
}


@contextmanager
def healthy_but(odd: Callable[[socket.socket], None]) -> Iterator[str]:
    """A stream for the first request, and something else for those that follow."""
    turns = iter([http(b"data: 1\n\n")])

    def answer(connection: socket.socket) -> None:
        next(turns, odd)(connection)

    with tcp_server(answer) as url:
        yield url


@pytest.mark.parametrize("name", ANSWERS)
def test_what_is_said_of_an_answer(name: str) -> None:
    answer, codes = ANSWERS[name]
    with healthy_but(answer) as url:
        target = from_toml(
            f'base_url = "{url}"\nprofile = "event-stream"\n[stream]\npath = "/?x=1"\n[limits]\nconnect_s = 0.1\n'
        )
        broken, _ = asyncio.run(looked_at(target))
    assert {*broken} == {f"errors/{code}" for code in codes}
