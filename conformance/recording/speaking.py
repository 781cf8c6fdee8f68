"""The one way for probes to make a stream say something: what is published at its address, or a task that we move.

A ``Speaker`` hides which of the two it is. Every text it says holds a marker that nothing else holds, so that rules
find the event that shows it.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import cast

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.recording.before import HookFailed
from ssegauge.conformance.recording.live import Live, now_ms
from ssegauge.conformance.recording.server import PATIENCE_S, Server
from ssegauge.conformance.seen import View
from ssegauge.conformance.target import Call

CONNECTED_S = 0.6  # a little more than rules leave a reader from the head until all must reach it
MARGIN_S = 1.0  # our own delay widens the limits
DOUBTFUL_S = 0.5
ENOUGH_UNHEEDED = 3  # calls in vain: the next are not waited for as long
NOT_NOW = frozenset({413, 429, 503})  # too large, or too often


class Speaker:
    """Makes streams say something. ``facts`` are those of the streams that tell it."""

    def __init__(self, server: Server, facts: Facts) -> None:
        self.server = server
        self.facts = facts
        self.last = ""
        self.heard_nothing = False
        self._taken: dict[str, float] = {}  # the markers of what was published and accepted, and when

    @classmethod
    async def of(cls, server: Server) -> Speaker:
        """Return one for the server: of what is published, or else of a new manual task; raises HookFailed."""
        if server.target.publish:
            await server.subject()
            return cls(server, Facts(kind="plain"))
        return cls(server, Facts(task_id=await server.create("manual"), kind="manual"))

    async def say(self, words: str, *, progress: int = 0, canary: str | None = None, around: str = "") -> View:
        """Say the words behind a new marker, which is ``last`` from then on if it was taken; return the reply.

        Raises HookFailed where what is published is refused: then nothing can be said of it.

        Args:
            words: what to say; ``@`` in them stands for the marker.
            progress: how far a task is, in percent.
            canary: the case of a text that tries to break the framing, or is odd; it goes into every text of an update.
            around: what the text begins and ends with.
        """
        marker = f"ssegauge{uuid.uuid4().hex[:12]}"
        text = f"{around}{marker} {words.replace('@', marker)}{around}"
        reply = await self._said(marker, text, progress, canary)
        self.last = marker if reply.head and reply.head.status < 300 else ""
        return reply

    async def _said(self, marker: str, text: str, progress: int, canary: str | None) -> View:
        facts = replace(self.facts, marker=marker, message=text, canary=canary)
        if self.facts.task_id is None:
            call = cast("Call", self.server.target.publish).filled({"marker": text})
            patience_s = PATIENCE_S if self.server.unheeded < ENOUGH_UNHEEDED else DOUBTFUL_S
            reply = await self.server.call("update", call, facts, name="publish", patience_s=patience_s)
            self.server.unheeded += reply.head is None
            if reply.head and reply.head.status < 300:
                self._taken[marker] = reply.transcript.started_ms
            elif reply.head and not canary and reply.head.status not in NOT_NOW:
                asked = f"{call.method} {reply.transcript.request.url}"
                raise HookFailed(f"{asked} was answered {reply.head.status}; mend [publish]")
            return reply
        more = {"stage": text} if canary else {}
        return await self.server.update(self.facts.task_id, facts, progress=progress, message=text, **more)

    async def connected(self, live: Live) -> None:
        """Wait until everything that is said from now on must reach the reader."""
        if self.facts.task_id is None:
            await live.until(lambda: live.head is not None, self.server.patience_s)
            await live.until(lambda: live.over, CONNECTED_S)
        else:
            await live.until(lambda: len(live.events) > 1, self.server.patience_s)

    async def heard(self, *lives: Live) -> None:
        """Wait until the last that was said has reached the readers, or must be taken for lost.

        Where one was lost, the next are not waited for as long. What was published before the last and has not come by
        then is waited for as well, until it must be taken for lost: it may only be late.
        """
        marker, wait_s = self.last.encode(), 2 * self.server.target.limits.update_s + MARGIN_S
        for live in lives:
            left_s = DOUBTFUL_S if self.heard_nothing else wait_s
            if not await live.until(lambda: marker in live.recently, left_s):  # noqa: B023 - awaited at once
                self.heard_nothing = True
            await self._missed(live, wait_s)

    async def _missed(self, live: Live, wait_s: float) -> None:
        """Wait for what was accepted since the reader was connected, and has not come; once for each."""
        told = "\n".join(event.data for event in live.events)
        since_ms = live.transcript.started_ms + 1000 * CONNECTED_S
        due = [at for marker, at in self._taken.items() if at >= since_ms and marker not in told]
        if due and not self.heard_nothing:
            await live.until(lambda: False, max(due) / 1000 + wait_s - now_ms() / 1000)
            self._taken.clear()

    async def end(self) -> None:
        """End a task well; what is published at an address has no end."""
        if self.facts.task_id is not None:
            await self.server.complete(self.facts.task_id)
