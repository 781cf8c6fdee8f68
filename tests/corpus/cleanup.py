"""What clients leave behind when they go away."""

from typing import Any

from ssegauge.conformance.recording.transcript import Transcript
from tests.corpus.build import EPOCH_MS, Case, completed, connected, exchange, failed, healthy, progress

MIB = 1 << 20


def look(role: str, **facts: Any) -> Transcript:
    """An observation that is no exchange."""
    return exchange(role=role, answered=False, **facts)


def counts(before: Any, during: Any, after: Any) -> tuple[Transcript, ...]:
    """The server's count of open streams while 10 came and went."""
    values = (("before", before, 0), ("during", during, 10), ("after", after, 0))
    return tuple(look("open-streams", moment=moment, value=value, opened=n) for moment, value, n in values)


def sockets(moment: str, held: Any, **more: Any) -> tuple[Transcript, ...]:
    return (look("sockets", moment=moment, cut=10, held=held, **more),)


def process(fact: str, before: Any, after: Any, **more: Any) -> tuple[Transcript, ...]:
    """Two looks at the process, with 200 streams between them."""
    looks = (("before", before), ("after", after))
    return tuple(look("process", moment=moment, cycles=200, **{fact: value}, **more) for moment, value in looks)


def batches(*mib: float, **more: Any) -> tuple[Transcript, ...]:
    """Looks at the process's memory, each after 40 more streams."""
    last = len(mib) - 1
    return tuple(
        look(
            "process",
            moment="before" if not n else "after" if n == last else "during",
            cycles=40 * n,
            memory_bytes=int(held * MIB),
            **more,
        )
        for n, held in enumerate(mib)
    )


def heads(fact: str, before: Any, after: Any, *, role: str = "process", opened: int = 10) -> tuple[Transcript, ...]:
    """Two looks, with ten HEAD requests between them."""
    looks = (("head-before", before), ("head-after", after))
    return tuple(look(role, moment=moment, cycles=10, opened=opened, **{fact: value}) for moment, value in looks)


def after_storm(status: int = 200, **more: Any) -> tuple[Transcript, ...]:
    return (exchange(connected(), status=status, situation="after-storm", how="cut", **more),)


def newcomer(said: bytes = b"data: x\n\n", at: float = 0.0, read: float = 2500.0, **more: Any) -> Transcript:
    """A stream that somebody came to after so many ms; what is said comes after 200 ms."""
    facts = {"kind": "plain", "task_id": None, **more}
    return exchange((202.0, said), started_ms=EPOCH_MS + at, ended_at=read, how="cut", **facts)


def newcomers(*silent_at: float, said: bytes = b"data: x\n\n", **more: Any) -> tuple[Transcript, ...]:
    """Three who were told an event, others who were told none, and one who came when many had gone."""
    told = tuple(newcomer(said, 1000.0 * n) for n in range(3))
    silent = tuple(newcomer(b": beat\n\n", at) for at in silent_at)
    return (*told, *silent, newcomer(b": beat\n\n", 9000.0, situation="after-storm", **more))


def left(*states: bytes) -> Transcript:
    """A stream that we left while the task ran."""
    opening = (connected(), progress(0, "pending"))
    return exchange(*opening, *states, reader="cut", situation="storm", how="cut", task_id="left")


def again(*chunks: bytes, how: str = "timeout", waited: float = 10_000.0, **more: Any) -> Transcript:
    """The stream of the same task a moment later."""
    facts = {"joined": "late", "situation": "after-cut", "task_id": "left", **more}
    return exchange(*chunks, how=how, ended_at=waited, started_ms=EPOCH_MS + 100, **facts)


USUAL = healthy()  # ends well, after 40 ms
SHOWN = (connected(), progress(0, "pending"))

CASES = {
    "cleanup/half-open-held": Case(
        good=(sockets("vanished", 0, opened=10, unsent=0, patience_ms=8_000.0),),
        bad=(
            sockets("vanished", 10, opened=10, unsent=2_400, patience_ms=61_000.0),
            sockets("vanished", 1, opened=10, patience_ms=61_000.0),
        ),
        silent=(
            sockets("vanished", 10, opened=0),  # what was refused is no stream
            sockets("fin", 10),
            sockets("vanished", None),
        ),
    ),
    "cleanup/open-count-wrong": Case(
        good=(
            counts(0, 10, 0),
            counts(3, 13, 2),  # another stream ended meanwhile
            counts(1, 11, 2),  # another one began
            counts(0, 10, 0) + counts(0, 10, 0)[1:],
        ),
        bad=(counts(0, 10, 10), counts(0, 10, 5), counts(0, 10, -10), counts(0, 10, 0) + counts(0, 20, 10)[1:]),
        silent=(
            counts(0, 0, 0),  # a gauge that is refreshed now and then
            counts(0, 0, 10),  # ... or that counts something else
            counts(3, 4, 40),
            counts(0, 10, 0)[:2],
            counts(0, 10, 10)[1:],
        ),
    ),
    "cleanup/socket-held-after-fin": Case(
        good=(sockets("fin", 0), sockets("fin", 0, opened=5)),
        bad=(sockets("fin", 10), sockets("fin", 1, opened=10), sockets("fin", 4, patience_ms=16_500.0)),
        silent=(sockets("rst", 10), sockets("fin", 0, opened=4)),
    ),
    "cleanup/socket-held-after-rst": Case(
        good=(sockets("rst", 0),),
        bad=(sockets("rst", 10),),
        silent=(sockets("fin", 10), sockets("rst", None), sockets("rst", 0, opened=0)),
    ),
    "cleanup/descriptors-grow": Case(
        good=(process("descriptors", 30, 30), process("descriptors", 30, 35), process("descriptors", 30, 12)),
        bad=(process("descriptors", 30, 230, opened=200), process("descriptors", 30, 96)),
        silent=(
            process("descriptors", 30, None),
            process("memory_bytes", 1, 1),
            process("descriptors", 30, 30, opened=99),  # most were refused
        ),
    ),
    "cleanup/memory-grows": Case(
        good=(
            batches(50, 50, 50, 50, 50, 50),
            batches(50, 57, 58, 58, 57, 58),  # a heap that settles
            batches(50, 90, 90, 90, 90, 90),  # once, and then no more
            batches(50, 58, 49, 60, 48, 59),  # a heap that is cleared now and then
            batches(50, 50, 50, 50, 50, 80),
            batches(50, 40, 40, 40, 40, 40),
            batches(50, 51, 52, 53, 54, 55),  # too little to tell
            batches(50, 60, 70, 80, 90, 100, 110, 111, 111, 112, 112),  # it took long to settle
        ),
        bad=(
            batches(50, 60, 70, 80, 90, 100),
            batches(50, 52, 54, 56, 58, 60),
            batches(50, 70, 80, 75, 85, 95),  # not all at once is cleared
        ),
        silent=(
            batches(50, 60, 70, 80),
            batches(50, 60, 70, 80, 90, 100, opened=1),
            process("memory_bytes", 50 * MIB, 100 * MIB),
        ),
    ),
    "cleanup/work-goes-on": Case(
        good=(
            process("threads", 12, 12),
            process("threads", 2, 40),  # a pool
            process("busy", 0.0, 0.02),
            process("busy", 0.5, 0.55),
            process("busy", 0.3, 0.1),
            process("busy", -0.04, 0.0),  # as older recordings have it
        ),
        bad=(
            process("threads", 12, 212),
            process("busy", 0.0, 0.9),
            process("busy", 0.01, 0.07),
            tuple(look("process", moment=when, cycles=5, threads=n) for when, n in (("before", 3), ("after", 8))),
        ),
        silent=(
            process("threads", 12, None),
            process("threads", 12, 212, opened=3),
            process("threads", 12, 212)[:1],
        ),
    ),
    "cleanup/head-leaves-work": Case(
        good=(
            heads("threads", 12, 12),
            heads("busy", 0.2, 0.21),
            heads("descriptors", 20, 22),
            heads("threads", 2, 4),
            heads("value", 0, 1, role="open-streams"),  # another reader came meanwhile
            heads("value", 7, 3, role="open-streams"),
        ),
        bad=(
            heads("threads", 12, 22),
            heads("busy", 0.0, 0.2),
            heads("descriptors", 20, 30),
            heads("value", 0, 10, role="open-streams"),
            heads("value", 3, 9, role="open-streams"),
        ),
        silent=(
            heads("value", 0, 10, role="open-streams", opened=0),  # HEAD was refused
            heads("threads", 12, 22, opened=0),
            heads("threads", 12, None),
            heads("value", 0, 10, role="open-streams")[:1],
            counts(0, 10, 10),
            process("threads", 12, 212),
        ),
    ),
    "cleanup/refuses-after-storm": Case(
        good=(
            after_storm(),
            after_storm(503) + after_storm(),  # it was asked once more
            newcomers(),  # one alone
            newcomers(500.0),  # some were not told before either
            (*newcomers(6000.0, said=b"data: ssegauge0123456789ab step\n\n"),),  # what we published
            newcomers(6000.0, read=1500.0),  # it was not waited for
            (*newcomers(6000.0), newcomer(at=9500.0)),
        ),
        bad=(
            after_storm(503),
            after_storm(answered=False),
            after_storm() + after_storm(500),
            newcomers(6000.0),
            newcomers(6000.0, 7000.0),
        ),
        silent=(
            after_storm(404),
            after_storm(429),
            after_storm(204),
            (
                exchange(answered=False, how="error", detail="Connection reset by peer", started_ms=EPOCH_MS - 100.0),
                *after_storm(answered=False, detail="Connection reset by peer"),
            ),
            (exchange(status=502, started_ms=EPOCH_MS - 100.0), *after_storm(502)),  # now and then, as before
            after_storm(answered=False, detail="interrupted"),
        ),
    ),
    "cleanup/disconnect-stops-task": Case(
        good=(
            (USUAL, left(), again(*SHOWN, progress(20), completed(), how="eof", waited=50.0)),
            (USUAL, left(), again(connected(), completed(), how="eof", waited=5.0)),
        ),
        bad=(
            (USUAL, left(), again(*SHOWN)),
            (USUAL, left(), again(connected(), progress(20))),  # moved once more while we left
            (USUAL, left(), again(*SHOWN, how="eof", waited=3000.0)),
            (USUAL, left(), again(connected(), failed(), how="eof", waited=5.0)),
            (USUAL, left(), again(b"{}", status=404, how="eof")),
        ),
        silent=(
            (left(), again(*SHOWN)),  # nobody knows how long it takes
            (USUAL, again(*SHOWN)),
            (USUAL, left(progress(20)), again(connected(), progress(40), progress(60))),  # slower than we waited
            (USUAL, left(completed()), again(*SHOWN)),
            (USUAL, left(), again(*SHOWN, waited=500.0)),
            (USUAL, left(), again(answered=False, how="error")),
            (USUAL, left(), again(b"{}", status=204)),
        ),
    ),
}
