"""So many inputs for one reader, without instrumentation: ``python -m tests.fuzz.many NAME INPUTS``.

Inputs are mutations of the reader's pieces and of what ``python -m tests.fuzz NAME`` left in ``build/fuzz/NAME``: up to
`SHORT` bytes, of one in a hundred up to `LONG`, of one in two thousand up to `LONGEST`. Two more arguments are the
seed, which gives the same inputs of the same corpus, and the most seconds to go on for. It ends at the first that
breaks something, which is kept beside the corpus, and with exit status 1 where one took more than `HANG_S` of CPU time;
those over `SLOW_S` are kept and named.
"""

import faulthandler
import random
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter, process_time

import anyio
import httpcore._synchronization
import psutil

from tests.fuzz.readers import BATCHES, READERS
from tests.fuzz.seeds import PIECES

CORPUS = Path("build/fuzz")
BATCH = 64
SHORT, LONG, LONGEST = 200, 4096, 16 << 10
SETTLED = 20_000  # inputs, after which memory is to grow no more
SLOW_S, HANG_S, STUCK_S = 1.0, 5.0, 600
MIB = 1 << 20


class Inputs:
    """Inputs for a reader, one after the other."""

    def __init__(self, name: str, seed: int) -> None:
        self._draw = random.Random(seed)
        self._pieces = PIECES.get(name, PIECES["capture"])
        found = [path.read_bytes() for path in sorted((CORPUS / name).glob("*")) if path.is_file()]
        self._corpus = [*found, *self._pieces, b"".join(self._pieces)]

    def next(self) -> bytes:
        """Return an input: one of the corpus with some changes, made longer where its turn is."""
        draw = self._draw
        data, most = draw.choice(self._corpus), self._most()
        while len(data) < most > SHORT:
            data += draw.choice((self._piece, self._other))() * draw.randint(1, 64)
        for _ in range(draw.choice((1, 1, 2, 3, 5, 8))):
            start = draw.randrange(len(data) + 1)
            end = min(len(data), start + draw.choice((0, 0, 1, 4, 16, 64)))
            data = data[:start] + draw.choice(CHANGES)(self, data[start:end]) + data[end:]
        return data[:most]

    def _most(self) -> int:
        turn = self._draw.random()
        return self._draw.randint(SHORT, LONGEST if turn < 1 / 2000 else LONG) if turn < 1 / 100 else SHORT

    def _piece(self) -> bytes:
        return self._draw.choice(self._pieces)

    def _other(self) -> bytes:
        one = self._draw.choice(self._corpus)
        return one[self._draw.randrange(len(one) + 1) :]

    def _junk(self) -> bytes:
        return self._draw.randbytes(self._draw.randint(1, 8))


CHANGES: tuple[Callable[[Inputs, bytes], bytes], ...] = (
    lambda _inputs, _part: b"",
    lambda inputs, part: part + inputs._piece(),
    lambda inputs, part: part + inputs._other(),
    lambda inputs, _part: inputs._junk(),
    lambda _inputs, part: part * 3,
    lambda _inputs, part: bytes(one ^ 1 << at % 8 for at, one in enumerate(part)),
)


def run(name: str, inputs: Inputs, many: int, most_s: float) -> bool:
    """Give the reader so many inputs, or as many as that time allows; return whether none took too long."""
    process, began, used = psutil.Process(), perf_counter(), process_time()
    settled = slowest = length = done = 0.0
    while done < many and perf_counter() - began < most_s:
        batch = [inputs.next() for _ in range(BATCH)]
        length, done = length + sum(map(len, batch)), done + BATCH
        faulthandler.dump_traceback_later(STUCK_S, exit=True)
        slowest = max(slowest, cost(name, batch))
        if done <= SETTLED:
            settled = process.memory_info().rss
    faulthandler.cancel_dump_traceback_later()
    grown = (process.memory_info().rss - settled) / MIB
    print(f"{name}: {done:,.0f} inputs of {length / done:.0f} bytes on average, {perf_counter() - began:.0f} s,")
    print(
        f"  {process_time() - used:.1f} s of CPU; slowest {slowest:.3f} s; {settled / MIB:.0f} MiB, grown {grown:+.1f}"
    )
    return slowest <= HANG_S


def cost(name: str, batch: Sequence[bytes]) -> float:
    """Return CPU seconds of the batch's slowest input, the mean where all took under SLOW_S together."""
    try:
        began = process_time()
        if together := BATCHES.get(name):
            together(batch)
        else:
            list(map(READERS[name], batch))
    except Exception:
        keep(name, "broke", next(one for one in batch if not bears(name, one)))
        raise
    took = process_time() - began
    return took / len(batch) if took < SLOW_S else max(alone(name, one) for one in batch)


def alone(name: str, data: bytes) -> float:
    began = process_time()
    READERS[name](data)
    if (took := process_time() - began) > SLOW_S:
        keep(name, f"slow-{took:.1f}s", data)
    return took


def bears(name: str, data: bytes) -> bool:
    try:
        READERS[name](data)
    except Exception:  # noqa: BLE001 - whatever it is, it is shown for the batch
        return False
    return True


def keep(name: str, why: str, data: bytes) -> None:
    path = CORPUS / f"{name}-{why}-{hash(data) & 0xFFFF:04x}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    print(f"{path}: {len(data)} bytes", flush=True)


class Hastened:
    """anyio, with locks that do not yield to the loop each time: a third of the time, and nobody waits here."""

    Lock = staticmethod(partial(anyio.Lock, fast_acquire=True))
    Semaphore = staticmethod(partial(anyio.Semaphore, fast_acquire=True))

    def __getattr__(self, name: str) -> object:
        return getattr(anyio, name)


def main() -> None:
    setattr(httpcore._synchronization, "anyio", Hastened())  # noqa: B010 - its type is that of the module
    name, many, seed, most_s = (*sys.argv[1:], *("", "1000000", "1", "inf")[len(sys.argv) - 1 :])
    sys.exit(not run(name, Inputs(name, int(seed)), int(many), float(most_s)))


if __name__ == "__main__":
    main()
