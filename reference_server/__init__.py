"""The smallest server that implements the whole specification, and deliberate faults to test testers with.

`serve` runs it until SIGTERM or SIGINT; `reference_server.app.start` runs it inside an event loop.
"""

from reference_server.app import CannotServe, serve

__all__ = ["CannotServe", "serve"]
