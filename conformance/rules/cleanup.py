"""Rules on what clients leave behind when they go away: sockets, descriptors, memory, a count, a stopped task."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from ssegauge.conformance.facts import Facts, Moment
from ssegauge.conformance.rules.reading.answers import no_room
from ssegauge.conformance.rules.reading.memory import LEAST_BATCHES, MIB, leaks, slope
from ssegauge.conformance.rules.reading.newcomers import read_ms, told_nothing
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Seen, View
from ssegauge.conformance.words import lasted

NO_SOCKET, NOTHING_OPEN = profile("E6.1"), profile("E6.2")
Number = TypeVar("Number", int, float)
FEW_DESCRIPTORS = 10
GONE_MS = 2000.0
GONE: Mapping[Moment, str] = {"fin": "left", "rst": "left", "vanished": "vanished"}
FEW_THREADS = 4
LEAST_WORK = 0.03  # of a core, and at least half of what is used


@rule("cleanup/open-count-wrong", "must", NOTHING_OPEN, needs=("observe.open_streams",))
def open_count_wrong(seen: Seen) -> Iterator[Mark]:
    """The count of open streams comes down when clients have left.

    Why: The count stands for what is held for each client; it feeds limits and alarms, and a limit that only fills
    up refuses everybody in the end.

    Mend: Count down in a `finally` (or the abort handler) that runs however the stream ends, once.

    Example: {"open_streams": 40}, with no client left
    """
    counts = [(view, value) for view in seen.role("open-streams") if (value := view.facts.value) is not None]
    before = next((value for view, value in counts if view.facts.moment == "before"), None)
    during = [view for view, _ in counts if view.facts.moment == "during"]
    opened = max((view.facts.opened or 0 for view in during), default=0)
    if before is None or not opened:
        return
    rose = any((view.facts.value or 0) >= before + opened / 2 for view in during)
    for view, value in counts if rose else ():  # else it counts something else
        if view.facts.moment == "after":
            wrong = value > before + max(1, opened // 5) or value < 0
            summary = f"{value:g} streams are counted after all left; {before:g} were counted before"
            yield view.bad(summary) if wrong else view.good()


@rule("cleanup/socket-held-after-fin", "should", NO_SOCKET, over="sockets", rests_on=("capacity/serves-few-at-once",))
def socket_held_after_fin(view: View) -> Iterator[Mark]:
    """A client that closes its connection leaves no socket on the server.

    Why: Sockets in CLOSE_WAIT hold descriptors until the limit is reached, and then nobody can connect.

    Mend: Watch for the client's close while nothing is written (`request.signal`, `on_disconnect`), and return.

    Example: (10 clients sent FIN; 2 s later 10 sockets are in CLOSE_WAIT)
    """
    yield from _held(view, "fin")


@rule("cleanup/socket-held-after-rst", "should", NO_SOCKET, needs=("observe.pid",), over="sockets")
def socket_held_after_rst(view: View) -> Iterator[Mark]:
    """A client that resets its connection leaves no socket on the server.

    Why: A reset is what a killed browser tab or a lost network looks like; its socket holds a descriptor until the
    server notices.

    Mend: Treat an error on the connection as the end of the stream, and close the socket.

    Example: (10 clients sent RST; 2 s later the server still holds 10 of their sockets)
    """
    yield from _held(view, "rst")


def _held(view: View, how: Moment) -> Iterator[Mark]:
    cut, held = view.facts.cut, view.facts.held
    waited_ms = view.facts.patience_ms or GONE_MS
    if view.facts.moment == how and cut and held is not None and _were_streams(view, cut):
        unsent = f", with {view.facts.unsent:,} bytes unsent" if view.facts.unsent else ""
        summary = f"{held} of {cut} sockets are held {lasted(waited_ms)} after their clients {GONE[how]}{unsent}"
        yield view.bad(summary) if held else view.good()


@rule("cleanup/half-open-held", "should", profile("E6.7"), needs=("promises.vanished_s",), over="sockets", patient=True)
def half_open_held(view: View) -> Iterator[Mark]:
    """A client that vanished without a word is let go within the time promised.

    Why: Phones lose their network and laptops are shut without a FIN. By default the kernel tries for some 15 minutes
    to reach such a client while the server writes, and for ever while it does not; so long each holds a socket, its
    buffers, and a place among those that may be open.

    Mend: Set TCP_USER_TIMEOUT on accepted connections, keep-alive with a short TCP_KEEPIDLE for streams that may be
    silent, and write a comment now and then; or promise a longer `vanished_s`.

    Example: (3 clients vanished; 60 s later 3 sockets are held, with 2,400 bytes unsent)
    """
    yield from _held(view, "vanished")


@rule("cleanup/descriptors-grow", "must", NOTHING_OPEN, needs=("observe.pid",))
def descriptors_grow(seen: Seen) -> Iterator[Mark]:
    """Streams that came and went leave no descriptors open.

    Why: A process has a limited number; when they are used up it accepts no connection and opens no file.

    Mend: Close what a stream opened (sockets, files, database cursors, subscriptions) however it ends.

    Example: (200 streams came and went; 200 more descriptors are open)
    """
    for after, grown in growth(seen, "before", "after", lambda facts: facts.descriptors):
        cycles = _cycles(after)
        many = grown > max(FEW_DESCRIPTORS, cycles // 20)
        summary = f"{grown:g} more descriptors after {cycles} streams"
        yield after.bad(summary) if many else after.good()


@rule("cleanup/memory-grows", "should", profile("E6.3"), needs=("observe.pid",))
def memory_grows(seen: Seen) -> Iterator[Mark]:
    """Streams that came and went leave no memory behind.

    Why: A closure, a listener or a buffer that outlives its stream adds up until the server is killed.

    Mend: Remove listeners, timers and map entries of a stream when it ends; compare two heap snapshots to find them.

    Example: (50 MiB after 40 streams, 60 after 80, 70 after 120, 80 after 160: 256 KiB for each stream)
    """
    held = [view for view in seen.role("process") if view.facts.moment in {"before", "during", "after"}]
    points = [(_cycles(view), view.facts.memory_bytes) for view in held if view.facts.memory_bytes is not None]
    if len(points) <= LEAST_BATCHES or not all(_were_streams(view, _cycles(view)) for view in held):
        return
    last = held[-1]
    each, total = slope(points), points[-1][1] - points[0][1]
    summary = f"{each / 1024:,.0f} KiB more for each stream, {total / MIB:.1f} MiB after {points[-1][0]} that had gone"
    yield last.bad(summary) if leaks(points) else last.good()


@rule("cleanup/work-goes-on", "should", profile("E6.4"), needs=("observe.pid",))
def work_goes_on(seen: Seen) -> Iterator[Mark]:
    """Work that is done for one reader stops when that reader has gone.

    Why: What nobody reads is still computed, queried and paid for; every reload of a page adds one more.

    Mend: Pass the reader's going away on to what works for it: cancel the task, abort the upstream request
    (`AbortSignal`, `ctx.Done()`), kill the child process, clear the timer.

    Example: (200 readers came and went; the process has 200 more threads, or keeps a core busy)
    """
    yield from _threads_left(seen, "before", "after", "after {cycles} readers had gone")
    yield from _work_left(seen, "before", "after", "after {cycles} readers had gone")


def _threads_left(seen: Seen, before: Moment, after: Moment, left: str) -> Iterator[Mark]:
    for view, grown in growth(seen, before, after, lambda facts: facts.threads):
        cycles = _cycles(view)
        summary = f"{grown} more threads and processes {left.format(cycles=cycles)}"
        yield view.bad(summary) if grown >= max(FEW_THREADS, cycles / 4) else view.good()


def _work_left(seen: Seen, before: Moment, after: Moment, left: str) -> Iterator[Mark]:
    for view, more in growth(seen, before, after, lambda facts: facts.busy):
        busy = view.facts.busy or 0.0
        worked = more >= LEAST_WORK and more >= busy / 3 and busy >= LEAST_WORK
        then = left.format(cycles=_cycles(view))
        summary = f"the process uses {busy:.0%} of a core {then}, {more:.0%} more than before"
        yield view.bad(summary) if worked else view.good()


@rule("cleanup/head-leaves-work", "should", profile("E6.6"), needs=("observe",))
def head_leaves_work(seen: Seen) -> Iterator[Mark]:
    """A request for the head alone leaves nothing behind.

    Why: Monitors ask with HEAD, every few seconds and for ever; a stream that is begun for each of them has no reader
    who could leave it.

    Mend: Answer HEAD before the stream is begun: subscribe, start timers and count the stream for GET alone.

    Example: (10 HEAD requests were answered; the server counts 10 more open streams)
    """
    left = "after {cycles} HEAD requests had been answered"
    yield from _threads_left(seen, "head-before", "head-after", left)
    yield from _work_left(seen, "head-before", "head-after", left)
    for after, grown in growth(seen, "head-before", "head-after", lambda facts: facts.descriptors):
        many = grown >= max(FEW_THREADS, _cycles(after) // 2)
        yield after.bad(f"{grown} more descriptors {left.format(cycles=_cycles(after))}") if many else after.good()
    counts = {view.facts.moment: view for view in seen.role("open-streams")}
    earlier, later = counts.get("head-before"), counts.get("head-after")
    if earlier and later and (opened := later.facts.opened):
        more = (later.facts.value or 0) - (earlier.facts.value or 0)
        summary = f"{more:g} more open streams are counted after {opened} HEAD requests had been answered"
        yield later.bad(summary) if more >= max(2, opened / 2) else later.good()


def growth(
    seen: Seen, before: Moment, after: Moment, held: Callable[[Facts], Number | None]
) -> Iterator[tuple[View, Number]]:
    """Yield a look at the server's process, and by how much what it held had grown since an earlier one."""
    earlier, later = (
        [(view, many) for view in seen.role("process", Facts(moment=moment)) if (many := held(view.facts)) is not None]
        for moment in (before, after)
    )
    for (_, least), (view, most) in zip(earlier, later, strict=False):
        if _were_streams(view, _cycles(view)):
            yield view, most - least


def _were_streams(view: View, asked: float) -> bool:
    """Whether at least half of what we asked for were streams; a server that refused them holds nothing for them."""
    opened = asked if view.facts.opened is None else view.facts.opened
    return 2 * opened >= asked


def _cycles(view: View) -> int:
    return view.facts.cycles or 0


@rule(
    "cleanup/refuses-after-storm",
    "must",
    profile("E6.5"),
    rests_on=("errors/stops-listening", "liveness/goes-deaf"),
)
def refuses_after_storm(seen: Seen) -> Iterator[Mark]:
    """A stream is served after many have come and gone.

    Why: A pool whose places are not given back lets a burst of reloads shut everybody out until a restart.

    Mend: Release the stream's place (connection pool, semaphore, worker) also when the client leaves before the head.

    Example: HTTP/1.1 503 Service Unavailable
    """
    asked = seen.role("stream", Facts(situation="after-storm"))
    if unheard := told_nothing(seen.streams):
        before = sum(one.transcript.started_ms < unheard[0].transcript.started_ms for one in seen.streams)
        what = f"told no event within {lasted(read_ms(unheard[0]))}, as the {len(unheard)} streams that came last"
        yield unheard[0].bad(f"{what}; those before, {before} in all, were", level="should")
    for view in asked:
        if view.is_event_stream and view not in unheard:
            yield view.good()
        elif no_room(view) and view is not asked[-1]:
            continue  # it was asked once more
        elif not view.head and view.transcript.end and not _refused_before(seen, view):
            gone = view.transcript.end.how == "error" and "refused" in view.transcript.end.detail
            what = "nobody listens any more, as if the server had ended," if gone else "no answer"
            yield view.bad(f"{what} after many streams have come and gone")
        elif view.head and view.head.status >= 500 and not _refused_before(seen, view):
            yield view.bad(f"answered {view.head.status} after many streams have come and gone", "status")


def _refused_before(seen: Seen, view: View) -> bool:
    """Whether streams were answered so before as well: then it has another cause."""
    others = seen.role("stream", Facts(kind=view.facts.kind))
    before = [one for one in others if one.transcript.started_ms < view.transcript.started_ms]
    return any(_is_refused(one) for one in before if one.facts.situation != "after-storm")


def _is_refused(view: View) -> bool:
    end = view.transcript.end
    return view.head.status >= 500 if view.head else end is not None and end.how == "error"
