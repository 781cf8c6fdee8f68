"""Rules on what a reader that does not read costs the others and the server."""

from collections.abc import Iterator

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.rules.cleanup import growth
from ssegauge.conformance.rules.reading.answers import unanswered
from ssegauge.conformance.rules.reading.effects import accepted_for, effects, told_streams, waited_ms
from ssegauge.conformance.rules.reading.memory import MIB
from ssegauge.conformance.rules.reading.spoiled import SPOILED
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Seen, View
from ssegauge.conformance.words import lasted

UPDATES = ("update",)
ROOM_BYTES = 8 * MIB  # what a runtime's heap may move by itself
FOLD = 4  # a log, a buffer and their encoded forms: each may hold what was sent once


@rule(
    "slow/slow-reader-stalls-others",
    "must",
    profile("E2.8"),
    needs=UPDATES,
    rests_on=("capacity/serves-few-at-once", "delivery/readers-differ", "delivery/update-lost", *SPOILED),
)
def slow_reader_stalls_others(seen: Seen) -> Iterator[Mark]:
    """A reader that does not read does not delay the others.

    Why: One phone in a tunnel would freeze the progress bars of everybody who watches the same task.

    Mend: Never await one client's socket inside the loop over all clients; give each its own cursor or queue.

    Example: for client in clients: await client.write(event)
    """
    if not any(view.head or view.facts.opened for view in seen.role("stream", Facts(situation="slow"))):
        return
    limit_ms = max(seen.limits.update_s * 1000, 2 * _usual_latency_ms(seen))
    lost_anyway = _are_lost_anyway(seen, limit_ms)
    for view in seen.role("stream", Facts(situation="beside-slow")):
        for update in () if _in_vain_before(seen, view) else seen.role("update", Facts(task_id=view.facts.task_id)):
            if update.head is None and update.transcript.end and _since(update, view):
                yield update.bad("an update went unanswered beside a reader that does not read")
        for effect in effects(seen, view) if view.is_event_stream else ():
            latency_ms = effect.latency_ms
            if latency_ms is None:
                latency_ms = waited_ms(view, effect.sent_ms)
                if latency_ms <= limit_ms or lost_anyway:
                    continue
            arrived = "arrived after" if effect.shown else "had not arrived after"
            summary = f"an update {arrived} {lasted(latency_ms)} beside a reader that does not read"
            yield view.bad(summary, effect.shown) if latency_ms > limit_ms else view.good()


def _in_vain_before(seen: Seen, view: View) -> bool:
    """Whether calls went unanswered before there was a reader that does not read."""
    return any(unanswered(update) and not _since(update, view) for update in seen.role("update"))


def _are_lost_anyway(seen: Seen, limit_ms: float) -> bool:
    """Whether updates do not arrive either where everybody reads."""
    told = ((view, effect) for view in told_streams(seen) for effect in effects(seen, view))
    return any(not effect.shown and waited_ms(view, effect.sent_ms) > limit_ms for view, effect in told)


def _since(update: View, view: View) -> bool:
    return update.transcript.started_ms >= view.transcript.started_ms


def _usual_latency_ms(seen: Seen) -> float:
    """Return how late updates are without a slow reader: that much is not its fault."""
    told = (effect.latency_ms for view in told_streams(seen) for effect in effects(seen, view))
    return max((latency_ms for latency_ms in told if latency_ms is not None), default=0.0)


@rule(
    "slow/slow-reader-grows-memory",
    "should",
    profile("E2.9"),
    needs=(*UPDATES, "observe.pid"),
)
def slow_reader_grows_memory(seen: Seen) -> Iterator[Mark]:
    """What a slow reader has not read is not piled up in the server's memory.

    Why: A queue without bound for each client lets one stalled connection take the whole server down.

    Mend: Bound what is queued for a client; past the bound drop the client, or overtaken states, and let it resume.

    Example: queue.put_nowait(event) on a queue without maxsize
    """
    offered = sum(_offered_bytes(seen, view) for view in seen.role("stream", Facts(situation="slow")))
    for after, grown in growth(seen, "slow-before", "slow-after", lambda facts: facts.memory_bytes):
        summary = f"memory grew by {grown / MIB:.1f} MiB for {offered / MIB:.1f} MiB that were not read"
        yield after.bad(summary) if grown > ROOM_BYTES + FOLD * offered else after.good()


def _offered_bytes(seen: Seen, view: View) -> int:
    made = (update for update in accepted_for(seen, view) if _since(update, view))
    return sum(len((update.transcript.request.body or "").encode()) for update in made)
