"""Rules on compression that holds events back."""

from collections.abc import Iterator

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.rules.reading.effects import Effect, effects
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Seen, View
from ssegauge.conformance.words import lasted

DECODED_CODINGS = {"gzip", "x-gzip", "deflate", "br"}
NONE = {"", "identity"}
HELD_MS = 1000.0
LEAST_EVENTS = 3  # that the one got while the other got none
LEAST_AFTER, SILENT_MS = 4, 2000.0  # ... or while the other got no more
OPENING_MS = 500.0  # what comes this soon may be told to newcomers alone
AT_ONCE_MS = 60.0


@rule(
    "delivery/held-by-compression",
    "must",
    profile("E2.7"),
    rests_on=("delivery/held-to-the-end", "delivery/update-lost", "capacity/serves-few-at-once"),
)
def held_by_compression(seen: Seen) -> Iterator[Mark]:
    """Compression holds no event back.

    Why: A compressor gathers input until a block is full; without a flush after each event the reader gets nothing
    for minutes, and everything when the stream ends. Browsers always offer compression.

    Mend: Exempt text/event-stream from the compression middleware, or flush the compressor after every event.

    Example: Content-Encoding: gzip, and events that can be decoded only when the stream ends
    """
    for view in seen.role("compressed"):
        if not view.is_event_stream or not view.timed:
            continue
        # From the request on, not from the head: a proxy that compresses holds the head back too.
        told = effects(seen, view, view.transcript.started_ms)
        if told:
            yield from _not_held(view, told)
        elif view.facts.kind == "plain":
            yield from _beside_others(seen, view)


def _is_compressed(view: View) -> bool:
    return _coding(view) in DECODED_CODINGS


def _coding(view: View) -> str:
    return ((view.head.header("content-encoding") if view.head else None) or "").strip().lower()


def _not_held(view: View, told: list[Effect]) -> Iterator[Mark]:
    """Judge what we made the stream say, until it ended or we left."""
    ends = [effect.sent_ms for effect in told if effect.terminal]
    before = [effect for effect in told if not effect.terminal]
    left_ms = view.epoch_ms(view.transcript.end.at_ms) if view.transcript.end else 0.0
    if not ends and view.facts.task_id is not None:
        return
    until_ms = ends[0] if ends else left_ms
    if any(effect.shown and effect.shown_ms < until_ms for effect in before):
        yield view.good()
    elif _is_compressed(view) and any(effect.sent_ms <= until_ms - HELD_MS for effect in before):
        when = "only when the task had ended" if ends else f"not within {lasted(until_ms - before[0].sent_ms)}"
        yield view.bad(f"{len(before)} updates could be decoded {when}", "content-encoding")


def _beside_others(seen: Seen, view: View) -> Iterator[Mark]:
    """Judge by readers of the same stream, uncompressed, at the same time."""
    if not _is_compressed(view):
        yield from [view.good()] if _coding(view) in NONE else []
        return
    got = [view.epoch_ms(item.at_ms) for item in view.events]
    for other in seen.role("stream", Facts(kind="plain", subject=view.facts.subject)):
        shown = _told_meanwhile(view, other) if other.is_event_stream and not _is_compressed(other) else []
        if len(shown) >= LEAST_EVENTS and shown[-1] - shown[0] >= HELD_MS:
            held = _held(got, shown)
            yield view.bad(held, "content-encoding") if held else view.good()


def _told_meanwhile(view: View, other: View) -> list[float]:
    """Return when another reader got events, while both read and that one was no newcomer any more."""
    end = view.transcript.end
    until_ms = view.epoch_ms(end.at_ms) if end else 0.0
    since_ms = max(view.transcript.started_ms, other.transcript.started_ms + OPENING_MS)
    return [at for item in other.events if since_ms <= (at := other.epoch_ms(item.at_ms)) <= until_ms]


def _held(got: list[float], shown: list[float]) -> str:
    """Return what was held back, nothing where events came as the other reader got them."""
    first, last = (got[0], got[-1]) if got else (float("inf"), float("-inf"))
    before = [at for at in shown if at < first - AT_ONCE_MS]
    after = [at for at in shown if at > last + AT_ONCE_MS]
    together = sum(at <= first + AT_ONCE_MS for at in got)
    if not got:
        return f"no event could be decoded while a reader without compression got {len(shown)}"
    if len(before) >= LEAST_EVENTS <= together and first - before[0] >= HELD_MS:
        return f"the first {together} events could be decoded at once, {lasted(first - before[0])} late"
    if len(after) >= LEAST_AFTER and after[-1] - after[0] >= SILENT_MS:
        return f"no more events could be decoded while a reader without compression got {len(after)}"
    return ""
