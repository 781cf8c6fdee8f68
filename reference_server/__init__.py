"""The smallest server that implements the whole specification, and deliberate faults to test testers with.

`serve` runs it until SIGTERM or SIGINT; `start` runs it inside an event loop. `TARGET_FILE` describes it with every
hook, at its usual port.
"""

from pathlib import Path

from ssegauge.reference_server.app import CannotServe
from ssegauge.reference_server.server import serve, start

TARGET_FILE = Path(__file__).with_name("ssegauge.toml")

__all__ = ["TARGET_FILE", "CannotServe", "serve", "start"]
