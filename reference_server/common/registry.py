"""Which code breaks which part of a server.

A fault is a subclass of a healthy part that overrides one method, or a middleware, registered under the code
of the rule that it breaks; what breaks the same rule in another way is `CODE:variant`. A code may have several.
Faults of the same part combine by inheritance, so each calls `super()`.
"""

import dataclasses
import difflib
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from aiohttp.typedefs import Middleware

from ssegauge.reference_server.common.errors import CannotServe
from ssegauge.reference_server.common.http2 import Front


@dataclasses.dataclass(slots=True)
class Parts:
    """The classes that make a server, in the fields that subclasses add, and further middlewares."""

    front: type[Front] = Front
    middlewares: list[Middleware] = dataclasses.field(default_factory=list)


T = TypeVar("T", bound=type)
P = TypeVar("P", bound=Parts)


class Registry(Generic[P]):
    """The faults of one server, which is made of `parts`."""

    def __init__(self, parts: type[P]) -> None:
        self.parts = parts
        self.classes: dict[str, list[type]] = defaultdict(list)
        self.middlewares: dict[str, list[Middleware]] = defaultdict(list)

    def breaks(self, *codes: str) -> Callable[[T], T]:
        """Register a subclass of a part under the codes."""

        def register(subclass: T) -> T:
            for code in codes:
                self.classes[code].append(subclass)
            return subclass

        return register

    def breaks_by(self, code: str) -> Callable[[Middleware], Middleware]:
        """Register a middleware under the code."""

        def register(middleware: Middleware) -> Middleware:
            self.middlewares[code].append(middleware)
            return middleware

        return register

    def codes(self) -> list[str]:
        """Return the codes of all faults, sorted."""
        return sorted({*self.classes, *self.middlewares})

    def about(self, code: str) -> str:
        """Return what the fault does, in a sentence."""
        made_of: list[Any] = [*self.classes.get(code, ()), *self.middlewares.get(code, ())]
        in_its_own_words = f"{code.rpartition('/')[2].replace('-', ' ').capitalize()}."
        return next((text.partition("\n")[0] for part in made_of if (text := part.__doc__)), in_its_own_words)

    def compose(self, chosen: Sequence[str]) -> P:
        """Return the parts of a server that has all of the faults, or none; raises CannotServe for an unknown code."""
        if unknown := next((code for code in chosen if code not in self.codes()), None):
            near = difflib.get_close_matches(unknown, self.codes(), 3, 0.2)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise CannotServe(f"there is no fault {unknown!r}{hint} (--faults lists them)")
        parts = self.parts()
        parts.middlewares = [middleware for code in chosen for middleware in self.middlewares[code]]
        for name in {field.name for field in dataclasses.fields(self.parts)} - {"middlewares"}:
            healthy: Any = getattr(parts, name)
            broken = dict.fromkeys(c for code in chosen for c in self.classes[code] if issubclass(c, healthy))
            if broken:
                setattr(parts, name, type(f"Faulty{healthy.__name__}", tuple(broken), {}))
        return parts
