"""The log's one promise: whatever readers do, each gets every event from its position on, once and in order."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssegauge.reference_server.common.log import FellBehindError, Log, Reader, chunk


class Wire:
    """A transport, its connection and its writer in one, which takes more or does not as the test says."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.writing_paused = False
        self.takes_more = asyncio.Event()
        self.takes_more.set()

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return False

    def pause(self) -> None:
        self.writing_paused = True
        self.takes_more.clear()

    def resume(self) -> None:
        self.writing_paused = False
        self.takes_more.set()

    async def drain(self) -> None:
        await self.takes_more.wait()


def reader_on(wire: Any, position: int = 0, *, chunked: bool = False) -> Reader:
    return Reader(wire, wire, wire, chunked, position)


STEPS = st.lists(st.sampled_from(["append", "append", "pause", "resume", "run", "beat", "join"]), max_size=40)


@settings(max_examples=300, deadline=None)
@given(steps=STEPS, positions=st.lists(st.integers(0, 5), min_size=40, max_size=40), which=st.randoms())
def test_each_reader_gets_everything_from_its_position_once_and_in_order(
    steps: list[str], positions: list[int], which: Any
) -> None:
    asyncio.run(play(["join", *steps], positions, which))


async def play(steps: list[str], positions: list[int], which: Any) -> None:
    log, wires, starts = Log(), [], []
    following: list[asyncio.Task[None]] = []
    for step, position in zip(steps, [0, *positions], strict=False):
        if step == "append":
            log.append(b"%d" % log.end)
        elif step == "join":
            starts.append(min(position, log.end))
            wires.append(Wire())
            following.append(asyncio.create_task(log.follow(reader_on(wires[-1], starts[-1]))))
        elif step == "beat":
            await log.beat(b":")
        elif step == "run":
            await asyncio.sleep(0)
        else:
            getattr(which.choice(wires), step)()
    log.close()
    for wire in wires:
        wire.resume()
    await asyncio.gather(*following)
    got = [[int(data) for data in wire.written if data != b":"] for wire in wires]
    assert got == [list(range(start, log.end)) for start in starts]
    assert not log.ready


async def test_a_full_reader_is_not_written_to() -> None:
    log, wire = Log(), Wire()
    following = asyncio.create_task(log.follow(reader_on(wire)))
    await asyncio.sleep(0)
    wire.pause()
    for number in range(100):
        log.append(b"%d" % number)
    assert wire.written == [b"0"]
    wire.resume()
    log.close()
    await following
    assert len(wire.written) == 100


async def test_a_reader_that_leaves_is_forgotten() -> None:
    log = Log()
    following = asyncio.create_task(log.follow(reader_on(Wire())))
    await asyncio.sleep(0)
    assert len(log.ready) == 1
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert not log.ready


async def test_a_position_that_is_forgotten_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssegauge.reference_server.common.log.RETAINED_BYTES", 10)
    log = Log()
    for _ in range(30):
        log.append(b"x")
    assert (log.end, log.base > 0, log.size <= 10) == (30, True, True)
    with pytest.raises(FellBehindError):
        await log.follow(reader_on(Wire()))


def test_a_chunk_is_framed_as_http_1_1_says() -> None:
    assert chunk(b"x" * 26) == b"1a\r\n" + b"x" * 26 + b"\r\n"
