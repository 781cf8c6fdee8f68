"""What readers of one stream are told by the same ids: the same, or each something else."""

import json
from typing import Any

from tests.corpus.build import Run
from tests.corpus.readers import feed, reader, twin


def beside(one: Any, other: Any = None, first: int = 1) -> Run:
    """Two who read one after the other and for a while together; what each is told by an id."""
    late = [(at, (other or one)(n)) for n, (at, _) in enumerate(feed(), first)]
    return reader([(at, one(n)) for n, (at, _) in enumerate(feed(), 1)]), twin(late, came=2000.0, left=7000.0)


def delta(base: int) -> Any:
    """An event that says by how much something differs from what it was when this reader came."""
    return lambda n: b"id: %d\ndata: %d\n\n" % (n, n * n % 17 - base)


def rolled(who: int) -> Any:
    """An event that says its id once more, and what this reader has drawn."""
    return lambda n: b'id: %d\ndata: {"round": %d, "dice": %d}\n\n' % (n, n, n * 7919 * who % 36)


def as_json(**mine: int) -> Any:
    return lambda n: (
        b"id: %d\ndata: %s\n\n" % (n, json.dumps({"seq": n * 7, **{k: v + n for k, v in mine.items()}}).encode())
    )


def translated(words: str) -> Any:
    return lambda n: f'id: {n}\ndata: {{"n": {n}, "text": "{words} {n}"}}\n\n'.encode()


def in_euros(n: int) -> bytes:
    return b'id: %d\ndata: {"price": "%d", "in": "EUR"}\n\n' % (n, 2 * n)


def enumerated(make: Any) -> list[tuple[float, bytes]]:
    """What one who came at the same time is told of its own, by the same ids."""
    return [(at, make(n)) for n, (at, _) in enumerate(feed())]
