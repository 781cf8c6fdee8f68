"""Whether each event's data keeps the schema that is promised for its type (``promises.schema``).

Events are looked at when they are learnt: what many streams are told in the same words, once; and are counted in bulk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from ssegauge.conformance.jsontext import read_json
from ssegauge.conformance.rules.reading.schemas import MARKERS, breach
from ssegauge.conformance.target import Promises, validator
from ssegauge.loadtests.measuring.samples import Ints

UNCHECKED: Final = 0
KEPT: Final = 1
MOST_REASONS: Final = 50
NO_JSON: Final = "no JSON, where a JSON Schema is promised"
Note = Callable[[int, str], None]  # how many events, and why they are wrong: empty where they are right


class Schemas:
    """The schemas of a target; ``note`` takes what becomes of the events that they are for."""

    def __init__(self, promises: Promises, note: Note) -> None:
        self._promises, self._note = promises, note
        self._validators = {kind: validator(schema) for kind, schema in promises.schema.items()}
        self._reasons: list[str] = ["", ""]  # by the number of what ``look`` has found

    def look(self, kind: str, data: str) -> int:
        """Return the number of what was found: ``UNCHECKED``, ``KEPT``, or that of a reason."""
        if not self._validators or self._promises.schema_of(kind) is None or self._is_marker(kind, data):
            return UNCHECKED
        wrong = self._wrong(kind, data)
        return self._number(wrong) if wrong else KEPT

    def count(self, found: Ints) -> None:
        """Take the numbers of what was found, an event each."""
        if self._validators:
            for number, many in enumerate(np.bincount(found).tolist()):
                if many and number != UNCHECKED:
                    self._note(many, self._reasons[number])

    def take(self, kind: str, data: str) -> None:
        """Look at one event, and count it."""
        if found := self.look(kind, data):
            self._note(1, self._reasons[found])

    def _is_marker(self, kind: str, data: str) -> bool:
        """Whether the event may say that the stream is over, in whatever words."""
        ends = self._promises.ends
        return data.strip().lower() in MARKERS or bool(ends and ends.is_marker(kind, data))

    def _wrong(self, kind: str, data: str) -> str:
        try:
            value = read_json(data)
        except ValueError:
            return NO_JSON
        return breach(self._validators.get(kind) or self._validators["*"], value)

    def _number(self, reason: str) -> int:
        if reason in self._reasons:
            return self._reasons.index(reason)
        if len(self._reasons) >= MOST_REASONS:
            reason = "breaks the schema in other ways"
            if reason in self._reasons:
                return self._reasons.index(reason)
        self._reasons.append(reason)
        return len(self._reasons) - 1


NOTHING_PROMISED: Final = Schemas(Promises(), lambda _many, _why: None)
