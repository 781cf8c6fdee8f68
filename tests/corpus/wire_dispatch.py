"""Streams of which no event comes."""

from ssegauge.conformance.recording.transcript import from_capture
from tests.corpus.build import Case, exchange, healthy

CASES = {
    "wire/nothing-dispatched": Case(
        good=((healthy(),), (exchange(b"data: 1\n\n", how="cut"),)),
        bad=(
            (exchange(*((500.0 * n, b"data: 1\n") for n in range(5)), how="cut"),),
            (exchange(*((500.0 * n, b"data: 1\\n\\n") for n in range(5)), how="cut"),),
            (from_capture(b"data: 1\ndata: 2\ndata: 3\n"),),
            (from_capture(b'{"n": 0}\n{"n": 1}\n{"n": 2}\n'),),
            (from_capture(b"  data: 0\n\n  data: 1\n\n  data: 2\n\n"),),
            (from_capture(b"event tick\n\nevent tick\n\nevent tick\n\n"),),
        ),
        silent=(
            (exchange(how="cut"),),
            (exchange(b": nothing yet\n", (3000.0, b": still nothing\n"), how="cut"),),
            (exchange(b"data: 1\n", (30.0, b"data: 2\n"), how="cut"),),  # one event that was about to end
            (from_capture(b"data: 1\n"),),
            (from_capture(b"connected\n\n"),),
        ),
    ),
}
