"""Times the decoders on ever longer streams, cut into bytes, kilobytes and not at all: `python -m tests.sse.linear`.

Prints a table of nanoseconds per byte; linear is where a row does not grow. `--megabytes 100` takes minutes.
"""

import argparse
import time

from ssegauge.conformance.sse import Decoder, FastDecoder
from tests.sse.tables import rows

EVENT = b'id: 123456\ndata: {"type":"progress","progress":{"stage":"analysis","progress":42,"message":"' + (
    b"m" * 90 + b'"},"timestamp":1700000000000}\n\n'
)
CHUNKS = {"1 byte": 1, "1 kB": 1000, "whole": 0}


def nanoseconds_per_byte(decoder: Decoder | FastDecoder, stream: bytes, chunk: int) -> float:
    size = chunk or len(stream)
    started = time.process_time_ns()
    for at in range(0, len(stream), size):
        decoder.feed(stream[at : at + size])
    return (time.process_time_ns() - started) / len(stream)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--megabytes", type=int, default=10, help="of the longest stream")
    longest = parser.parse_args().megabytes
    sizes = [size for size in (1, 10, 100, 1000) if size <= longest]
    table = [("decoder", "chunk", *(f"{size} MB" for size in sizes))]
    for kind in (Decoder, FastDecoder):
        for name, chunk in CHUNKS.items():
            streams = (EVENT * (size * 1_000_000 // len(EVENT)) for size in sizes)
            figures = (f"{nanoseconds_per_byte(kind(), stream, chunk):.1f}" for stream in streams)
            table.append((kind.__name__, name, *figures))
    print(rows(*table))


if __name__ == "__main__":
    main()
