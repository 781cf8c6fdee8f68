"""Readers that come back to a stream of which nothing is known but its address."""

from collections.abc import Sequence
from dataclasses import replace

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.recording.server import Server
from ssegauge.conformance.seen import Message

QUICK_LOOK_S = 1.0
OPENING_S = 0.5  # what a newcomer is told at once


async def come_back(server: Server, told: Sequence[Message], facts: Facts) -> None:
    """Come back as if cut in the midst, beside a newcomer, and read until it shows how the server goes on.

    A stream that begins anew reaches the place in about the time that it took before.
    """
    at = len(told) // 2
    last, later = told[at].event.id, {message.event.id for message in told[at + 1 :]}
    took_s = (told[at].item.at_ms - told[0].item.at_ms) / 1000
    resumed = replace(facts, reader="cut", last_event_id=last, resume="known")
    async with (
        server.stream("plain-resumed", resumed) as one,
        server.stream("plain-newcomer", replace(facts, reader="newcomer")) as other,
    ):
        await one.until(
            lambda: last in one.ids() or (bool(later) and later <= set(one.ids())),
            min(server.patience_s, took_s + QUICK_LOOK_S),
        )
        await other.until(lambda: other.over, OPENING_S)
