"""Readers that come back to a stream of which nothing is known but its address, with ids that it gave or never gave."""

import asyncio
import re
import uuid
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from dataclasses import replace

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.probes.probe import probe
from ssegauge.conformance.recording.live import Live
from ssegauge.conformance.recording.redaction import Redactor
from ssegauge.conformance.recording.server import MANY, Server
from ssegauge.conformance.recording.speaking import Speaker
from ssegauge.conformance.seen import Message

QUICK_LOOK_S = 1.0
OPENING_S = 0.6  # what a newcomer is told at once; a little more than rules take it for
GRACE_S = 1.2  # a little more than rules leave a reader to be told what another was told
LEARN_S = 2.0
AWAY, AWAY_S = 2, 1.0  # what is published while nobody reads; or how long clients stay away
AT_ONCE = 3
BACK_AT_ONCE = 2  # as many as leave a place for a newcomer
FAR = 1_000_000
MOST_DIGITS = 19  # of 64 bits
NEXT = str.maketrans("0123456789", "1234567890")  # what is hexadecimal stays so
GARBAGE = {
    "foreign": str(uuid.UUID(int=7)),
    "empty": "",
    "quote": "' OR 1=1; --",
    "negative": "-1",
    "huge": "9" * 20,  # more than 64 bits hold
    "signs": "urn:other.example/news:7%2F8?a=b#c",
    "unicode": "événement-七",
    "long": "x" * 2000,
}


async def miss_something(server: Server) -> None:
    """Stay away, from a stream that ends by itself, for as long as it takes until there is something to be told."""
    if not server.target.publish:
        await asyncio.sleep(AWAY_S)
        return
    speaker = await Speaker.of(server)
    for step in range(AWAY):
        await speaker.say(f"missed {step}")


async def come_back(server: Server, told: Sequence[Message], facts: Facts) -> None:
    """Come back as if cut just now, in the midst, and behind an event of a rare sort, each beside a newcomer."""
    last, midst = len(told) - 1, len(told) // 2
    places = {last: not server.quick, midst: True, _of_a_rare_sort(told): True}
    chosen = [at for at, wanted in places.items() if wanted and at is not None]
    together = max(1, min(BACK_AT_ONCE, (server.most_readers or MANY) - 1))
    for first in range(0, len(chosen), together):
        await _come_back_with(server, told, chosen[first : first + together], facts)


def _of_a_rare_sort(told: Sequence[Message]) -> int | None:
    """Return the place of an event of the rarest type, None where all are of one; its id may be of its own kind."""
    kinds = Counter(message.event.type for message in told)
    if len(kinds) < 2:
        return None
    rarest = min(kinds, key=lambda kind: kinds[kind])
    return max((at for at, message in enumerate(told[:-1]) if message.event.type == rarest), default=None)


async def _come_back_with(server: Server, told: Sequence[Message], places: Sequence[int], facts: Facts) -> None:
    newcomer = replace(facts, reader="newcomer")
    async with AsyncExitStack() as stack:
        lives = [await stack.enter_async_context(_returned(server, told[at], facts)) for at in places]
        beside = nullcontext(lives[0]) if server.one_reader else server.stream("plain-newcomer", newcomer)
        other = await stack.enter_async_context(beside)
        goes_on = (_goes_on(server, one, told, at) for one, at in zip(lives, places, strict=True))
        shown, _ = await asyncio.gather(asyncio.gather(*goes_on), other.until(lambda: other.over, OPENING_S))
        if silent := [one for one in lives if not one.events and not one.over]:
            await _outwait(silent, other, server.patience_s / 2)
        for one, is_shown in zip(lives, shown, strict=True):
            if not is_shown:
                one.on_end("timeout")


def _returned(server: Server, last: Message, facts: Facts) -> AbstractAsyncContextManager[Live]:
    resumed = replace(facts, reader="cut", last_event_id=last.event.id, resume="known")
    return server.stream("plain-resumed", resumed)


async def _goes_on(server: Server, live: Live, told: Sequence[Message], at: int) -> bool:
    """Read until it shows how the server goes on; one that begins anew takes about the time that it took before."""
    last, later = told[at].event.id, {message.event.id for message in told[at + 1 :]}
    took_s = (told[at].item.at_ms - told[0].item.at_ms) / 1000
    return await live.until(
        lambda: last in live.ids() or (bool(later) and later <= set(live.ids())),
        min(server.patience_s, took_s + QUICK_LOOK_S),
    )


async def _outwait(readers: list[Live], newcomer: Live, patience_s: float) -> None:
    """Wait until a newcomer is told something that happens now, and then until the others must have been told too."""
    await newcomer.until(lambda: newcomer.head is not None, patience_s)
    await newcomer.until(lambda: newcomer.over, OPENING_S)
    before = len(newcomer.events)
    await newcomer.until(lambda: len(newcomer.events) > before, patience_s)
    if len(newcomer.events) > before:
        known = _types(newcomer)
        await asyncio.gather(*(one.until(lambda one=one: _is_told(one, known), GRACE_S) for one in readers))  # type: ignore[misc]


def _types(live: Live) -> set[str]:
    return {event.type for event in live.events}


def _is_told(live: Live, known: Collection[str]) -> bool:
    """Whether a reader is told anything, and of what others are told where that is known."""
    return bool(live.events) and (not known or not _types(live).isdisjoint(known))


@probe("plain", "gets", streams=1 + AT_ONCE, asks=24)
async def unknown_ids(server: Server) -> None:
    """Come with ids that the server never gave, a few at a time, each beside a newcomer; with ``--quick`` few."""
    if server.one_reader:
        return
    facts = Facts(kind="plain", patience_ms=1000 * LEARN_S)
    learn = 1 if server.quick else AT_ONCE
    async with server.stream("unknown-learning", replace(facts, reader="newcomer")) as live:
        await live.until(lambda: len(live.ids()) > learn, min(LEARN_S, server.patience_s))
    stale = _stale(live, server.recording.redact)
    garbage = [replace(facts, resume="garbage", case=case, last_event_id=value) for case, value in GARBAGE.items()]
    cases = (stale[:2] + garbage)[:AT_ONCE] if server.quick else stale + garbage
    for first in range(0, len(cases), AT_ONCE):
        await come_with(server, cases[first : first + AT_ONCE], facts, LEARN_S, _types(live))


def _stale(live: Live, redact: Redactor) -> list[Facts]:
    """Return ids that look like those of the stream: where these tell a number, others with another number.

    None are made of a secret that the server says as an id: changed by us, it would not be found any more.
    """
    split = [re.split(r"(\d+)", one) for one in live.ids()]  # a text, a number, a text, and so on
    if any(redact.text(one) != one for one in live.ids()) or len({tuple(one[::2]) for one in split}) != 1:
        return []
    at = _counting(split)
    if at is None or any(len(one[at]) > MOST_DIGITS for one in split):
        return []
    before, digits, after = "".join(split[-1][:at]), split[-1][at], "".join(split[-1][at + 1 :])
    values = _other_numbers(sorted({int(one[at]) for one in split}))
    width = len(digits) if any(one[at].startswith("0") for one in split) else 0
    made = {case: before + str(value).zfill(width) + after for case, value in values.items()}
    if any(one.isdigit() for one in before):  # it names what the numbers count in, as from one restart to the next
        made["other"] = before.translate(NEXT) + digits + after
    facts = Facts(kind="plain", resume="stale", patience_ms=1000 * LEARN_S)
    return [replace(facts, case=case, last_event_id=value) for case, value in made.items()]


def _counting(split: Sequence[Sequence[str]]) -> int | None:
    """Return the place of the number that goes on from id to id, the first such; of one id, of its last number."""
    places = range(1, len(split[0]), 2)
    changing = (at for at in places if len({one[at] for one in split}) > 1)
    return next(changing, places[-1] if places else None)


def _other_numbers(numbers: Sequence[int]) -> dict[str, int]:
    """Return numbers that no event was seen to have: where they are times, the farthest is days ahead."""
    least, most = numbers[0], numbers[-1]
    found = {
        "below": least // 2 if least else None,
        "inside": next((one + 1 for one in numbers if one < most and one + 1 not in numbers), None),
        "beyond": most + 2,
        "far": most + max(FAR, most // 1000),
    }
    return {case: value for case, value in found.items() if value is not None}


async def come_with(
    server: Server, cases: Sequence[Facts], facts: Facts, patience_s: float, known: Collection[str] = ()
) -> None:
    """Come with ids beside a newcomer; who is told nothing is waited for until that one is told what happens.

    So is who is told nothing but events of other types than that one is, or than those that are ``known``.
    """
    async with AsyncExitStack() as stack:
        newcomer = await stack.enter_async_context(server.stream("unknown-newcomer", replace(facts, reader="newcomer")))
        readers = [await stack.enter_async_context(server.stream(f"unknown-{one.case}", one)) for one in cases]
        await asyncio.gather(*(one.until(lambda one=one: bool(one.events), OPENING_S) for one in readers))  # type: ignore[misc]
        if server.target.publish:
            await (await Speaker.of(server)).say("unknown ids")
        if waiting := [one for one in readers if not one.over and not _is_told(one, {*known, *_types(newcomer)})]:
            await _outwait(waiting, newcomer, patience_s)
        for one in readers:
            if one.head is None:
                one.on_end("timeout")
