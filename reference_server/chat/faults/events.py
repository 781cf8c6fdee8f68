"""Events that are unlike the others."""

from collections.abc import Iterator

from ssegauge.reference_server.chat.completions import Completions
from ssegauge.reference_server.chat.faults.registry import breaks
from ssegauge.reference_server.generation.faults import changing

# code -> what is done, and what is sent behind the fourth event
PINGS = {
    "shape/unlike-the-others": ("Sends a ping whose data is empty.", b"event: ping\ndata: \n\n"),
    "shape/unlike-the-others:text": ("Sends a ping whose data is no JSON.", b"data: ping\n\n"),
}


def _pinging(ping: bytes, blocks: Iterator[bytes]) -> Iterator[bytes]:
    for number, block in enumerate(blocks):
        yield block + ping if number == 3 else block


for code, (about, ping) in PINGS.items():
    breaks(code)(changing(Completions, about, lambda blocks, ping=ping: _pinging(ping, blocks)))  # type: ignore[misc]
