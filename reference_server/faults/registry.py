"""Which code breaks which part.

A fault is a subclass of a healthy part that overrides one method, or a middleware, registered under the code
of the rule that it breaks. A code may have several. Faults of the same part combine by inheritance, so each
calls `super()`.
"""

import difflib
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from aiohttp.typedefs import Middleware

from ssegauge.reference_server.app import CannotServe, Parts

T = TypeVar("T", bound=type)
REPLACEABLE = ("events", "tasks", "streams", "security")

classes: dict[str, list[type]] = defaultdict(list)
middlewares: dict[str, list[Middleware]] = defaultdict(list)


def breaks(*codes: str) -> Callable[[T], T]:
    """Register a subclass of a part under the codes."""

    def register(subclass: T) -> T:
        for code in codes:
            classes[code].append(subclass)
        return subclass

    return register


def breaks_by(code: str) -> Callable[[Middleware], Middleware]:
    """Register a middleware under the code."""

    def register(middleware: Middleware) -> Middleware:
        middlewares[code].append(middleware)
        return middleware

    return register


def codes() -> list[str]:
    """Return the codes of all faults, sorted."""
    return sorted({*classes, *middlewares})


def compose(chosen: Sequence[str]) -> Parts:
    """Return the parts of a server that has all of the faults, or none; raises CannotServe for an unknown code."""
    for code in chosen:
        if code not in codes():
            near = difflib.get_close_matches(code, codes(), 3, 0.2) or codes()
            raise CannotServe(f"there is no fault {code!r}; there is {', '.join(near)}")
    parts = Parts(middlewares=[middleware for code in chosen for middleware in middlewares[code]])
    for name in REPLACEABLE:
        healthy: Any = getattr(parts, name)
        broken = dict.fromkeys(c for code in chosen for c in classes[code] if issubclass(c, healthy))
        if broken:
            setattr(parts, name, type(f"Faulty{healthy.__name__}", tuple(broken), {}))
    return parts
