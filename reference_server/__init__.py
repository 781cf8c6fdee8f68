"""The smallest server that implements the whole specification, and deliberate faults to test testers with.

`serve` runs it until SIGTERM or SIGINT; `start` runs it inside an event loop.
"""

from reference_server.app import CannotServe
from reference_server.server import serve, start

__all__ = ["CannotServe", "serve", "start"]
