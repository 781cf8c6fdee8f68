"""The readers' invariants on bounded, repeatable input: pieces of what they read, put together at random."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.readers import READERS
from tests.fuzz.seeds import PIECES

steady = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], max_examples=60)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("reader", "pieces"), [(READERS[name], PIECES[name]) for name in PIECES], ids=PIECES)
def test_a_reader_bears_any_bytes(reader: Callable[[bytes], None], pieces: list[bytes]) -> None:
    @steady
    @given(st.lists(st.sampled_from(pieces) | st.binary(max_size=8), max_size=12).map(b"".join))
    def bears(data: bytes) -> None:
        reader(data)

    bears()


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_a_reader_bears_its_seeds(reader: Callable[[bytes], None]) -> None:
    for pieces in PIECES.values():
        for data in (b"", *pieces, b"".join(pieces)):
            reader(data)
