"""Waiting for a condition, which is all that these tests know of time."""

import time
from collections.abc import Callable
from typing import Any

PATIENCE_S = 30.0  # how long a condition may take on a busy machine; nothing is asserted about the time it took


def wait_until(condition: Callable[[], Any], what: str) -> Any:
    """The first true value of the condition."""
    deadline = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {PATIENCE_S:g} s in vain until {what}"
        time.sleep(0.02)
    return value
