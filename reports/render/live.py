"""One line on the terminal that says what goes on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

PLAIN_LINE_EVERY_S = 5.0


@contextmanager
def live(console: Console, first: str) -> Iterator[Callable[[str], None]]:
    """Yield what tells a line, and keep it up to date on a terminal; elsewhere print one now and then."""
    if console.is_terminal:
        with console.status(escape(first)) as status:
            yield lambda line: status.update(escape(line))
        return
    last = -math.inf

    def tell(line: str) -> None:
        nonlocal last
        if time.monotonic() - last >= PLAIN_LINE_EVERY_S:
            last = time.monotonic()
            console.print(line, markup=False, soft_wrap=True)

    yield tell
