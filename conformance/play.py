"""Plays the probes against a target, in the order that keeps them out of each other's way.

First ``hello``: one stream, to learn whether there is anything to judge; it raises CannotJudge when there is not.
Then all probes that bear company at once, then one by one those that measure the server as a whole; the patient ones
run beside both. A probe that cannot go on leaves a note; what it saw until then is kept and judged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ssegauge.conformance.catalogue import PROBES
from ssegauge.conformance.errors import HELD, CannotJudge
from ssegauge.conformance.facts import Facts
from ssegauge.conformance.probes import Probe
from ssegauge.conformance.recording.before import HookFailed
from ssegauge.conformance.recording.live import Live, Recording, now_ms
from ssegauge.conformance.recording.server import CREATES, PATIENCE_S, PROBE, Server
from ssegauge.conformance.recording.transcript import Request, Transcript
from ssegauge.conformance.seen import View
from ssegauge.conformance.target import Target

DELAY_EVERY_S = 0.01
# Answers that say "not here" or "not you": the target is described wrongly, which is no finding on its streams.
NOTHING_THERE = {
    204: "the server says that there is no stream now",
    401: "give credentials in stream.headers",
    403: "give credentials in stream.headers",
    404: "check base_url and stream.path",
    405: "check stream.method",
    407: "a proxy stands before the server; connect to it directly",
}


# EventSource follows them (#the-eventsource-interface); we judge the server that answers, so we ask for its address.
REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass
class Progress:
    """What is under way, for the terminal."""

    total: int = 0
    done: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    changed: Callable[[Progress], None] = lambda _: None

    def described(self) -> str:
        """Return it in one line for the terminal."""
        running = ", ".join(self.running[:3]) + (" …" if len(self.running) > 3 else "")
        return f"{len(self.done)} of {self.total} probes done; {running}"


@dataclass
class Failures:
    """Probes that broke down by our own fault: name and error."""

    of: list[tuple[str, Exception]] = field(default_factory=list)


async def play(
    target: Target,
    recording: Recording,
    *,
    quick: bool = False,
    progress: Progress | None = None,
    probes: Iterable[Probe] = PROBES,
) -> Failures:
    """Play all probes that the target's hooks allow; what they saw is in ``recording``.

    Raises CannotJudge when the target cannot be reached or shows no stream.
    """
    progress, failures = progress or Progress(), Failures()
    chosen = [one for one in probes if one.possible(target) and not (quick and one.stage == "patient")]
    progress.total = len(chosen)
    async with Server(target, recording, quick=quick) as server:
        delay = asyncio.create_task(watch_own_delay(recording))
        await hello(server)

        async def run(one: Probe) -> None:
            progress.running.append(one.name)
            progress.changed(progress)
            await _play(one, server, failures)
            progress.running.remove(one.name)
            progress.done.append(one.name)
            progress.changed(progress)

        async with asyncio.TaskGroup() as patient:
            for one in chosen:
                if one.stage == "patient":
                    patient.create_task(run(one))
            await asyncio.gather(*(run(one) for one in chosen if one.stage == "together"))
            for one in chosen:
                if one.stage == "alone":
                    await run(one)
        delay.cancel()
        await asyncio.wait([delay])
    return failures


async def watch_own_delay(recording: Recording) -> None:
    """Note, when cancelled, by how much our own event loop was late at most: that much is nobody else's fault."""
    worst_ms = 0.0
    try:
        while True:
            planned = now_ms() + 1000 * DELAY_EVERY_S
            await asyncio.sleep(DELAY_EVERY_S)
            worst_ms = max(worst_ms, now_ms() - planned)
    finally:
        facts = Facts(own_delay_ms=round(worst_ms, 3))
        recording.write(Transcript("harness", Request("LOOK", "harness"), "", "harness", now_ms(), facts=facts))


async def _play(one: Probe, server: Server, failures: Failures) -> None:
    PROBE.set(one.name)
    try:
        await one.play(server)
    except (HookFailed, OSError) as error:
        server.recording.notes.append(f"{one.name} stopped: {error}")
    except Exception as error:  # noqa: BLE001 - one broken probe must not take the others with it
        failures.of.append((one.name, error))


async def hello(server: Server) -> None:
    """Open one stream, to learn whether there is something to judge; raises CannotJudge when there is not."""
    target = server.target
    task_id = ""
    try:
        await server.subject()
    except HookFailed as error:
        raise CannotJudge(str(error)) from None
    if target.needs_task:
        kind = next((name for name in CREATES if getattr(target.task, CREATES[name])), None)
        if kind is None:
            raise CannotJudge("stream.path has {task_id}, but the target file has no [task.create]; add it")
        try:
            task_id = await server.create(kind)
        except HookFailed as error:
            raise CannotJudge(str(error)) from None
    live = server.begin("hello", target.stream, Facts(task_id=task_id or None), headers={"Accept": "text/event-stream"})
    await live.until(lambda: live.head is not None, PATIENCE_S)
    await live.stop()
    _check_hello(live)


def _check_hello(live: Live) -> None:
    request, end = live.transcript.request, live.transcript.end
    asked = f"{request.method} {request.url}"
    if live.head is None:
        said = (
            end.detail if end and end.how == "error" else f"connected, but no response within {PATIENCE_S:g} s; {HELD}"
        )
        raise CannotJudge(f"{asked}: {said}")
    if live.head.status in REDIRECTS:
        place = live.head.header("location") or "nowhere"
        raise CannotJudge(f"{asked}: redirected to {place}; name that address in the target")
    if live.head.status in NOTHING_THERE:
        raise CannotJudge(f"{asked}: {View(live.transcript).said()}; {NOTHING_THERE[live.head.status]}")
