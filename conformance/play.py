"""Plays the probes against a target, in the order that keeps them out of each other's way, and within bounds.

First ``hello``: one stream, to learn whether there is anything to judge; it raises CannotJudge when there is not. Of a
language model's that one is read on by ``plain``, since each costs money; where only its first event says that it is
one, it is left there, and fewer are asked for.
Then, alone, what says how many streams the server serves at once; then all probes that bear company, then one by one
those that measure the server as a whole; the patient ones run beside both. Together they have no more streams open
than ``parallel``, nor than the server was seen to serve, and no longer than ``timeout_s``. A probe that cannot go on
leaves a note; what it saw until then is kept and judged.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from ssegauge.conformance.catalogue import PROBES
from ssegauge.conformance.facts import Facts
from ssegauge.conformance.generation import first_generation
from ssegauge.conformance.hello import hello
from ssegauge.conformance.probes import Probe
from ssegauge.conformance.recording.before import HookFailed
from ssegauge.conformance.recording.live import Recording, now_ms
from ssegauge.conformance.recording.machine import look_at_process
from ssegauge.conformance.recording.server import PROBE, Server
from ssegauge.conformance.recording.transcript import Request, Transcript
from ssegauge.conformance.rules import Rule
from ssegauge.conformance.seen import spoken
from ssegauge.conformance.target import Target

DELAY_EVERY_S = 0.01
PARALLEL, TIMEOUT_S = 16, 120.0
ANYWHERE = "/"  # where the text of a model stands does not matter to a plan
READS_ON = "plain"  # the probe that reads the first generation on


@dataclass(frozen=True, slots=True)
class Plan:
    """What is going to be played, for a word beforehand.

    ``asks``: requests, at most. ``calls_first``: of ``[[before]]``, for each probe. ``generations``: of the requests
    those that a language model is to answer, None where none does; with ``once`` it is a single one. ``if_generated``:
    what is played in its place where the first stream turns out to be a language model's.
    """

    probes: tuple[Probe, ...]
    parallel: int = PARALLEL
    timeout_s: float = TIMEOUT_S
    calls_first: int = 0
    asks: int = 1
    generations: int | None = None
    once: bool = False
    if_generated: Plan | None = None

    @classmethod
    def of(
        cls,
        target: Target,
        *,
        quick: bool = False,
        parallel: int = PARALLEL,
        timeout_s: float = TIMEOUT_S,
        probes: Iterable[Probe] = PROBES,
        rules: Iterable[Rule] | None = None,
        met: bool = False,
    ) -> Plan:
        """Return the probes that the target's hooks allow and that are not too long or too many.

        Where each stream costs money, and one is enough for all ``rules``, there is none but that. ``met``: ``hello``
        has asked for one, which was left.
        """
        rules = None if rules is None else list(rules)
        once = target.generates and rules is not None and all(one.in_one_stream for one in rules)
        chosen = [one for one in probes if one.possible(target) and not (quick and one.long)]
        chosen = [one for one in chosen if one.name == READS_ON] if once else chosen
        asked = {one.name: one.asked(target) for one in chosen}
        return cls(
            probes=tuple(chosen),
            parallel=parallel,
            timeout_s=timeout_s,
            calls_first=len(target.before),
            asks=1 + met if once else 1 + sum(asked.values()),
            generations=(1 + met if once else 1 + asked.get(READS_ON, 0)) if target.generates else None,
            once=once,
            if_generated=cls.of(
                target.generating(ANYWHERE),
                quick=quick,
                parallel=parallel,
                timeout_s=timeout_s,
                probes=probes,
                rules=rules,
                met=True,
            )
            if target.may_generate
            else None,
        )

    def described(self) -> str:
        """Return in one line what this does to the server."""
        asks = self.asks + self.calls_first * (1 + len(self.probes))
        most = min(self.parallel, 1 if self.once else max((one.streams for one in self.probes), default=1))
        bounds = f"at most {most} stream{'s' * (most != 1)} of a probe at once, done within {self.timeout_s:g} s"
        if self.generations is None:
            return f"up to {asks} requests, {bounds}"
        if self.once and asks == 1:
            return f"1 request, a generation; {bounds}"
        odd = "" if self.once else ", and one more if a request that is wrong is taken for a good one"
        return f"{asks} requests, {self.generations} of them generations{odd}; {bounds}"


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


class Places:
    """How many streams may be open at once. Who wants several gets them together, so that nobody waits half-way."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._taken = 0
        self._freed = asyncio.Condition()

    @asynccontextmanager
    async def taken(self, many: int) -> AsyncIterator[None]:
        """Wait for so many places, and hold them."""
        async with self._freed:
            await self._freed.wait_for(lambda: self._taken + many <= self.most)
            self._taken += many
        try:
            yield
        finally:
            self._taken -= many
            async with self._freed:
                self._freed.notify_all()


async def play(
    target: Target,
    recording: Recording,
    plan: Plan,
    *,
    quick: bool = False,
    progress: Progress | None = None,
    on_plan: Callable[[Plan], None] = lambda _: None,
) -> Failures:
    """Play the plan; what the probes saw is in ``recording``, and in its notes what could not be looked at.

    ``on_plan`` is told the plan once the server has answered, before anything else is asked of it; where streams cost
    money, before anything is.

    Raises CannotJudge when the target cannot be reached or shows no stream.
    """
    failures = Failures()
    progress = Progress() if progress is None else progress
    progress.total = len(plan.probes)
    async with Server(target, recording, quick=quick, most=plan.parallel) as server:
        delay = asyncio.create_task(watch_own_delay(recording))
        try:
            async with asyncio.timeout(plan.timeout_s):
                plan = await _begin(server, plan, on_plan)
                progress.total = len(plan.probes)
                _expect_process(target, recording)
                await _Stage(server, plan, progress, failures).play()
        except TimeoutError:
            unfinished = ", ".join(progress.running) or "the first request"
            recording.notes.append(f"stopped after {plan.timeout_s:g} s (--timeout); not finished: {unfinished}")
        delay.cancel()
        await asyncio.wait([delay])
    return failures


async def _begin(server: Server, plan: Plan, on_plan: Callable[[Plan], None]) -> Plan:
    """Make the first request, and tell the plan; return what is to be played of it."""
    if plan.generations is None:
        view = await hello(server)
        form = spoken(view.messages) if view.is_event_stream else None
        if form and plan.if_generated:
            plan, server.target = plan.if_generated, server.target.generating(form.token)
            server.once = plan.once
        on_plan(plan)
        return plan
    on_plan(plan)
    PROBE.set(READS_ON)
    server.once, server.opening = plan.once, await first_generation(server)
    return plan


def _expect_process(target: Target, recording: Recording) -> None:
    """Note where the target names a process that cannot be looked at: what it leaves behind cannot be judged."""
    pid = target.observe.pid
    if pid and look_at_process(pid) is None:
        recording.notes.append(f"observe.pid = {pid}: no such process, or none that we may look at; give the server's")


class _Stage:
    """The playing of one plan."""

    def __init__(self, server: Server, plan: Plan, progress: Progress, failures: Failures) -> None:
        self._server, self._plan, self._progress, self._failures = server, plan, progress, failures
        self._places = Places(plan.parallel)

    async def play(self) -> None:
        await self._one_by_one("first")
        self._places.most = min(self._places.most, self._server.at_once or self._places.most)
        async with asyncio.TaskGroup() as patient:
            for one in self._of("patient"):
                patient.create_task(self._run(one))
            await asyncio.gather(*map(self._run, self._of("together")))
            await self._one_by_one("alone")
        await self._one_by_one("last")

    def _of(self, stage: str) -> Sequence[Probe]:
        return [one for one in self._plan.probes if one.stage == stage]

    async def _one_by_one(self, stage: str) -> None:
        for one in self._of(stage):
            await self._run(one)

    async def _run(self, one: Probe) -> None:
        many = min(one.streams, self._places.most) if one.adapts else one.streams
        if many > self._places.most:
            remark = f"{one.name} was left out: it needs {many} streams at once, and {self._places.most} are to be had"
            self._server.recording.remarks.append(remark)
        else:
            async with self._places.taken(many):
                await self._play(one)
        self._progress.done.append(one.name)
        self._progress.changed(self._progress)

    async def _play(self, one: Probe) -> None:
        PROBE.set(one.name)
        self._progress.running.append(one.name)
        self._progress.changed(self._progress)
        try:
            await one.play(self._server)
        except (HookFailed, OSError) as error:
            self._server.recording.notes.append(f"{one.name} stopped: {error}")
        except Exception as error:  # noqa: BLE001 - one broken probe must not take the others with it
            self._failures.of.append((one.name, error))
        self._progress.running.remove(one.name)


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
