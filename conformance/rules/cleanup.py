"""Rules on what clients leave behind when they go away: sockets, descriptors, memory, a count, a stopped task."""

from collections.abc import Callable, Iterator

from ssegauge.conformance.facts import Facts, Moment
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Seen, View

NO_SOCKET, NOTHING_OPEN = profile("E6.1"), profile("E6.2")
MIB = 1 << 20
FEW_DESCRIPTORS = 10
# A runtime's heap moves by itself; less than this in a cycle cannot be told from that.
LEAK_BYTES, LEAST_GROWTH_BYTES = 64 << 10, 8 * MIB


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


@rule("cleanup/socket-held-after-fin", "should", NO_SOCKET, over="sockets")
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
    if view.facts.moment == how and cut and held is not None and _were_streams(view, cut):
        yield view.bad(f"{held} of {cut} sockets are held 2 s after their clients left") if held else view.good()


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

    Example: (200 streams came and went; the process holds 50 MiB more)
    """
    for after, grown in growth(seen, "before", "after", lambda facts: facts.memory_bytes):
        cycles = _cycles(after)
        leaks = grown > max(LEAST_GROWTH_BYTES, LEAK_BYTES * cycles)
        summary = f"{grown / MIB:.1f} MiB more after {cycles} streams"
        yield after.bad(summary) if leaks else after.good()


def growth(
    seen: Seen, before: Moment, after: Moment, held: Callable[[Facts], int | None]
) -> Iterator[tuple[View, int]]:
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
)
def refuses_after_storm(seen: Seen) -> Iterator[Mark]:
    """A stream is served after many have come and gone.

    Why: A pool whose places are not given back lets a burst of reloads shut everybody out until a restart.

    Mend: Release the stream's place (connection pool, semaphore, worker) also when the client leaves before the head.

    Example: HTTP/1.1 503 Service Unavailable
    """
    for view in seen.role("stream", Facts(situation="after-storm")):
        if view.is_event_stream:
            yield view.good()
        elif not view.head and view.transcript.end:
            yield view.bad("no answer after many streams have come and gone")
        elif view.head and view.head.status >= 500:
            yield view.bad(f"answered {view.head.status} after many streams have come and gone", "status")
